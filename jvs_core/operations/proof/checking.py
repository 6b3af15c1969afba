"""Checking a proof without its repository. All of it comes from somebody else: it is read to a bound, and nothing of it is a path."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jvs_core import regular
from jvs_core.control import catalog
from jvs_core.control.audit import checkpoint, log_file
from jvs_core.control.records import runs
from jvs_core.errors import AuditChainBroken, InputError, JvsError
from jvs_core.model import AuditRecord, Checkpoint, Descriptor, Run
from jvs_core.operations.proof.making import FOLDER
from jvs_core.payload import manifest
from jvs_core.results import ProofReport

_LARGEST_RECORD = 1 << 24
_LARGEST_LIST = 1 << 30
_MOST_MEMBERS = 1_000_000
_PIECE = 1 << 20
_PROBLEMS_KEPT = 100


@dataclass
class _Check:
    archive: zipfile.ZipFile
    names: set[str]
    problems: list[str] = field(default_factory=list)
    logged_snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    logged_runs: dict[str, str] = field(default_factory=dict)
    records: int = 0

    def problem(self, text: str) -> None:
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(text)

    def read(self, name: str, most: int) -> bytes:
        """Return a member. Raises InputError where it is missing or longer than ``most`` bytes."""
        if name not in self.names:
            raise InputError(f"{name} is missing")
        with self.archive.open(name) as member:
            data = member.read(most + 1)
        if len(data) > most:
            raise InputError(f"{name} is longer than {most} bytes")
        return data

    def below(self, folder: str) -> Iterator[str]:
        prefix = f"{folder}/"
        return (name for name in sorted(self.names) if name.startswith(prefix) and not name.endswith("/"))


def check(path: Path, key: Path | None) -> ProofReport:
    """Check the proof in a zip file. Raises InputError where it is no zip file, or holds no proof."""
    try:
        with open(regular.open_regular(path, follow=True), "rb") as file, zipfile.ZipFile(file) as archive:
            if len(archive.infolist()) > _MOST_MEMBERS:
                raise InputError(f"{path} holds more than {_MOST_MEMBERS} files")
            names = [info.filename for info in archive.infolist()]
            if f"{FOLDER}/checkpoint.json" not in names:
                raise InputError(
                    f"{path} holds no proof of JVS", hint="make one with: jvs run export RUN -o FILE.zip"
                )
            found = _Check(archive, set(names))
            if len(found.names) < len(names):
                found.problem("a name is there twice")
            return _checked(found, key)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise InputError(f"{path} is no sound zip file: {error}") from error
    except FileNotFoundError as error:
        raise InputError(f"no file {path}") from error


def _checked(found: _Check, key: Path | None) -> ProofReport:
    head = _log(found, key)
    snapshots = sorted(
        {name.split("/")[2] for name in found.below(f"{FOLDER}/snapshots") if name.count("/") == 3}
    )
    digests: dict[str, dict[str, str]] = {}
    for snapshot_id in snapshots:
        try:
            digests[snapshot_id] = _snapshot(found, snapshot_id)
        except JvsError as error:
            found.problem(f"snapshot {snapshot_id}: {error.message}")
    count = _runs(found)
    files = _files(found, digests)
    return ProofReport(
        ok=not found.problems,
        origin=None if head is None else head.origin,
        checkpoint_seq=None if head is None else head.seq,
        signed=head is not None and head.signature is not None,
        snapshots=snapshots,
        runs=count,
        files=files,
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
    if f"{FOLDER}/log.jsonl" not in found.names:
        found.problem("the log is missing")
        return head
    with found.archive.open(f"{FOLDER}/log.jsonl") as log:
        for line in log_file.lines_of(log):  # type: ignore[arg-type]  # a member reads as a file does
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
            _enter(found, record)
    if last is None or (last.seq, last.record_hash) != (head.seq, head.head_hash):
        found.problem("the log does not end at the checkpoint")
    return head


def _enter(found: _Check, record: AuditRecord) -> None:
    details = record.details
    if record.operation == "snapshot" and record.snapshot_id is not None:
        found.logged_snapshots[record.snapshot_id] = (
            str(details.get("descriptor_checksum")),
            str(details.get("payload_root_hash")),
        )
    elif record.operation.startswith("run_") and record.target is not None and "record_sha256" in details:
        found.logged_runs[record.target] = str(details["record_sha256"])


def _snapshot(found: _Check, snapshot_id: str) -> dict[str, str]:
    """Hold a descriptor against the log and its manifest against it; return the digests of its files by path."""
    folder = f"{FOLDER}/snapshots/{snapshot_id}"
    data = found.read(f"{folder}/descriptor.json", _LARGEST_RECORD)
    descriptor = Descriptor.parse(data, "its descriptor")
    own = descriptor.descriptor_checksum
    if descriptor.snapshot_id != snapshot_id or own is None or catalog.checksum(descriptor) != own:
        raise InputError("its descriptor is not as it was written")
    if found.logged_snapshots.get(snapshot_id) != (own.value, descriptor.payload_root_hash.value):
        raise InputError("its descriptor is not the one that was logged")
    if f"{folder}/manifest" not in found.names:
        raise InputError("its manifest is missing")
    with tempfile.NamedTemporaryFile() as copy:
        with found.archive.open(f"{folder}/manifest") as member:
            _copy(member, copy, _LARGEST_LIST)
        copy.flush()
        entries = manifest.read(Path(copy.name), sha256=descriptor.manifest_hash.value)
    if manifest.root_hash(entries) != descriptor.payload_root_hash.value:
        raise InputError("its manifest does not give its payload hash")
    return {
        entry.path.decode("utf-8", "surrogateescape"): entry.sha256.hex() for entry in entries if entry.sha256
    }


def _runs(found: _Check) -> int:
    """Hold each run's record against the log, and return how many there are."""
    count = 0
    for name in found.below(f"{FOLDER}/runs"):
        count += 1
        run_id = name.rpartition("/")[2].removesuffix(".json")
        try:
            data = found.read(name, _LARGEST_RECORD)
            if found.logged_runs.get(run_id) != runs.digest(data):
                raise InputError("its record is not the one that was logged")
            if Run.parse(data, "its record").run_id != run_id:
                raise InputError("its record is another run's")
        except JvsError as error:
            found.problem(f"run {run_id}: {error.message}")
    return count


def _files(found: _Check, digests: dict[str, dict[str, str]]) -> int:
    """Hold each file of a snapshot against its manifest, and return how many there are."""
    count = 0
    for name in found.below("snapshots"):
        count += 1
        _, snapshot_id, path = (*name.split("/", 2), "")[:3]
        wanted = digests.get(snapshot_id, {}).get(path)
        with found.archive.open(name) as member:
            if wanted is None:
                found.problem(f"{name} is in no manifest")
            elif _digest(member) != wanted:
                found.problem(f"{name} is not what the manifest says")
    return count


def _digest(member: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := member.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _copy(member: IO[bytes], sink: IO[bytes], most: int) -> None:
    count = 0
    while piece := member.read(_PIECE):
        count += len(piece)
        if count > most:
            raise InputError(f"its manifest is longer than {most} bytes")
        sink.write(piece)
