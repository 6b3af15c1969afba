"""Finding files that may have content of a given digest: in other snapshots by manifest, in worktrees by size."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from jvs_core.control import catalog
from jvs_core.control.records import worktree
from jvs_core.errors import JvsError
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.payload.copy.mend import Place
from jvs_core.payload.manifest.lines import path_of
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.walk import scan


class Sources:
    """The places that may have the content of the files ``wanted``; only reading it tells."""

    def __init__(self, ctx: Context, wanted: Sequence[Entry]) -> None:
        files = [entry for entry in wanted if entry.kind == FILE]
        self._by_digest: dict[bytes, list[Place]] = {entry.sha256: [] for entry in files}
        self._by_size: dict[int, list[Place]] = {entry.size: [] for entry in files}
        if files:
            self._look_into_snapshots(ctx)
            self._look_into_worktrees(ctx)

    def of(self, entry: Entry) -> list[Place]:
        """Return the places for one file, the likeliest first."""
        places = [*self._by_digest.get(entry.sha256, ()), *self._by_size.get(entry.size, ())]
        return sorted(places, key=lambda place: place.path != entry.path)

    def _look_into_snapshots(self, ctx: Context) -> None:
        digests = {digest.hex().encode(): digest for digest in self._by_digest}
        for snapshot_id in reversed(catalog.ids(ctx.layout)):
            with suppress(JvsError):
                descriptor = stored.descriptor_of(ctx.layout, snapshot_id)
                payload = ctx.layout.payload(snapshot_id)
                for line in stored.lines(ctx.layout, descriptor):
                    digest = digests.get(line.split(b"\t", 9)[8])
                    if digest is not None:
                        self._by_digest[digest].append(Place(payload, path_of(line)))

    def _look_into_worktrees(self, ctx: Context) -> None:
        for name in worktree.names(ctx.layout):
            with suppress(JvsError):
                folder = ctx.layout.worktree(name)
                for entry in scan(folder, must_read=False).entries:
                    if entry.kind == FILE and entry.size in self._by_size:
                        self._by_size[entry.size].append(Place(folder, entry.path))
