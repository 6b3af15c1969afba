"""Reading a repository of JVS 0.1.0, which wrote format 1 as JVS in Go did, and meant something else by it.

Descriptors, manifests, payloads, refs, pins, tombstones and runs are as in this format. Where a worktree stands is in its
``config.json``, and the log's hashes are made in another way. What it says is input; no link in ``.jvs`` is followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from jvs_core import canonical
from jvs_core.control import catalog, identity
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.control.records.pins import PINS
from jvs_core.control.records.refs import REFS
from jvs_core.control.records.register import SUFFIX, Register
from jvs_core.control.records.runs import RUNS
from jvs_core.control.records.tombstones import TOMBSTONES
from jvs_core.errors import AuditChainBroken, DescriptorCorrupt, InputError, JvsError, LineageBroken
from jvs_core.model import NAME, Descriptor, Pin, Record, Ref, Run, Tombstone, UndoPoint
from jvs_core.model.forms import SnapshotId, Timestamp, Uuid
from jvs_core.operations.moving.old import in_order
from jvs_core.operations.moving.old_files import parsed, read_small, told
from jvs_core.results import RefusedSnapshot
from jvs_core.validated import Field
from jvs_core.wording import counted

_MOST = 100_000
_NAME = re.compile(NAME[1:-1])
R = TypeVar("R", bound=Record)


class FirstWorktree(Record):
    """What a worktree is and where it stands, in one file."""

    worktree_id: Uuid
    created_at: Timestamp
    base_snapshot_id: SnapshotId | None
    head_snapshot_id: SnapshotId | None
    undo: tuple[UndoPoint, ...] = Field(default=(), strict=False)
    labels: dict[str, str] = Field(default_factory=dict)


@dataclass
class FirstRepository:
    """What a repository of JVS 0.1.0 holds, as far as it can be read; parents before their children.

    ``seq`` and ``head_hash`` are the end of its log, ``logged`` the two hashes that the log has of a snapshot, ``mark``
    what the log was when reading began.
    """

    layout: Layout
    repo_id: str
    mark: tuple[int, ...]
    seq: int = 0
    head_hash: str = ""
    log_is_whole: bool = True
    logged: dict[str, tuple[str, str]] = field(default_factory=dict)
    descriptors: dict[str, Descriptor] = field(default_factory=dict)
    refused: dict[str, RefusedSnapshot] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    refs: list[Ref] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    runs: dict[str, tuple[Run, bytes]] = field(default_factory=dict)
    worktrees: dict[str, FirstWorktree] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def is_first(layout: Layout) -> bool:
    """Say whether a repository of format 1 is one of JVS 0.1.0: its worktrees and snapshots name a ``worktree_id``."""
    places = [layout.control / "worktrees" / MAIN / "config.json"]
    places += [layout.descriptors / name for name in sorted(layout.listing(layout.descriptors))[:1]]
    for place in places:
        try:
            said = json.loads(read_small(place))
        except (JvsError, OSError, ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            return "worktree_id" in said
    return False


def read(layout: Layout) -> FirstRepository:
    """Return what a repository says that it holds; payloads are not looked at.

    Raises DescriptorCorrupt (it does not say which one it is), InputError (more of something than anybody made).
    """
    found = FirstRepository(layout, identity.repo_id(layout), log_file.mark(layout))
    _log(found)
    found.tombstones = dict(_records(found, TOMBSTONES))
    _descriptors(found)
    found.refs = [ref for _, ref in _records(found, REFS)]
    found.pins = [pin for _, pin in _records(found, PINS)]
    runs: dict[str, bytes] = {}
    for run_id, run in _records(found, RUNS, keep=runs.__setitem__):
        found.runs[run_id] = (run, runs[run_id])
    _worktrees(found)
    for name in layout.listing(layout.intents):
        found.left_out.append(
            f"an operation that was not finished, {name[:100]!r}: look at the worktrees, or repair it with the doctor of JVS 0.1.0"
        )
    return found


def _log(found: FirstRepository) -> None:
    """Read the log as far as it is whole; what follows is not believed, and named."""
    try:
        for line in log_file.lines(found.layout):
            if not line.endswith(b"\n"):
                break  # what a crash left of an append
            record = json.loads(line)
            said, details = record.pop("record_hash"), record["details"]
            if (record["seq"], record["prev_hash"]) != (found.seq + 1, found.head_hash):
                raise ValueError("a record is out of order")
            if said != canonical.sha256(record):
                raise ValueError("a record does not match its hash")
            found.seq, found.head_hash = record["seq"], said
            if record["operation"] == "snapshot" and "descriptor_checksum" in details:
                hashes = details["descriptor_checksum"], details["payload_root_hash"]
                found.logged[record["snapshot_id"]] = hashes
    except (JvsError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = error.message if isinstance(error, JvsError) else str(error)[:200]
        found.log_is_whole = False
        found.left_out.append(f"its log is damaged after record {found.seq}: {why}")


def _descriptors(found: FirstRepository) -> None:
    def refuse(snapshot_id: str, error: JvsError) -> None:
        found.refused[snapshot_id] = RefusedSnapshot.of(snapshot_id, error)

    descriptors = dict(_records(found, catalog.DESCRIPTORS, damaged=refuse))
    for snapshot_id, taken in list(descriptors.items()):
        try:
            _require_sound(found, taken)
        except JvsError as error:
            refuse(snapshot_id, error)
            del descriptors[snapshot_id]
    ordered, circles = in_order({key: each.parent_snapshot_id for key, each in descriptors.items()})
    for key in circles:
        refuse(key, LineageBroken(f"the lineage of {key} contains a loop"))
    found.descriptors = {key: descriptors[key] for key in ordered}
    for name in sorted(found.layout.listing(found.layout.snapshots)):
        if catalog.is_id(name) and name not in found.descriptors and name not in found.refused:
            refuse(name, DescriptorCorrupt(f"snapshot {name} has no descriptor"))


def _require_sound(found: FirstRepository, taken: Descriptor) -> None:
    """Raise DescriptorCorrupt or AuditChainBroken unless a descriptor is what it was when it was written, and logged.

    Where the log is damaged it may have named a snapshot that it does not name now: that one comes along.
    """
    key = taken.snapshot_id
    if taken.descriptor_checksum is None or catalog.checksum(taken) != taken.descriptor_checksum:
        raise DescriptorCorrupt(f"the descriptor of {key} does not match its checksum")
    hashes = taken.descriptor_checksum.value, taken.payload_root_hash.value
    if found.logged.get(key, hashes) != hashes:
        raise AuditChainBroken(f"the descriptor of {key} is not the one in the log")
    if key not in found.logged:
        if found.log_is_whole:
            raise AuditChainBroken(f"snapshot {key} is not in the audit log")
        found.left_out.append(
            f"snapshot {key} was imported, but what is left of the old log does not name it"
        )


def _worktrees(found: FirstRepository) -> None:
    folder = found.layout.control / "worktrees"
    for name in sorted(found.layout.listing(folder)):
        if _NAME.fullmatch(name) is None:
            found.left_out.append(f"worktree {name[:100]!r} has an invalid name")
            continue
        try:
            found.worktrees[name] = parsed(
                FirstWorktree, read_small(folder / name / "config.json"), f"worktree {name!r}"
            )
        except (JvsError, OSError) as error:
            found.left_out.append(f"worktree {name!r}: {told(error)}")
    if MAIN not in found.worktrees:
        raise DescriptorCorrupt(
            f"{found.layout.root} has no readable worktree {MAIN!r}",
            hint="run jvs doctor with JVS 0.1.0",
        )


def _records(
    found: FirstRepository,
    register: Register[R],
    *,
    keep: Callable[[str, bytes], object] | None = None,
    damaged: Callable[[str, JvsError], object] | None = None,
) -> Iterator[tuple[str, R]]:
    """Yield the records of a folder by their names; one that cannot be read is named in ``left_out``, or ``damaged``."""
    folder = found.layout.control / register.folder
    names = sorted(name for name in found.layout.listing(folder) if name.endswith(SUFFIX))
    if len(names) > _MOST:
        raise InputError(f"{folder} holds {counted(len(names), 'record')}; import reads at most {_MOST:,}")
    for file in names:
        name = file.removesuffix(SUFFIX)
        what = register.called.format(name[:100])
        try:
            if not register.fits(name):
                raise DescriptorCorrupt(f"{what} has an invalid name")
            data = read_small(folder / file)
            record = parsed(register.model, data, what)
            _require_writable(record, what)
            if getattr(record, register.identity) != name:
                raise DescriptorCorrupt(f"{what} names another record")
        except (JvsError, OSError) as error:
            lost = error if isinstance(error, JvsError) else DescriptorCorrupt(f"{what}: {told(error)}")
            if damaged is None or not register.fits(name):
                found.left_out.append(lost.message)
            else:
                damaged(name, lost)
            continue
        if keep is not None:
            keep(name, data)
        yield name, record


def _require_writable(record: Record, what: str) -> None:
    """Raise DescriptorCorrupt for a record with a number that cannot be written again."""
    try:
        canonical.dumps(record.to_json())
    except InputError as error:
        raise DescriptorCorrupt(f"{what} is damaged: {error.message}") from error
