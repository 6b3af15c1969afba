"""What an export or a view holds: the entries of a snapshot at and below a path, with the folders above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jvs_core.control import catalog
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path, require
from jvs_core.operations.stored import Stored
from jvs_core.payload.archive import contents
from jvs_core.payload.tree.entry import Entry


@dataclass(frozen=True)
class Selection:
    """A part of a snapshot, in the order of its manifest, by the paths that it has there."""

    source: Stored
    path: bytes
    entries: Sequence[Entry]

    @property
    def top(self) -> str:
        """The name of the folder that holds it in archives."""
        descriptor = self.source.descriptor
        return contents.top_of(descriptor.worktree, descriptor.snapshot_id)

    def name(self, entry: Entry) -> str:
        """Return the name of an entry in archives."""
        return contents.name_of(entry.path, self.top)


def choose(ctx: Context, snapshot_id: str, path: str) -> Selection:
    """Return what ``path`` of a snapshot holds. Raises PathNotFound, PathEscape and what ``stored.load`` does."""
    catalog.require_kept(ctx.layout, snapshot_id)
    source = stored.load(ctx.layout, snapshot_id)
    inner = payload_path(path)
    require(source.entries, inner, snapshot_id)
    return Selection(source, inner, contents.part(source.entries, inner))
