"""A stored snapshot, read back and checked as far as that is cheap: everything but the payload's bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, PartialSnapshot, PayloadHashMismatch
from jvs_core.model import Descriptor
from jvs_core.payload import juicefs, manifest, soundness
from jvs_core.payload.entry import Entry


@dataclass(frozen=True)
class Stored:
    """A published snapshot: its descriptor, its manifest, and where its payload lies."""

    descriptor: Descriptor
    payload: Path
    entries: list[Entry]

    def require_sound(self) -> None:
        """Make sure, before anything is changed in a worktree, that the payload is what the manifest says.

        Every inode is looked at, and read where its time or owner moved; ``verify`` reads all of them. Raises
        PayloadHashMismatch.
        """
        with self.read():
            soundness.hold_against(
                self.payload, self.entries, threads=juicefs.THREADS if juicefs.mount_at(self.payload) else 1
            )

    @contextmanager
    def read(self) -> Iterator[None]:
        """Name the snapshot, and how to see the damage, where the block finds its payload damaged."""
        try:
            yield
        except PayloadHashMismatch as error:
            snapshot_id = self.descriptor.snapshot_id
            raise PayloadHashMismatch(
                f"snapshot {snapshot_id}: {error.message}", hint=f"jvs verify {snapshot_id}", **error.facts
            ) from error


def load(layout: Layout, snapshot_id: str) -> Stored:
    """Return a snapshot whose descriptor, READY marker and manifest agree.

    Raises
    ------
    SnapshotNotFound, SnapshotExpired
        There is none, or its payload was thinned out.
    DescriptorCorrupt, PartialSnapshot
        It is damaged; ``jvs verify`` shows how.
    """
    descriptor = _checked(layout, snapshot_id)
    try:
        entries = manifest.read(layout.manifest(snapshot_id), sha256=descriptor.manifest_hash.value)
    except (PartialSnapshot, DescriptorCorrupt) as error:
        raise type(error)(f"{snapshot_id}: {error.message}", hint=f"jvs verify {snapshot_id}") from error
    return Stored(descriptor, layout.payload(snapshot_id), entries)


def entries(layout: Layout, snapshot_id: str | None) -> list[Entry]:
    """Return the manifest of a snapshot; of None, that of an empty workspace."""
    return [] if snapshot_id is None else load(layout, snapshot_id).entries


def lines(layout: Layout, snapshot_id: str) -> frozenset[bytes]:
    """Return the lines of a snapshot's manifest, checked as ``load`` does but for the form of each line."""
    descriptor = _checked(layout, snapshot_id)
    path = layout.manifest(snapshot_id)
    return frozenset(manifest.read_lines(path, sha256=descriptor.manifest_hash.value))


def _checked(layout: Layout, snapshot_id: str) -> Descriptor:
    """Return the descriptor of a snapshot, which agrees with its READY marker."""
    descriptor = catalog.read(layout, snapshot_id)
    ready = catalog.read_ready(layout, snapshot_id)
    if ready.descriptor_checksum != descriptor.descriptor_checksum or ready.snapshot_id != snapshot_id:
        raise DescriptorCorrupt(
            f"the READY marker of {snapshot_id} belongs to another descriptor",
            hint=f"jvs verify {snapshot_id}",
        )
    return descriptor
