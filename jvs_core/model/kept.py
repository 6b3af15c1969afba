"""A copy of one file, kept before the file was removed or overwritten."""

from __future__ import annotations

from typing import Annotated, Literal

from jvs_core.model.forms import Count, HexPath, Holder, Name, Sha256, SnapshotId, Timestamp, Uuid
from jvs_core.model.record import Record
from jvs_core.validated import Field

Cause = Literal["delete", "rename", "overwrite"]


class KeptCopy(Record):
    """The record of a kept copy: ``kept/<worktree>/<id>/record.json``; the bytes are the file beside it.

    ``path`` is where the file lay in the worktree, in hexadecimal; ``cause`` what was about to happen to it. ``mtime_ns`` is
    a text since JSON has no integers that long; ``xattrs`` is as in a manifest.
    """

    copy_id: SnapshotId
    worktree_id: Uuid
    worktree: Name
    path: HexPath
    cause: Cause
    size: Count
    sha256: Sha256
    mode: Annotated[int, Field(ge=0, le=0o7777)]
    uid: Count
    gid: Count
    mtime_ns: Annotated[str, Field(pattern=r"^-?[0-9]{1,19}$")]
    xattrs: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    kept_at: Timestamp
    kept_by: Holder
