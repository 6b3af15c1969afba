"""Checking a proof without its repository. All of it comes from somebody else: it is read to a bound, and nothing of it is a path."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jvs_core.control import catalog
from jvs_core.control.audit import checkpoint, log_file
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.records import runs
from jvs_core.errors import AuditChainBroken, InputError, JvsError
from jvs_core.model import AuditRecord, Checkpoint, Descriptor, ExportedPart, Run
from jvs_core.operations.proof import members
from jvs_core.operations.proof.making import FOLDER, PART
from jvs_core.operations.proof.members import LINK, Member, Members
from jvs_core.payload import manifest
from jvs_core.payload.archive import contents, zip  # noqa: A004 - what it can hold
from jvs_core.payload.tree.entry import FILE, SYMLINK, Entry, printable, text
from jvs_core.results import ProofReport

_LARGEST_RECORD = 1 << 24
_LARGEST_LIST = 1 << 30
_PIECE = 1 << 20
_PROBLEMS_KEPT = 100
_OF_A_PROOF = re.compile(
    rf"{FOLDER}/(checkpoint\.json|log\.jsonl|export\.json|snapshots/[^/]+/(descriptor\.json|manifest)|runs/[^/]+\.json)"
)

Entries = Mapping[bytes, Entry]


@dataclass
class _Check:
    places: dict[str, Path]
    problems: list[str] = field(default_factory=list)
    logged_snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    logged_runs: dict[str, str] = field(default_factory=dict)
    records: int = 0

    def problem(self, text: str) -> None:
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(text)

    def read(self, name: str, most: int) -> bytes:
        """Return a file of the proof. Raises InputError where it is missing or longer than ``most`` bytes."""
        if name not in self.places:
            raise InputError(f"{name} is missing")
        with self.places[name].open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise InputError(f"{name} is longer than {most} bytes")
        return data

    def below(self, folder: str) -> Iterator[str]:
        prefix = f"{folder}/"
        return (name for name in sorted(self.places) if name.startswith(prefix))


@dataclass(frozen=True)
class _Snapshot:
    """What a snapshot holds by its manifest, by path, and the name of the folder that an export of it has."""

    top: str
    entries: Entries


def check(path: Path, key: Path | None) -> ProofReport:
    """Check the proof in a zip file, tar file or folder. Raises InputError where it is none of these, or holds no proof."""
    with members.opened(path) as (found, spool):
        if f"{FOLDER}/checkpoint.json" not in spool.places:
            raise InputError(
                f"{path} contains no proof of JVS",
                hint="make one with: jvs export SNAPSHOT -o FILE --with-proof, or jvs run export RUN -o FILE.zip",
            )
        state = _Check(spool.places)
        if spool.twice:
            state.problem("a name appears twice")
        return _checked(state, found, key)


def _checked(found: _Check, held: Members, key: Path | None) -> ProofReport:
    head = _log(found, key)
    ids = sorted({name.split("/")[2] for name in found.below(f"{FOLDER}/snapshots") if name.count("/") == 3})
    snapshots: dict[str, _Snapshot] = {}
    for snapshot_id in ids:
        try:
            snapshots[snapshot_id] = _snapshot(found, snapshot_id)
        except JvsError as error:
            found.problem(f"snapshot {snapshot_id}: {error.message}")
    count = _runs(found)
    part = _part(found, snapshots, ids)
    files = _files(found, held, snapshots, part)
    _strangers(found)
    return ProofReport(
        ok=not found.problems,
        origin=None if head is None else head.origin,
        checkpoint_seq=None if head is None else head.seq,
        signed=head is not None and head.signature is not None,
        snapshots=ids,
        runs=count,
        files=files,
        path=None if part is None else text(bytes.fromhex(part.path)),
        records=found.records,
        problems=found.problems,
    )


def _log(found: _Check, key: Path | None) -> Checkpoint | None:
    """Follow the log to the checkpoint, and return that."""
    try:
        head = checkpoint.read(found.read(f"{FOLDER}/checkpoint.json", checkpoint.LONGEST).decode())
        checkpoint.verify_signature(head, key)
    except (JvsError, UnicodeDecodeError) as error:
        found.problem(f"the checkpoint: {getattr(error, 'message', error)}")
        if isinstance(error, InputError) and key is not None and not isinstance(error, AuditChainBroken):
            raise
        return None
    last: AuditRecord | None = None
    if f"{FOLDER}/log.jsonl" not in found.places:
        found.problem("the log is missing")
        return head
    with found.places[f"{FOLDER}/log.jsonl"].open("rb") as log:
        for line in log_file.lines_of(log):
            try:
                record = log_file.parse_line(line)
            except AuditChainBroken as error:
                found.problem(error.message)
                return head
            if last is not None and (record.seq, record.prev_hash) != (last.seq + 1, last.record_hash):
                found.problem(f"audit record {record.seq} does not follow record {last.seq}")
                return head
            last = record
            found.records += 1
            _enter(found, record, line)
    if last is None or (last.seq, last.record_hash) != (head.seq, head.head_hash):
        found.problem("the log does not end at the checkpoint")
    return head


def _enter(found: _Check, record: AuditRecord, line: bytes) -> None:
    details = record.details
    if record.operation == "snapshot" and record.snapshot_id is not None:
        found.logged_snapshots[record.snapshot_id] = (
            str(details.get("descriptor_checksum")),
            str(details.get("payload_root_hash")),
        )
    elif record.operation in ledgers.BEGINNINGS:  # a clone's log has no records of how each was made
        taken = ledgers.read_lines([line])
        found.logged_snapshots |= taken.snapshots
        found.logged_runs |= taken.runs
    elif record.operation.startswith("run_") and record.target is not None and "record_sha256" in details:
        found.logged_runs[record.target] = str(details["record_sha256"])


def _snapshot(found: _Check, snapshot_id: str) -> _Snapshot:
    """Check a descriptor against the log and its manifest against it; return what the snapshot holds."""
    folder = f"{FOLDER}/snapshots/{snapshot_id}"
    data = found.read(f"{folder}/descriptor.json", _LARGEST_RECORD)
    descriptor = Descriptor.parse(data, "its descriptor")
    own = descriptor.descriptor_checksum
    if descriptor.snapshot_id != snapshot_id or own is None or catalog.checksum(descriptor) != own:
        raise InputError("its descriptor was changed")
    if found.logged_snapshots.get(snapshot_id) != (own.value, descriptor.payload_root_hash.value):
        raise InputError("its descriptor differs from the log")
    if f"{folder}/manifest" not in found.places:
        raise InputError("its manifest is missing")
    place = found.places[f"{folder}/manifest"]
    if place.stat().st_size > _LARGEST_LIST:
        raise InputError(f"its manifest is longer than {_LARGEST_LIST} bytes")
    entries = manifest.read(place, sha256=descriptor.manifest_hash.value)
    if manifest.root_hash(entries) != descriptor.payload_root_hash.value:
        raise InputError("its manifest does not match its payload hash")
    top = contents.top_of(descriptor.worktree, snapshot_id)
    return _Snapshot(top, {entry.path: entry for entry in entries})


def _runs(found: _Check) -> int:
    """Hold each run's record against the log, and return how many there are."""
    count = 0
    for name in found.below(f"{FOLDER}/runs"):
        count += 1
        run_id = name.rpartition("/")[2].removesuffix(".json")
        try:
            data = found.read(name, _LARGEST_RECORD)
            if found.logged_runs.get(run_id) != runs.digest(data):
                raise InputError("its record differs from the log")
            if Run.parse(data, "its record").run_id != run_id:
                raise InputError("its record belongs to another run")
        except JvsError as error:
            found.problem(f"run {run_id}: {error.message}")
    return count


def _files(
    found: _Check, held: Members, snapshots: Mapping[str, _Snapshot], part: ExportedPart | None
) -> int:
    """Check what is there of snapshots against their manifests, and return how many files that are.

    A crate holds some files of each, and others beside them; an export holds the whole part that it says, and nothing else.
    """
    is_crate = PART not in found.places
    of_exports = {snapshot.top: snapshot.entries for snapshot in snapshots.values()}
    tops = of_exports
    if is_crate:
        tops = {f"snapshots/{snapshot_id}": snapshot.entries for snapshot_id, snapshot in snapshots.items()}
    seen: set[str] = set()
    count = 0
    for member in held.others():
        if member.name in seen:
            found.problem(f"{_shown(member.name)} appears twice")
        seen.add(member.name)
        first, _, _ = member.name.partition("/")
        top = "/".join(member.name.split("/")[:2]) if is_crate and first == "snapshots" else first
        beside = is_crate and first not in (FOLDER, "snapshots", *of_exports)
        if top not in tops and not beside and member.name != "snapshots":
            found.problem(f"{_shown(member.name)} is not in a manifest")
        elif top in tops:
            count += member.kind in (FILE, LINK)
            _entry(found, member, top, tops[top])
    if part is not None and part.snapshot_id in snapshots:
        snapshot = snapshots[part.snapshot_id]
        wanted = contents.part(list(snapshot.entries.values()), bytes.fromhex(part.path))
        for entry in wanted:
            name = contents.name_of(entry.path, snapshot.top)
            if name not in seen and not (held.is_zip and not zip.can_hold(entry, name)):
                found.problem(f"{_shown(name)} is missing")
    return count


def _part(found: _Check, snapshots: Mapping[str, _Snapshot], ids: Sequence[str]) -> ExportedPart | None:
    """Return what an export says that it holds; None for a crate, which has runs, and where it is not to be believed."""
    if PART not in found.places:
        if not any(found.below(f"{FOLDER}/runs")):
            found.problem(f"{PART} is missing")
        return None
    try:
        part = ExportedPart.parse(found.read(PART, _LARGEST_RECORD), PART)
    except JvsError as error:
        found.problem(error.message)
        return None
    if list(ids) != [part.snapshot_id]:
        found.problem(f"{PART} does not name the snapshot that the file contains")
    elif (
        part.snapshot_id in snapshots and bytes.fromhex(part.path) not in snapshots[part.snapshot_id].entries
    ):
        found.problem(f"{PART} names a path that is not in a manifest")
    return part


def _strangers(found: _Check) -> None:
    """Name what lies among the files of the proof and is none."""
    for name in found.places:
        if not _OF_A_PROOF.fullmatch(name):
            found.problem(f"{_shown(name)} is not a file of a proof")


def _entry(found: _Check, member: Member, top: str, entries: Entries) -> None:
    entry = entries.get(os.fsencode(member.name[len(top) + 1 :]))
    if entry is None:
        found.problem(f"{_shown(member.name)} is not in a manifest")
    elif not _is(member, top, entry, entries):
        found.problem(f"{_shown(member.name)} differs from the manifest")


def _is(member: Member, top: str, entry: Entry, entries: Entries) -> bool:
    """Return whether a member has the kind, and the content or target, of an entry."""
    if member.kind == LINK:
        inside = member.target.startswith(f"{top}/")
        other = entries.get(os.fsencode(member.target[len(top) + 1 :])) if inside else None
        return other is not None and entry.kind == other.kind == FILE and other.sha256 == entry.sha256
    if member.kind != entry.kind:
        return False
    if entry.kind == FILE:
        with member.open() as stream:
            return _digest(stream, entry.size) == entry.sha256
    return entry.kind != SYMLINK or os.fsencode(member.target) == entry.target


def _shown(name: str) -> str:
    return printable(name.encode("utf-8", "surrogateescape"))


def _digest(stream: IO[bytes], size: int) -> bytes:
    """Return the SHA-256 of a stream; ``b""`` for one that is longer than ``size``."""
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        size -= len(piece)
        if size < 0:
            return b""
        digest.update(piece)
    return digest.digest()
