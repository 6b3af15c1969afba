"""Importing a repository of JVS 0.1.0: all that it holds, with the ids that it has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.audit import log_file
from jvs_core.control.records import heads
from jvs_core.control.records.pins import has_expired
from jvs_core.errors import LockConflict
from jvs_core.model import Descriptor, Head, Tombstone, Worktree, WorktreeConfig
from jvs_core.operations import cells
from jvs_core.operations.moving.arriving import Incoming
from jvs_core.operations.moving.first_repository import FirstRepository, FirstWorktree
from jvs_core.operations.moving.old import OldImport
from jvs_core.operations.moving.records import Records
from jvs_core.operations.preparation import encode_ready
from jvs_core.results import ImportedSnapshot


@dataclass
class FirstImport(OldImport):
    """An import under way of ``found``."""

    found: FirstRepository = field(kw_only=True)

    def wanted(self) -> list[str]:
        """Return the snapshots that have a payload, parents before their children."""
        return [key for key in self.found.descriptors if key not in self.found.tombstones]

    def incoming(self, key: str) -> Incoming:
        """Return a snapshot with the records that it has; its payload is checked as it arrives."""
        source, taken = self.found.layout, self.found.descriptors[key]
        catalog.read_ready(source, key)
        self.came[key] = ImportedSnapshot(snapshot_id=key, checked=True)
        here = self.descriptor(key)
        return Incoming(
            descriptor=here,
            ready=encode_ready(here),
            manifest=source.read(source.manifest(key)),
            payload=source.payload(key),
            cells=cells.checked(source, taken),
        )

    def descriptor(self, key: str) -> Descriptor:
        """Return a descriptor as it was, or, where its parent cannot be read, as the first of a line that says so."""
        taken = self.found.descriptors[key]
        parent = taken.parent_snapshot_id
        if parent is None or parent in self.found.descriptors:
            return taken
        lost = f"its parent {parent} could not be imported"
        made = taken.changed(parent_snapshot_id=None, degraded=(*taken.degraded, lost))
        return made.changed(descriptor_checksum=catalog.checksum(made).model_dump())

    def parent(self, key: str) -> str | None:
        """Return the parent that a descriptor names."""
        known = self.found.descriptors.get(key)
        return None if known is None else known.parent_snapshot_id

    def worktrees(self) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree of the folder that it is there, and yield its record."""
        for name, found in self.found.worktrees.items():
            self.make_worktree(name)
            config = WorktreeConfig(
                worktree_id=found.worktree_id,
                created_at=found.created_at,
                base_snapshot_id=self._known(found.base_snapshot_id),
                labels=found.labels,
            )
            yield name, Worktree(config, self._head(name, found))

    def _head(self, name: str, found: FirstWorktree) -> Head:
        snapshot_id = self.stand(name, found.head_snapshot_id)
        undo = tuple(
            point
            for point in found.undo
            if all(
                each in self.arriving.arrived
                for each in (point.snapshot_id, point.restored_snapshot_id, point.head_snapshot_id)
                if each is not None
            )
        )
        if len(undo) != len(found.undo):
            self.lines.append(
                f"worktree {name!r}: some snapshots that undo goes back to could not be imported"
            )
        tokens = [
            each.fencing_token
            for each in self.found.descriptors.values()
            if each.worktree_id == found.worktree_id and each.fencing_token < heads.LAST
        ]
        return Head(
            number=1,
            worktree_id=found.worktree_id,
            snapshot_id=snapshot_id,
            base_snapshot_id=self._known(found.base_snapshot_id),
            undo=undo,
            fencing_token=max(tokens, default=None),
            operation="import",
        )

    def _known(self, key: str | None) -> str | None:
        return key if key in self.found.descriptors else None

    def records(self, worktrees: Mapping[str, Worktree]) -> Records:
        """Return all records, the pins that still hold, and the runs that ended."""
        arrived = set(self.arriving.arrived)
        refs = [ref for ref in self.found.refs if ref.snapshot_id in arrived]
        self._left_out("ref", [ref.name for ref in self.found.refs if ref.snapshot_id not in arrived])
        holding = [pin for pin in self.found.pins if not has_expired(pin)]
        pins = [pin for pin in holding if pin.snapshot_id in arrived]
        self._left_out("pin", [pin.pin_id for pin in holding if pin.snapshot_id not in arrived])
        runs = dict(self._runs())
        self._left_out("run", [key for key in self.found.runs if key not in runs])
        return Records(
            {key: self.descriptor(key) for key in self.found.descriptors},
            worktrees,
            stubs={key: self._stub(key) for key in self.found.descriptors if key not in arrived},
            refs=refs,
            pins=pins,
            logged_pins=frozenset(pin.pin_id for pin in pins),
            runs=runs,
        )

    def _runs(self) -> Iterator[tuple[str, bytes]]:
        for run_id, (run, data) in self.found.runs.items():
            needed = {run.before_snapshot_id, run.after_snapshot_id} - {None}
            if run.outcome != "started" and needed <= self.found.descriptors.keys():
                yield run_id, data

    def _stub(self, key: str) -> Tombstone:
        known = self.found.tombstones.get(key)
        if known is not None:
            return known.changed(stub=True)
        return Tombstone(
            snapshot_id=key,
            plan_id=uuid.uuid4().hex[:12],
            removed_at=clock.timestamp(),
            removed_by=self.new.settings.holder_id,
            stub=True,
            descriptor=self.found.descriptors[key].to_json(),
        )

    def _left_out(self, what: str, names: list[str]) -> None:
        self.lines += [
            f"{what} {name!r} left out: its snapshot could not be imported, or it had not ended"
            for name in names
        ]

    def describe(self) -> dict[str, Any]:
        """Return where the log of the source ended, for who kept a checkpoint of it."""
        return {"seq": self.found.seq, "head_hash": self.found.head_hash}

    def require_still(self) -> None:
        """Raise LockConflict where somebody worked in the source meanwhile."""
        if log_file.mark(self.found.layout) != self.found.mark:
            raise LockConflict(
                f"somebody works in {self.root}, and the new repository would not have that work",
                hint="end what works there, then run the same command again: it continues",
            )
