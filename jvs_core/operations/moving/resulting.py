"""What a clone becomes beside its snapshots: worktrees, and the records that lead to what arrived."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from jvs_core import clock, files
from jvs_core.control import catalog, control_folders
from jvs_core.control.names import MAIN
from jvs_core.control.records import tombstones
from jvs_core.errors import JvsError
from jvs_core.model import Descriptor, Head, Tombstone, Worktree
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.moving import site
from jvs_core.operations.moving.cut import Cut
from jvs_core.operations.moving.records import Records
from jvs_core.progress import Progress


@dataclass(frozen=True)
class Resulting:
    """A clone under way, of the source ``ctx`` as it was at the ``cut``; ``new`` is what it becomes."""

    ctx: Context
    cut: Cut
    new: Context
    lines: list[str]

    def worktrees(self, arrived: set[str], progress: Progress) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree as its head has it, and yield its record."""
        for name, found in self.cut.worktrees.items():
            head = self._head(name, found, arrived)
            self._make(name, head.snapshot_id, progress)
            base = head.base_snapshot_id
            yield name, Worktree(found.config.changed(base_snapshot_id=base), head)

    def _head(self, name: str, found: Worktree, arrived: set[str]) -> Head:
        """Return the head of a worktree: its own, or where that did not arrive the nearest ancestor that did."""
        here, seen = found.head_snapshot_id, set[str]()
        while here is not None and here not in arrived and here not in seen:
            seen.add(here)
            here = self._parent(here)
        base = found.base_snapshot_id if found.base_snapshot_id in self.cut.descriptors else None
        undo, redo = (
            tuple(
                point
                for point in points
                if {point.snapshot_id, point.restored_snapshot_id, point.head_snapshot_id} - {None} <= arrived
            )
            for points in (found.undo, found.redo)
        )
        here = here if here in arrived else None
        if (here, base, undo, redo) == (
            found.head_snapshot_id,
            found.base_snapshot_id,
            found.undo,
            found.redo,
        ):
            return found.head
        if here != found.head_snapshot_id:
            self.lines.append(
                f"worktree {name!r} has the head {here or 'no snapshot'}, because {found.head_snapshot_id} is not in the clone"
            )
        return Head(
            number=found.head.number + 1,
            worktree_id=found.worktree_id,
            snapshot_id=here,
            base_snapshot_id=base,
            undo=undo,
            redo=redo,
            fencing_token=found.head.fencing_token,
            operation="clone",
        )

    def _parent(self, snapshot_id: str) -> str | None:
        """Return the parent of a snapshot of the source, whose descriptor perhaps does not come along."""
        with suppress(JvsError):
            return catalog.read(self.ctx.layout, snapshot_id).parent_snapshot_id
        return None

    def _make(self, name: str, snapshot_id: str | None, progress: Progress) -> None:
        layout, engine = self.new.layout, self.new.engine()
        place = layout.worktree(name)
        if os.path.lexists(place):
            if site.is_made(layout, name, str(snapshot_id)):
                return
            engine.remove(place)
        if snapshot_id is None:
            engine.make_worktree(place)
            if name == MAIN and layout.worktree_mode is not None:
                files.set_mode(place, layout.worktree_mode)
        else:
            found = stored.load(layout, snapshot_id)
            with found.read(), self.new.bringing():
                self.lines.extend(
                    f"worktree {name!r}: {line}"
                    for line in engine.materialize(
                        found.payload,
                        found.entries,
                        place,
                        since_ns=clock.parse(found.descriptor.created_at) * 1_000_000,
                        progress=progress,
                    )
                )
        engine.settle(place)
        if name == MAIN:
            control_folders.close(layout, place)
        site.note_made(layout, name, str(snapshot_id))

    def records(self, arrived: set[str], worktrees: Mapping[str, Worktree]) -> Records:
        """Return the records to write: what leads to snapshots that did not arrive stays behind, and is named."""
        cut = self.cut
        stubs = {key: self._stub(taken) for key, taken in cut.descriptors.items() if key not in arrived}
        refs = [ref for ref in cut.refs if ref.snapshot_id in arrived]
        left = [ref.name for ref in cut.refs if ref.snapshot_id not in arrived]
        if left:
            self.lines.append(
                f"left out, because their snapshots are not in the clone: refs {', '.join(left)}"
            )
        pins = [pin for pin in cut.pins if pin.snapshot_id in arrived]
        return Records(
            descriptors=cut.descriptors,
            worktrees=worktrees,
            stubs=stubs,
            refs=refs,
            pins=pins,
            logged_pins=frozenset(cut.ledger.pins),
            annotations=cut.annotations,
            runs=cut.runs,
            beside_runs=cut.beside_runs,
        )

    def _stub(self, taken: Descriptor) -> Tombstone:
        """Return the tombstone of a snapshot whose payload is not here: that of the source, or a new one."""
        known = tombstones.TOMBSTONES.find(self.ctx.layout, taken.snapshot_id)
        if known is not None:
            return known.changed(stub=True)
        return Tombstone(
            snapshot_id=taken.snapshot_id,
            plan_id=uuid.uuid4().hex[:12],
            removed_at=clock.timestamp(),
            removed_by=self.ctx.settings.holder_id,
            stub=True,
            descriptor=taken.to_json(),
        )
