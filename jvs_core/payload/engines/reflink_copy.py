"""The engine ``reflink-copy``: one clone a file, sharing blocks (XFS, btrfs, and JuiceFS by ``copy_file_range``)."""

from __future__ import annotations

from jvs_core.payload.engines.plain_copy import FileEngine

ENGINE = FileEngine("reflink-copy", "reflink")
