"""Archives, by listing."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.part import Part


class MemberChange(Part):
    """One member; sizes are those when unpacked, None where it is missing. Equal sizes of a ``changed`` one: other content."""

    path: str
    change: Literal["added", "removed", "changed"]
    old_size: int | None
    new_size: int | None


class ArchiveDetail(Part):
    """How an archive changed. ``contents_compared`` is False for tar, which has no digests: members go by size and time."""

    kind: Literal["archive"] = "archive"
    format: Literal["zip", "tar"]
    old_members: int = 0
    new_members: int = 0
    members: list[MemberChange]
    contents_compared: bool = True
