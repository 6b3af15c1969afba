"""What was installed where runs were made: a file for each environment, named by the SHA-256 of its lines.

``.jvs/runs/environments/<digest>`` holds lines ``name==version``. It is written once; what it says is checked against its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from jvs_core import files, regular
from jvs_core.control.layout import Layout
from jvs_core.control.records.runs import digest
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, PathEscape

_LARGEST = 1 << 20


def keep(layout: Layout, lines: Iterable[str]) -> str:
    """Keep the lines of an environment, durable, unless they are known; return their digest."""
    data = "\n".join(lines).encode("utf-8", "backslashreplace")
    name = digest(data)
    place = _place(layout, name)
    if len(data) <= _LARGEST and not os.path.lexists(place):
        files.make_folder(place.parent, mode=layout.folder_mode, exist_ok=True)
        with suppress(AlreadyExists):
            files.create_atomic(place, data, mode=layout.file_mode)
    return name


def read(layout: Layout, name: str) -> list[str] | None:
    """Return the lines of an environment; None where they are not known, or are not what they were."""
    try:
        data = regular.read_regular(_place(layout, name), most=_LARGEST)
    except (OSError, DescriptorCorrupt, PathEscape):
        return None
    return data.decode("utf-8", "replace").splitlines() if digest(data) == name else None


def _place(layout: Layout, name: str) -> Path:
    if re.fullmatch("[0-9a-f]{64}", name) is None:
        raise DescriptorCorrupt(f"{name[:80]!r} is not the digest of an environment", hint="jvs doctor")
    return layout.runs / "environments" / name
