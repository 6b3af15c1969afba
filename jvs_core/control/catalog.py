"""The catalog of snapshots: descriptors, lineage, and finding a snapshot by what a person types."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container, Iterator
from contextlib import suppress

from jvs_core import canonical, clock, regular
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation, refs, tombstones
from jvs_core.control.records.register import Register
from jvs_core.errors import (
    DescriptorCorrupt,
    InputError,
    JvsError,
    LineageBroken,
    PartialSnapshot,
    SnapshotAmbiguous,
    SnapshotExpired,
    SnapshotNotFound,
)
from jvs_core.model import SNAPSHOT_ID, AnnotatedDescriptor, Descriptor, HashValue, Ready
from jvs_core.wording import counted

DESCRIPTORS = Register("descriptors", Descriptor, "snapshot_id", SNAPSHOT_ID, "the descriptor of {}")
_CANDIDATES_SHOWN = 8


def new_id() -> str:
    """Return a new snapshot id: 13 digits of milliseconds, a hyphen, 8 random hexadecimal digits."""
    return f"{clock.now_ms():013d}-{secrets.token_hex(4)}"


def ids(layout: Layout) -> list[str]:
    """Return the ids of all published snapshots (those with a descriptor), oldest first by id."""
    return DESCRIPTORS.keys(layout)


def is_id(text: str) -> bool:
    """Return whether ``text`` has the form of a snapshot id."""
    return DESCRIPTORS.fits(text)


def exists(layout: Layout, snapshot_id: str) -> bool:
    """Return whether a snapshot of exactly this id is published."""
    return DESCRIPTORS.fits(snapshot_id) and layout.descriptor(snapshot_id).is_file()


def checksum(descriptor: Descriptor) -> HashValue:
    """Return the checksum of a descriptor: over all fields but itself and ``integrity_state``."""
    fields = descriptor.to_json()
    fields.pop("descriptor_checksum", None)
    fields.pop("integrity_state", None)
    return HashValue(value=canonical.sha256(fields))


def encode(descriptor: Descriptor) -> bytes:
    """Return the bytes of a descriptor file."""
    return DESCRIPTORS.encode(descriptor)


def read(layout: Layout, snapshot_id: str) -> Descriptor:
    """Return a descriptor, checksum verified.

    Raises SnapshotNotFound, or DescriptorCorrupt when it is unreadable, misnamed or does not match its checksum.
    """
    descriptor = peek(layout, snapshot_id)
    if descriptor.integrity_state == "corrupt":
        raise DescriptorCorrupt(
            f"the descriptor of {snapshot_id} does not match its checksum", hint=f"jvs verify {snapshot_id}"
        )
    return descriptor


def peek(layout: Layout, snapshot_id: str) -> Descriptor:
    """Return a descriptor with ``integrity_state`` set to ``corrupt`` where its checksum does not match.

    Raises SnapshotNotFound, or DescriptorCorrupt when there is nothing to show.
    """
    descriptor = DESCRIPTORS.find(layout, snapshot_id)
    if descriptor is None:
        raise SnapshotNotFound(f"no snapshot {snapshot_id}", hint="jvs history --all")
    if not _matches_checksum(descriptor):
        return descriptor.changed(integrity_state="corrupt")
    return descriptor


def shown(layout: Layout, descriptor: Descriptor, edited: Container[str] | None = None) -> Descriptor:
    """Return a descriptor with the note and tags that edits gave it, to be shown or found by; never to be verified.

    Only snapshots in ``edited`` are looked for edits, where that is given. Raises DescriptorCorrupt for one that is
    damaged.
    """
    snapshot_id = descriptor.snapshot_id
    edits = annotation.read(layout, snapshot_id) if edited is None or snapshot_id in edited else []
    foreign = "annotations" in (descriptor.model_extra or {})  # of the file, which has no such field
    return AnnotatedDescriptor.of(descriptor, edits) if edits or foreign else descriptor


def show(layout: Layout, snapshot_id: str) -> Descriptor:
    """Return a descriptor as ``peek`` does, with the note and tags that edits gave it."""
    return shown(layout, peek(layout, snapshot_id))


def _matches_checksum(descriptor: Descriptor) -> bool:
    try:
        return descriptor.descriptor_checksum == checksum(descriptor)
    except InputError:  # a number that no JVS writes
        return False


def read_ready(layout: Layout, snapshot_id: str) -> Ready:
    """Return a snapshot's READY marker.

    Raises SnapshotExpired when retention removed the payload, PartialSnapshot when the marker or payload is missing.
    """
    require_kept(layout, snapshot_id)
    folder = layout.snapshot(snapshot_id)
    try:
        data = regular.read_regular(layout.ready(snapshot_id))
    except FileNotFoundError as error:
        raise PartialSnapshot(f"snapshot {snapshot_id} has no READY marker", hint="jvs doctor") from error
    payload = layout.payload(snapshot_id)
    if not payload.is_dir() or payload.is_symlink() or not layout.manifest(snapshot_id).is_file():
        raise PartialSnapshot(
            f"snapshot {snapshot_id} has no payload or no manifest in {folder}", hint="jvs doctor"
        )
    return Ready.parse(data, f"the READY marker of {snapshot_id}")


def is_expired(layout: Layout, snapshot_id: str) -> bool:
    """Return whether retention removed the payload of a snapshot whose descriptor stays."""
    return tombstones.TOMBSTONES.exists(layout, snapshot_id)


def require_kept(layout: Layout, snapshot_id: str) -> None:
    """Raise SnapshotExpired when gc removed a snapshot's payload, SnapshotNotFound when there is no such snapshot.

    In the repository's critical section this holds until its end: gc decides under the same lock.
    """
    if is_expired(layout, snapshot_id):
        raise SnapshotExpired(
            f"snapshot {snapshot_id} was {_how_it_went(layout, snapshot_id)}: its files are gone",
            hint="jvs history shows which snapshots still have their files",
        )
    if not exists(layout, snapshot_id):
        raise SnapshotNotFound(f"no snapshot {snapshot_id}", hint="jvs history --all")


def _how_it_went(layout: Layout, snapshot_id: str) -> str:
    with suppress(JvsError):
        tombstone = tombstones.TOMBSTONES.find(layout, snapshot_id)
        if tombstone is not None and tombstone.dropped:
            return f"dropped at {tombstone.removed_at} by {tombstone.removed_by}"
    return "thinned out by retention"


def lineage(layout: Layout, head: str | None) -> Iterator[Descriptor]:
    """Yield the descriptors from ``head`` to the first snapshot, newest first.

    Raises LineageBroken when a parent is missing or the lineage runs in a circle.
    """
    seen: set[str] = set()
    child: str | None = None
    while head is not None:
        if head in seen:
            raise LineageBroken(f"the lineage of {head} contains a loop", hint="jvs doctor")
        seen.add(head)
        try:
            descriptor = peek(layout, head)
        except SnapshotNotFound as error:
            where = f"the parent {head} of {child}" if child else f"the head {head}"
            raise LineageBroken(f"{where} is missing", hint="jvs doctor") from error
        yield descriptor
        child, head = head, descriptor.parent_snapshot_id


def resolve(layout: Layout, text: str, head: str | None) -> str:
    """Return the id that ``text`` names: an id, a unique prefix of an id or of its last 8 digits, a ref, HEAD, HEAD~N.

    Raises SnapshotNotFound, SnapshotAmbiguous with the candidates in the hint, LineageBroken.
    """
    if exists(layout, text):
        return text
    relative = re.fullmatch(r"HEAD(?:~(\d{1,9}))?", text)
    if relative:
        return _ancestor(layout, head, int(relative[1] or 0))
    ref = refs.REFS.find(layout, text)
    if ref is not None:
        return ref.snapshot_id
    if re.fullmatch(r"[0-9a-f-]+", text) is None:
        raise SnapshotNotFound(f"no snapshot or ref {text!r}", hint="jvs history --all")
    matches = [i for i in ids(layout) if i.startswith(text) or i[14:].startswith(text)]
    if not matches:
        raise SnapshotNotFound(f"no snapshot or ref {text!r}", hint="jvs history --all")
    if len(matches) > 1:
        shown = ", ".join(matches[:_CANDIDATES_SHOWN]) + (", …" if len(matches) > _CANDIDATES_SHOWN else "")
        raise SnapshotAmbiguous(
            f"{text!r} matches {counted(len(matches), 'snapshot')}",
            hint=f"one of: {shown}",
            candidates=matches,
        )
    return matches[0]


def _ancestor(layout: Layout, head: str | None, generations: int) -> str:
    if head is None:
        raise SnapshotNotFound("HEAD: this worktree has no snapshot yet", hint="jvs snapshot --lock")
    for number, descriptor in enumerate(lineage(layout, head)):
        if number == generations:
            return descriptor.snapshot_id
    raise SnapshotNotFound(f"HEAD~{generations}: the history is not that long", hint="jvs history")
