"""Snapshots that arrive in a repository that is put together: payload, manifest, READY and, last, the descriptor.

A snapshot with a descriptor is complete, checked and durable; what has none is what a failure left, and is made again.
Descriptors are written for some seconds' work at once, after one sync.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core import files, syncing
from jvs_core.control import catalog
from jvs_core.control.layout import CELLS, Layout
from jvs_core.errors import (
    DescriptorCorrupt,
    EngineFailed,
    IntegrityError,
    JvsError,
    NotFound,
    UnsupportedFile,
)
from jvs_core.model import Descriptor
from jvs_core.operations.context import step
from jvs_core.payload import manifest
from jvs_core.payload.arrival.arrive import arrive
from jvs_core.payload.arrival.making import Arrival
from jvs_core.payload.arrival.stock import Base, Stock
from jvs_core.payload.arrival.ways import Way, way_of
from jvs_core.payload.check.comparison import Depth
from jvs_core.payload.check.status import check
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.manifest.alike import Alike
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.work import pool
from jvs_core.progress import Progress
from jvs_core.results import RefusedSnapshot

_TOGETHER_S = 5.0
_REFUSABLE = (IntegrityError, UnsupportedFile, NotFound)


@dataclass(frozen=True)
class Incoming:
    """A snapshot to bring: its records as they will lie here, and where its payload is read."""

    descriptor: Descriptor
    ready: bytes
    manifest: bytes
    payload: Path
    cells: bytes | None = None

    def entries(self, alike: Alike) -> list[Entry]:
        """Return the entries of its manifest, if that is the descriptor's and gives its root hash.

        Raises DescriptorCorrupt, PartialSnapshot.
        """
        taken = self.descriptor
        if hashlib.sha256(self.manifest).hexdigest() != taken.manifest_hash.value:
            raise DescriptorCorrupt(f"the manifest of {taken.snapshot_id} is not the one that JVS recorded")
        entries, root_hash = alike.read(self.manifest, self.payload.with_name("manifest"))
        if root_hash != taken.payload_root_hash.value:
            raise DescriptorCorrupt(f"the manifest of {taken.snapshot_id} does not match its root hash")
        return entries


@dataclass
class Arriving:
    """Snapshots on their way into ``layout``; the caller holds its lock. ``losses`` are lines on what could not be kept."""

    layout: Layout
    engine: SnapshotEngine
    progress: Progress
    arrived: list[str] = field(default_factory=list)
    refused: list[RefusedSnapshot] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    stock: Stock = field(default_factory=Stock)
    _last: tuple[str, Sequence[Entry]] | None = None
    _alike: Alike = field(default_factory=Alike)
    _processes: pool.Standby = field(default_factory=list)
    _waiting: dict[str, Descriptor] = field(default_factory=dict)

    def bring(self, wanted: Mapping[str, Callable[[], Incoming]]) -> None:
        """Bring the snapshots ``wanted``, in their order, each with what reads its records.

        One that is damaged or cannot be read where it comes from is refused, by name, and the others come.
        """
        self._clear(wanted)
        with pool.standby(0) as self._processes:
            self._bring(wanted, way_of(self.engine))

    def _bring(self, wanted: Mapping[str, Callable[[], Incoming]], way: Way) -> None:
        since = time.monotonic()
        for snapshot_id, read in wanted.items():
            try:
                incoming = read()
                self._one(incoming, incoming.entries(self._alike), way)
            except _REFUSABLE as error:
                self.refused.append(RefusedSnapshot.of(snapshot_id, error))
                self._remove(snapshot_id)
                continue
            if self._waiting and time.monotonic() - since >= _TOGETHER_S:
                self._settle()
                since = time.monotonic()
        self._settle()

    def _clear(self, wanted: Mapping[str, object]) -> None:
        """Remove what an earlier try left incomplete, or what is not wanted any more."""
        complete = set(catalog.ids(self.layout)) & wanted.keys()
        for name in self.layout.listing(self.layout.descriptors):
            if name.removesuffix(".json") not in complete:
                files.remove_any(self.layout.descriptors / name)
        for name in self.layout.listing(self.layout.snapshots):
            if name not in complete:
                self.engine.remove(self.layout.snapshots / name)

    def _one(self, incoming: Incoming, entries: Sequence[Entry], way: Way) -> None:
        taken = incoming.descriptor
        snapshot_id = taken.snapshot_id
        with step(self.progress, "clone", len(entries)):
            if not self._is_here(incoming, entries):
                self._make(incoming, entries, way)
                self._waiting[snapshot_id] = taken
        self.arrived.append(snapshot_id)
        self._last = (snapshot_id, entries)

    def _is_here(self, incoming: Incoming, entries: Sequence[Entry]) -> bool:
        """Say whether an earlier try brought it, and it is still as it was; else nothing of it is left."""
        taken, layout = incoming.descriptor, self.layout
        if not catalog.exists(layout, taken.snapshot_id):
            return False
        try:
            same = catalog.read(layout, taken.snapshot_id) == taken
            payload = layout.payload(taken.snapshot_id)
            if same and layout.read(layout.manifest(taken.snapshot_id)) == incoming.manifest:
                check(payload, entries, Depth.SUSPECT).require_content()
                self.stock.add(payload, entries)
                return True
        except (JvsError, FileNotFoundError):
            pass
        self._remove(taken.snapshot_id)
        return False

    def _make(self, incoming: Incoming, entries: Sequence[Entry], way: Way) -> None:
        taken, layout = incoming.descriptor, self.layout
        place = layout.snapshot(taken.snapshot_id)
        files.make_folder(place, mode=layout.folder_mode, durable=False)
        arrival = Arrival(
            incoming.payload, entries, layout.payload(taken.snapshot_id), self._base(taken), self._processes
        )
        try:
            lines = arrive(arrival, self.stock, way, self.progress)
        except EngineFailed:
            # What cannot be read where it comes from is said of the snapshot; what failed here is not.
            check(incoming.payload, entries, Depth.EVERY_BYTE).require_content()
            raise
        self.losses += [f"{taken.snapshot_id}: {line}" for line in lines]
        mode = layout.file_mode
        kept = {"manifest": incoming.manifest, ".READY": incoming.ready}
        if incoming.cells is not None:
            kept[CELLS] = incoming.cells
        durable = not syncing.syncfs_works(place)
        for name, data in kept.items():
            files.write_new(place / name, data, mode=mode, durable=durable)

    def _base(self, taken: Descriptor) -> Base | None:
        """Return the parent, if it arrived, or else what arrived last."""
        if self._last is None:
            return None
        parent = taken.parent_snapshot_id
        last, entries = self._last
        if parent in (None, last) or parent not in self.arrived:
            return Base(self.layout.payload(last), entries)
        assert parent is not None
        return Base(self.layout.payload(parent), manifest.read(self.layout.manifest(parent)))

    def _remove(self, snapshot_id: str) -> None:
        files.remove_file(self.layout.descriptor(snapshot_id))
        if os.path.lexists(self.layout.snapshot(snapshot_id)):
            self.engine.remove(self.layout.snapshot(snapshot_id))

    def _settle(self) -> None:
        """Make what arrived durable, then say so by its descriptors."""
        if not self._waiting:
            return
        layout = self.layout
        with step(self.progress, "settle"):
            if syncing.syncfs_works(layout.snapshots):
                self.engine.settle(layout.snapshots)
            else:
                for snapshot_id in self._waiting:
                    self.engine.settle(layout.snapshot(snapshot_id))
        with step(self.progress, "catalog"):
            contents = {layout.descriptor(key): catalog.encode(taken) for key, taken in self._waiting.items()}
            files.create_together(contents, mode=layout.file_mode)
        self._waiting.clear()
