"""A stored snapshot, read back and checked as far as that is cheap: everything but the payload's bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, JvsError, PartialSnapshot, PayloadHashMismatch
from jvs_core.model import Descriptor, Ready

if TYPE_CHECKING:
    from jvs_core.payload.tree.entry import Entry

_REMEMBERED_BYTES = 32 << 20


@dataclass(frozen=True)
class Stored:
    """A published snapshot: its descriptor, its manifest, and where its payload lies."""

    descriptor: Descriptor
    payload: Path
    entries: Sequence[Entry]

    def require_sound(self, brought: Sequence[Entry]) -> None:
        """Make sure, before anything is changed in a worktree, that what is ``brought`` is what the manifest says.

        Every inode of it is looked at, and read where its mode, owner or time drifted; of the whole payload when nothing
        is to be brought. ``verify`` reads all of them. Raises PayloadHashMismatch; EngineFailed or UnsupportedFile for what
        cannot be read.
        """
        from jvs_core.payload.check.comparison import Depth
        from jvs_core.payload.check.status import check, check_some

        with self.read():
            if brought:
                check_some(self.payload, brought, Depth.SUSPECT).require_content()
            else:
                check(self.payload, self.entries, Depth.SUSPECT).require_content()

    def require_whole(self, entries: Sequence[Entry]) -> None:
        """Make sure that ``entries`` of the payload are what the manifest says, every byte. Raises as ``require_sound``."""
        from jvs_core.payload.check.comparison import Depth
        from jvs_core.payload.check.status import check_some

        with self.read():
            check_some(self.payload, entries, Depth.EVERY_BYTE).require_content()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Name the snapshot, and how to see the damage, where the block finds its payload damaged."""
        try:
            yield
        except PayloadHashMismatch as error:
            raise self.damage(error) from error

    def damage(self, error: PayloadHashMismatch) -> PayloadHashMismatch:
        """Return the error of a damaged payload with the snapshot's name, and how to see the damage."""
        snapshot_id = self.descriptor.snapshot_id
        return PayloadHashMismatch(
            f"snapshot {snapshot_id}: {error.message}", hint=f"jvs verify {snapshot_id}", **error.facts
        )


def load(layout: Layout, snapshot_id: str) -> Stored:
    """Return a snapshot whose descriptor, READY marker and manifest agree.

    Raises
    ------
    SnapshotNotFound, SnapshotExpired
        There is none, or its payload was thinned out.
    DescriptorCorrupt, PartialSnapshot
        It is damaged; ``jvs verify`` shows how.
    """
    return _stored(layout, snapshot_id, _read)


def look(layout: Layout, snapshot_id: str) -> Stored:
    """Return a snapshot as ``load`` does, for who only looks and changes neither it nor anything else.

    A manifest that was read lately is not read again while its file is the same: a server or kernel that is asked again
    and again spends most of its time there otherwise.
    """
    return _stored(layout, snapshot_id, _read_lately)


@contextmanager
def unless_gone(layout: Layout, snapshot_id: str) -> Iterator[None]:
    """Raise SnapshotExpired where the block, which reads a snapshot, fails because gc took it away meanwhile."""
    try:
        yield
    except (JvsError, OSError):
        catalog.require_kept(layout, snapshot_id)
        raise


def entries(layout: Layout, snapshot_id: str | None) -> Sequence[Entry]:
    """Return the manifest of a snapshot, to look at; of None, that of an empty workspace."""
    return [] if snapshot_id is None else look(layout, snapshot_id).entries


def lines(layout: Layout, descriptor: Descriptor) -> Iterator[bytes]:
    """Return the lines of a snapshot's manifest, checked as ``load`` does but for the form of each line."""
    from jvs_core.payload import manifest

    return manifest.read_lines(layout.manifest(descriptor.snapshot_id), sha256=descriptor.manifest_hash.value)


def _stored(layout: Layout, snapshot_id: str, read: Callable[[Path, str], Sequence[Entry]]) -> Stored:
    descriptor = descriptor_of(layout, snapshot_id)
    try:
        found = read(layout.manifest(snapshot_id), descriptor.manifest_hash.value)
    except (PartialSnapshot, DescriptorCorrupt) as error:
        raise type(error)(f"{snapshot_id}: {error.message}", hint=f"jvs verify {snapshot_id}") from error
    return Stored(descriptor, layout.payload(snapshot_id), found)


def _read_lately(path: Path, sha256: str) -> Sequence[Entry]:
    try:
        now = path.stat()
    except FileNotFoundError:
        return _read(path, sha256)
    if now.st_size > _REMEMBERED_BYTES:
        return _read(path, sha256)
    return _remembered(path, sha256, (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns))


@lru_cache(maxsize=2)
def _remembered(path: Path, sha256: str, file: tuple[int, ...]) -> Sequence[Entry]:
    return _read(path, sha256)


def _read(path: Path, sha256: str) -> Sequence[Entry]:
    from jvs_core.payload import manifest  # who only asks which snapshot it is does without

    return manifest.read(path, sha256=sha256)


def descriptor_of(layout: Layout, snapshot_id: str) -> Descriptor:
    """Return the descriptor of a snapshot, which agrees with its READY marker. Raises what ``load`` does."""
    descriptor = catalog.read(layout, snapshot_id)
    require_agreement(descriptor, catalog.read_ready(layout, snapshot_id))
    return descriptor


def require_agreement(descriptor: Descriptor, ready: Ready) -> None:
    """Raise DescriptorCorrupt when a READY marker belongs to another descriptor."""
    key = descriptor.snapshot_id
    said = (
        ready.snapshot_id,
        ready.descriptor_checksum,
        ready.payload_root_hash,
        ready.engine,
        ready.created_at,
    )
    if said != (
        key,
        descriptor.descriptor_checksum,
        descriptor.payload_root_hash,
        descriptor.engine,
        descriptor.created_at,
    ):
        raise DescriptorCorrupt(
            f"the READY marker of {key} does not match its descriptor", hint=f"jvs verify {key}"
        )
