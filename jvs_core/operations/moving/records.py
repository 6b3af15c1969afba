"""The records of a repository that is put together, written after its snapshots, and the one that begins its log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jvs_core import files, syncing
from jvs_core.control.catalog import DESCRIPTORS
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation, tombstones, worktree
from jvs_core.control.records.pins import PINS
from jvs_core.control.records.refs import REFS
from jvs_core.control.records.runs import RUNS, digest
from jvs_core.model import Annotation, Descriptor, Pin, Ref, Tombstone, Worktree


@dataclass
class Records:
    """All records beside the snapshots that arrived.

    ``stubs`` are the descriptors of snapshots without a payload, with their tombstones: lineage leads through them.
    ``runs`` are bytes, since the log has their digest; ``beside_runs`` lie below them, by path. ``logged_pins`` are those that the log is to know.
    """

    descriptors: Mapping[str, Descriptor]
    worktrees: Mapping[str, Worktree]
    stubs: Mapping[str, Tombstone] = field(default_factory=dict)
    refs: Sequence[Ref] = ()
    pins: Sequence[Pin] = ()
    logged_pins: frozenset[str] = frozenset()
    annotations: Sequence[Annotation] = ()
    runs: Mapping[str, bytes] = field(default_factory=dict)
    beside_runs: Mapping[str, bytes] = field(default_factory=dict)

    def details(self) -> dict[str, Any]:
        """Return what the first record of the log says that there is, in the words of ``Ledger``."""
        return {
            "snapshots": {key: _hashes(taken) for key, taken in sorted(self.descriptors.items())},
            "removed": sorted(self.stubs),
            "refs": {ref.name: ref.snapshot_id for ref in self.refs},
            "pins": {
                pin.pin_id: [pin.snapshot_id, pin.expires_at]
                for pin in self.pins
                if pin.pin_id in self.logged_pins
            },
            "worktrees": {each.worktree_id: name for name, each in self.worktrees.items()},
            "heads": {each.worktree_id: each.head.to_json() for each in self.worktrees.values()},
            "labels": {each.worktree_id: each.labels for each in self.worktrees.values() if each.labels},
            "runs": {run_id: digest(data) for run_id, data in sorted(self.runs.items())},
            "annotations": [each.to_json() for each in self.annotations],
        }

    def write(self, layout: Layout) -> None:
        """Write all of them, durable; the caller holds the lock of what is put together."""
        DESCRIPTORS.create_together(layout, [self.descriptors[key] for key in self.stubs])
        tombstones.TOMBSTONES.create_together(layout, self.stubs.values())
        REFS.create_together(layout, self.refs)
        PINS.create_together(layout, self.pins)
        files.create_together(
            {RUNS.place(layout, run_id): data for run_id, data in self.runs.items()}, mode=layout.file_mode
        )
        _write_annotations(layout, self.annotations)
        _write_below(layout, self.beside_runs)
        for name, each in self.worktrees.items():
            worktree.take_over(layout, name, each.config, each.head)


def _hashes(taken: Descriptor) -> list[str]:
    assert taken.descriptor_checksum is not None
    return [taken.descriptor_checksum.value, taken.payload_root_hash.value]


def _write_annotations(layout: Layout, annotations: Iterable[Annotation]) -> None:
    folders = set()
    for each in annotations:
        place = annotation.place(layout, each)
        if place.parent not in folders:
            files.make_folder(place.parent, mode=layout.folder_mode, exist_ok=True)
            folders.add(place.parent)
        files.write_new(place, annotation.encode(each), mode=layout.file_mode)
    for folder in folders:
        syncing.sync_folder(folder)


def _write_below(layout: Layout, contents: Mapping[str, bytes]) -> None:
    """Write files below the folder of run records, whose paths JVS could have given."""
    folders = set()
    for path, data in contents.items():
        place = layout.runs / path
        for folder in (place.parent.parent, place.parent):
            if folder != layout.runs and folder not in folders and folder.is_relative_to(layout.runs):
                files.make_folder(folder, mode=layout.folder_mode, exist_ok=True)
                folders.add(folder)
        files.write_new(place, data, mode=layout.file_mode)
    for folder in folders:
        syncing.sync_folder(folder)
