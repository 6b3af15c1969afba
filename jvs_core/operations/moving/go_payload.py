"""The payload of a snapshot of JVS in Go: its entries, and whether they are what its own hash says."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core import regular
from jvs_core.errors import DescriptorCorrupt, PartialSnapshot, PayloadHashMismatch
from jvs_core.operations.moving import go_hash, unpacking
from jvs_core.operations.moving.go_repository import GoDescriptor, GoReady, GoRepository
from jvs_core.operations.moving.old_files import parsed
from jvs_core.payload.changes.reading import filled, read
from jvs_core.payload.copy.capture import described
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.link_groups import whole_groups
from jvs_core.payload.tree.walk import Scan, scan

_PACKED_READY = go_hash.READY + unpacking.SUFFIX
_TIMES_LOST = (
    "its hash covers the times of files to the nanosecond, and the present times give another hash: a copy lost them, "
    "or the files were changed"
)
_MODES_LOST = "its hash covers the modes of files, which JVS in Go did not keep when it compressed them"


@dataclass(frozen=True)
class GoPayload:
    """What lies at ``place``: ``entries`` with digests; ``unchecked`` is why its own hash says nothing about it, if so.

    ``degraded`` names what is there and cannot be kept.
    """

    place: Path
    entries: Sequence[Entry]
    unchecked: str | None
    degraded: Sequence[str]


@contextmanager
def opened(
    repository: GoRepository, descriptor: GoDescriptor, aside: Path, modes: Mapping[bytes, int]
) -> Iterator[GoPayload]:
    """Yield the payload of a snapshot; a compressed one lies unpacked in the new folder ``aside`` for the block.

    ``modes`` are those of the files of its parent, by path. Raises PartialSnapshot, DescriptorCorrupt,
    PayloadHashMismatch, UnsupportedFile.
    """
    key = descriptor.snapshot_id
    if go_hash.checksum(descriptor) != descriptor.descriptor_checksum:
        raise DescriptorCorrupt(f"the descriptor of {key} does not match its checksum")
    packed = descriptor.compression is not None
    ready = _ready(repository, descriptor, packed=packed)
    place = repository.place(key)
    found = _whole(scan(place))
    with ExitStack() as undo:
        if packed:
            undo.enter_context(unpacking.unpacked(place, found.entries, aside))
            was = {entry.path: entry for entry in found.entries}
            place, found = aside, _whole(scan(aside), as_they_were=was)
        entries: Sequence[Entry] = _hashed(found)
        if packed:
            entries, unchecked = _with_modes(
                entries, {unpacking.plain(p) for p in _packed(was)}, modes, descriptor
            )
        else:
            unchecked = _unchecked(entries, descriptor, ready)
        yield GoPayload(place, entries, unchecked, described(found.left_out))


def _ready(repository: GoRepository, descriptor: GoDescriptor, *, packed: bool) -> GoReady | None:
    """Return the marker in a payload, None for one that was compressed with it; the two must agree."""
    key, place = descriptor.snapshot_id, repository.place(descriptor.snapshot_id)
    try:
        if not stat.S_ISDIR(os.lstat(place).st_mode):
            raise PartialSnapshot(f"snapshot {key} is not a folder")
        names = os.listdir(place)
    except FileNotFoundError as error:
        raise PartialSnapshot(f"snapshot {key} has no payload") from error
    marker = os.fsdecode(go_hash.READY)
    if marker not in names:
        if packed and os.fsdecode(_PACKED_READY) in names:
            return None
        raise PartialSnapshot(f"snapshot {key} has no READY marker: it was never complete")
    try:
        data = regular.read_regular(place / marker, most=1 << 16)
    except FileNotFoundError as error:
        raise PartialSnapshot(f"snapshot {key} has no READY marker") from error
    ready = parsed(GoReady, data, f"the READY marker of {key}")
    said = (
        ready.snapshot_id,
        ready.payload_root_hash,
        ready.descriptor_checksum or descriptor.descriptor_checksum,
    )
    if said != (key, descriptor.payload_root_hash, descriptor.descriptor_checksum):
        raise DescriptorCorrupt(f"the READY marker of {key} does not match its descriptor")
    return ready


def _whole(found: Scan, *, as_they_were: Mapping[bytes, Entry] | None = None) -> Scan:
    """Return a scan without the marker at the top, which is no part of the payload.

    What was unpacked gets the attributes of before, which ``as_they_were`` has by path. Raises PayloadHashMismatch.
    """
    if found.changed:
        raise PayloadHashMismatch(f"changed while JVS read it: {listed(found.changed)}")
    pairs = [
        (entry, stamp)
        for entry, stamp in zip(found.entries, found.stamps, strict=True)
        if entry.path not in (go_hash.READY, _PACKED_READY)
    ]
    entries = whole_groups([entry for entry, _ in pairs])
    if as_they_were is not None:
        entries = [_as_before(entry, as_they_were) for entry in entries]
    return Scan(found.root, entries, [stamp for _, stamp in pairs], found.left_out)


def _as_before(entry: Entry, before: Mapping[bytes, Entry]) -> Entry:
    was = before.get(entry.path) or before[entry.path + unpacking.SUFFIX]
    return entry._replace(mode=was.mode, uid=was.uid, gid=was.gid, mtime_ns=was.mtime_ns)


def _packed(entries: Mapping[bytes, Entry]) -> list[bytes]:
    return [path for path, entry in entries.items() if unpacking.is_packed(entry)]


def _hashed(found: Scan) -> list[Entry]:
    positions = [position for position, entry in enumerate(found.entries) if entry.kind == FILE]
    digests = read(found, positions)
    gone = [found.entries[p].path for p, digest in zip(positions, digests, strict=True) if digest is None]
    if gone:
        raise PayloadHashMismatch(f"changed while JVS read it, or cannot be read: {listed(gone)}")
    known = dict(zip(positions, digests, strict=True))
    return filled(found, [known.get(position) for position in range(len(found.entries))])


def _unchecked(entries: Sequence[Entry], descriptor: GoDescriptor, ready: GoReady | None) -> str | None:
    """Return why the hash of a payload says nothing, None where it is right. Raises PayloadHashMismatch."""
    if any(
        go_hash.root_hash(entries, times=times) == descriptor.payload_root_hash for times in (False, True)
    ):
        return None
    if ready is not None and ready.descriptor_checksum is not None and descriptor.consistency_level is None:
        raise PayloadHashMismatch(f"the payload of {descriptor.snapshot_id} does not match its hash")
    return _TIMES_LOST


def _with_modes(
    entries: Sequence[Entry], paths: set[bytes], modes: Mapping[bytes, int], descriptor: GoDescriptor
) -> tuple[Sequence[Entry], str | None]:
    """Return ``entries`` with the modes that give the hash at the ``paths`` that lost theirs; else with the likeliest.

    Those that files had in the parent are likeliest, then the same for all.
    """

    def given(mode_of: Callable[[Entry], int]) -> list[Entry]:
        return [each._replace(mode=mode_of(each)) if each.path in paths else each for each in entries]

    likely = given(lambda each: modes.get(each.path, unpacking.USUAL_MODES[0]))
    candidates = [likely]
    for mode in unpacking.USUAL_MODES:
        candidates.append(given(lambda each, mode=mode: modes.get(each.path, mode)))  # type: ignore[misc]  # a default binds it
        candidates.append(given(lambda each, mode=mode: mode))  # type: ignore[misc]
    for found in candidates:
        for times in (False, True):
            if go_hash.root_hash(found, times=times) == descriptor.payload_root_hash:
                return found, None
    return likely, _MODES_LOST
