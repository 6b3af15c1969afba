"""Records as they lie on disk, one class each.

What is read from a repository may have been written by anybody. So every field that names something has a type with a
form, and what JVS writes back keeps no field that it does not know. Descriptors, audit records and checkpoints are never
written back and keep theirs: a checksum covers them. Times are ISO 8601 UTC with milliseconds, durations milliseconds,
sizes bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from jvs_core.errors import DescriptorCorrupt

FORMAT_VERSION = 2
LARGEST = 2**53 - 1
LEASE_MS_MAXIMUM = 86_400_000
SNAPSHOT_ID = r"^[0-9]{13}-[0-9a-f]{8}$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_HEX_256 = r"^[0-9a-f]{64}$"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
SHORT_ID = r"^[0-9a-f]{12}$"
RUN_ID = r"^run-[0-9]{13}-[0-9a-f]{8}$"
_OPERATION = r"^[a-z][a-z_]{0,39}$"
_SESSION = r"^[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}$"


def _moment(text: str) -> str:
    datetime.fromisoformat(
        text
    )  # ValueError for a 31st of February: whoever computes with the time relies on it
    return text


SnapshotId = Annotated[str, Field(pattern=SNAPSHOT_ID)]
Name = Annotated[str, Field(pattern=NAME)]
Timestamp = Annotated[str, Field(pattern=_TIME), AfterValidator(_moment)]
Sha256 = Annotated[str, Field(pattern=_HEX_256)]
Uuid = Annotated[str, Field(pattern=UUID)]
ShortId = Annotated[str, Field(pattern=SHORT_ID)]
RunId = Annotated[str, Field(pattern=RUN_ID)]
OperationName = Annotated[str, Field(pattern=_OPERATION)]
SessionId = Annotated[str, Field(pattern=_SESSION)]
Holder = Annotated[str, Field(max_length=600)]
Count = Annotated[int, Field(ge=0)]
LeaseSpan = Annotated[int, Field(ge=0, le=LEASE_MS_MAXIMUM)]
IntegrityState = Literal["verified", "unverified", "corrupt"]
LONGEST_TEXT = 65_536
LONGEST_TAG = 200
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]
Line = Annotated[str, Field(max_length=1000)]
HexPath = Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")]
MOST_DAMAGED = 1000
MOST_UNHEALED = 100

R = TypeVar("R", bound="Record")


class Record(BaseModel):
    """A frozen JSON object. Fields that it does not know are dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values, in field order."""
        return self.model_dump()

    def changed(self, **fields: Any) -> Self:
        """Return a validated copy with ``fields`` replaced."""
        return type(self).model_validate({**self.model_dump(), **fields})

    @classmethod
    def parse(cls, data: bytes, what: str) -> Self:
        """Return the record that ``data`` holds.

        Raises
        ------
        DescriptorCorrupt
            ``data`` is not JSON of this shape; ``what`` names it in the message.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DescriptorCorrupt(
                f"{what} is damaged: {where + ': ' if where else ''}{first['msg']}", hint="jvs doctor"
            ) from error


class HashValue(Record):
    """A digest with the name of its algorithm."""

    algo: Literal["sha256"] = "sha256"
    value: Sha256


class Descriptor(Record):
    """What a snapshot is; immutable once published."""

    snapshot_id: SnapshotId
    worktree_id: Uuid
    worktree: Name
    parent_snapshot_id: SnapshotId | None
    created_at: Timestamp
    note: str
    tags: tuple[str, ...] = Field(strict=False)
    engine: str
    requested_engine: str
    consistency_level: Literal["quiesced", "best_effort"]
    fencing_token: Count
    holder_id: Holder
    files: Count
    bytes: Count
    degraded: tuple[str, ...] = Field(strict=False)
    payload_root_hash: HashValue
    manifest_hash: HashValue
    cells_hash: HashValue | None = None
    descriptor_checksum: HashValue | None = None
    integrity_state: IntegrityState = "unverified"
    schema_: Annotated[int, Field(ge=1)] = Field(default=1, alias="schema")

    model_config = ConfigDict(extra="allow", populate_by_name=True, serialize_by_alias=True)

    @property
    def original(self) -> Descriptor:
        """The descriptor as it was made, whatever was edited afterwards."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as plain JSON values; ``cells_hash`` only where cells are kept."""
        shown = super().to_json()
        if self.cells_hash is None:
            del shown["cells_hash"]
        return shown


class Annotation(Record):
    """An edit of a snapshot's note and tags: the file ``annotations/<snapshot>/<number>``, never rewritten.

    ``note`` is the new one, None where it stays.
    """

    number: Annotated[int, Field(ge=1, le=2**53 - 1)]
    snapshot_id: SnapshotId
    note: Text | None
    added_tags: tuple[Tag, ...] = Field(strict=False)
    removed_tags: tuple[Tag, ...] = Field(strict=False)
    created_at: Timestamp
    created_by: Holder


class AnnotatedDescriptor(Descriptor):
    """A descriptor as it is shown after edits of its note and tags, with the edits, oldest first.

    It lies nowhere on disk: ``descriptor_checksum`` is that of ``original``.
    """

    annotations: tuple[Annotation, ...]

    _original: Descriptor | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, original: Descriptor, annotations: Sequence[Annotation]) -> AnnotatedDescriptor:
        """Return what ``original`` is after ``annotations``."""
        note, tags = original.note, list(original.tags)
        for edit in annotations:
            note = note if edit.note is None else edit.note
            tags = [tag for tag in tags if tag not in edit.removed_tags]
            tags += [tag for tag in edit.added_tags if tag not in tags]
        fields = {**original.model_dump(), "note": note, "tags": tags, "annotations": tuple(annotations)}
        made = cls.model_validate(fields)
        made._original = original
        return made

    @property
    def original(self) -> Descriptor:
        """The descriptor as it was made, and as it lies on disk."""
        assert self._original is not None
        return self._original


class Ready(Record):
    """The marker written last into a snapshot, beside its payload."""

    snapshot_id: SnapshotId
    created_at: Timestamp
    engine: str
    descriptor_checksum: HashValue
    payload_root_hash: HashValue


class UndoPoint(Record):
    """What an in-place restore replaced: enough to take it back."""

    snapshot_id: SnapshotId
    head_snapshot_id: SnapshotId | None
    restored_snapshot_id: SnapshotId
    restored_at: Timestamp


class WorktreeConfig(Record):
    """A worktree's ``config.json``: what it is. The name is its folder's.

    ``labels`` say whose it is or what it is for, in the words of who made it; JVS only keeps them.
    """

    worktree_id: Uuid
    isolation: Literal["exclusive"] = "exclusive"
    created_at: Timestamp
    base_snapshot_id: SnapshotId | None
    labels: dict[str, str] = Field(default_factory=dict)


class Head(Record):
    """Where a worktree stands: the file ``heads/<number>``, never rewritten. The highest number counts."""

    number: Annotated[int, Field(ge=1, le=LARGEST)]
    worktree_id: Uuid
    snapshot_id: SnapshotId | None
    base_snapshot_id: SnapshotId | None
    undo: tuple[UndoPoint, ...] = Field(default=(), strict=False)
    fencing_token: Count | None
    operation: OperationName


@dataclass(frozen=True)
class Worktree:
    """A worktree as it was read: what it is, and where it stands."""

    config: WorktreeConfig
    head: Head

    @property
    def worktree_id(self) -> str:
        """The identity, never given to another worktree."""
        return self.config.worktree_id

    @property
    def isolation(self) -> str:
        """How many may write at a time."""
        return self.config.isolation

    @property
    def created_at(self) -> str:
        """When it was made."""
        return self.config.created_at

    @property
    def labels(self) -> dict[str, str]:
        """Whose it is or what it is for."""
        return self.config.labels

    @property
    def base_snapshot_id(self) -> str | None:
        """The snapshot that it was made from."""
        return self.head.base_snapshot_id

    @property
    def head_snapshot_id(self) -> str | None:
        """The snapshot that it stands at."""
        return self.head.snapshot_id

    @property
    def undo(self) -> tuple[UndoPoint, ...]:
        """What its in-place restores replaced, oldest first."""
        return self.head.undo


class Ref(Record):
    """A name for a snapshot; immutable."""

    name: Name
    snapshot_id: SnapshotId
    note: str
    created_at: Timestamp
    created_by: Holder


class LeaseRecord(Record):
    """A lease as it lies in its lock file; ``secret_sha256`` proves the holder and is never shown."""

    lock_id: Uuid
    worktree: Name
    worktree_id: Uuid
    holder_id: Holder
    session_id: SessionId
    purpose: str
    acquired_at: Timestamp
    last_renewed_at: Timestamp
    lease_expires_at: Timestamp
    lease_duration_ms: LeaseSpan
    renew_interval_ms: LeaseSpan
    max_clock_skew_ms: LeaseSpan
    steal_grace_ms: LeaseSpan
    fencing_token: Annotated[int, Field(ge=1)]
    released_at: Timestamp | None = None
    secret_sha256: Sha256

    def to_json(self) -> dict[str, Any]:
        """Return the lock record as anyone may see it."""
        return self.model_dump(exclude={"released_at", "secret_sha256"})


class Process(Record):
    """Which process a record speaks of.

    The host's name is for people only: two machines may have the same. ``process_start`` is the kernel's start time of the process, in clock ticks since boot, against reused ids;
    ``pid_namespace`` the namespace that the id counts in. Either is None where the system does not tell it.
    """

    host: Holder
    machine_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    boot_id: Annotated[str, Field(max_length=100)]
    pid_namespace: Count | None = None
    pid: int
    process_start: Count | None = None


def _payload_path(text: str) -> str:
    """Return a hexadecimal path in a worktree whose last part only JVS could have named."""
    parts = bytes.fromhex(text).split(b"/")
    if any(part in (b"", b".", b"..") or b"\0" in part for part in parts):
        raise ValueError("leads out of the worktree")
    if re.fullmatch(rb"\.jvs-restore-[0-9a-f]{8,32}", parts[-1]) is None:
        raise ValueError("is no name that JVS gives")
    return text


HiddenName = Annotated[str, Field(pattern=r"^\.[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.[0-9a-f]{8}\.tmp$")]
HiddenPath = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$"), AfterValidator(_payload_path)]


class SnapshotDetails(Record):
    """What is needed to complete or undo a snapshot."""

    parent_snapshot_id: SnapshotId | None
    note: str


class InplaceDetails(Record):
    """What an in-place restore makes of a worktree that stood at head ``seen_head``.

    ``own_snapshot`` is one of edits made meanwhile, which the restore itself takes or took after that head.
    """

    operation_name: Literal["restore", "undo"]
    content: SnapshotId
    head: SnapshotId | None
    pre: SnapshotId
    undo: tuple[UndoPoint, ...] = Field(strict=False)
    reason: str
    seen_head: Annotated[int, Field(ge=1)]
    same_owner: bool = False
    own_snapshot: SnapshotId | None = None


class PathDetails(Record):
    """The name under which one path is brought, and the snapshot of before where it replaces something."""

    temporary: HiddenPath
    pre: SnapshotId | None = None


class TemporaryDetails(Record):
    """The name under which a worktree is made or taken away."""

    temporary: HiddenName


class RenameDetails(Record):
    """The name that a worktree gets."""

    new_name: Name


class RefDetails(Record):
    """The ref that is made or deleted."""

    ref: Name


class HealDetails(Record):
    """Nothing: which snapshot is healed, the intent says, and heal reads again what is damaged of it."""


class PlanDetails(Record):
    """The plan that is carried out."""

    plan_id: ShortId


class PassingDetails(Record):
    """The snapshot that a passing worktree is made from."""

    base: SnapshotId


INTENT_DETAILS: dict[str, type[Record]] = {
    "snapshot": SnapshotDetails,
    "restore_inplace": InplaceDetails,
    "restore_path": PathDetails,
    "restore_new_path": PathDetails,
    "restore": TemporaryDetails,
    "worktree_create": TemporaryDetails,
    "worktree_remove": TemporaryDetails,
    "worktree_rename": RenameDetails,
    "ref_create": RefDetails,
    "ref_delete": RefDetails,
    "gc_run": PlanDetails,
    "heal": HealDetails,
    "sandbox": PassingDetails,
    "isolated_run": PassingDetails,
}


class Intent(Process):
    """What is under way, written before the first byte of it. ``details`` are those of its operation.

    ``uid`` and ``seen_ms`` are of the file that it was read from: whose it is, and when it last gave a sign of life.
    """

    intent_id: Annotated[str, Field(pattern=r"^[a-z_]{1,40}-([0-9a-f]{32}|[0-9]{13}-[0-9a-f]{8})$")]
    operation: OperationName
    worktree: Name | None
    worktree_id: Uuid | None
    snapshot_id: SnapshotId | None
    fencing_token: Count | None
    holder_id: Holder
    started_at: Timestamp
    details: dict[str, Any] = Field(default_factory=dict)
    uid: int | None = Field(default=None, exclude=True)
    seen_ms: int | None = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _of_its_operation(self) -> Self:
        form = INTENT_DETAILS.get(self.operation)
        if form is None or not self.intent_id.startswith(f"{self.operation}-"):
            raise ValueError("no operation of JVS")
        checked = form.model_validate(self.details).model_dump()
        self.details.clear()
        self.details.update(checked)
        return self


class AuditHead(Record):
    """The log's end. Another record can follow it."""

    origin: Uuid
    seq: Annotated[int, Field(ge=0, lt=LARGEST)]
    head_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    size: Annotated[int, Field(ge=0, lt=LARGEST)]


class AuditRecord(Record):
    """One line of the audit log; ``record_hash`` covers every other field."""

    seq: Annotated[int, Field(ge=1)]
    event_id: Uuid
    timestamp: Timestamp
    operation: OperationName
    actor: str
    session_id: SessionId
    worktree: Name | None
    worktree_id: Uuid | None
    snapshot_id: SnapshotId | None
    fencing_token: Count | None
    target: str | None
    reason: str | None
    details: dict[str, Any]
    prev_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    record_hash: Sha256

    model_config = ConfigDict(extra="allow")


class Signature(Record):
    """A signature and the public key it fits, both in Base64."""

    algo: Literal["ed25519"]
    public_key: str
    value: str


class Checkpoint(Record):
    """The audit log's head at one moment, for somebody outside the repository to keep."""

    origin: Uuid
    seq: Count
    head_hash: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    created_at: Timestamp
    signature: Signature | None = None

    model_config = ConfigDict(extra="allow")

    def to_json(self) -> dict[str, Any]:
        """Return the checkpoint; ``signature`` only where it has one."""
        return self.model_dump(exclude=None if self.signature else {"signature"})


class Pin(Record):
    """A reason to keep a snapshot whatever retention says."""

    pin_id: ShortId
    snapshot_id: SnapshotId
    reason: str
    created_at: Timestamp
    created_by: Holder
    expires_at: Timestamp | None = None
    lineage: bool = False


class Plan(Record):
    """What a gc run is to remove, as decided at one moment.

    ``thinning`` says that a policy decided: a snapshot that only its descendants need may then lose its payload.
    """

    plan_id: ShortId
    created_at: Timestamp
    created_by: Holder
    policy: dict[str, Any]
    thinning: bool
    candidates: tuple[SnapshotId, ...] = Field(strict=False)
    finished_at: Timestamp | None = None


class Tombstone(Record):
    """That a snapshot was removed on purpose, and its descriptor as it was; as a ``stub`` that one stays in place."""

    snapshot_id: SnapshotId
    plan_id: ShortId
    removed_at: Timestamp
    removed_by: Holder
    stub: bool
    descriptor: dict[str, Any]


RunOutcome = Literal[
    "started",
    "ok",
    "cell_error",
    "kernel_died",
    "early_exit",
    "interrupted",
    "terminated",
    "lost",
]
Verdict = Literal["identical", "differs", "failed"]


class Damage(Record):
    """What `verify` found damaged of a snapshot: a hint what to read again, and nothing more.

    ``paths`` are those in the payload that are not as the manifest says, in hexadecimal; ``complete`` says that these are
    all. ``unhealed`` is what a repair could not put right, a line each.
    """

    snapshot_id: SnapshotId
    found_at: Timestamp
    found_by: Holder
    code: Annotated[str, Field(pattern=r"^E_[A-Z_]{1,60}$")]
    paths: tuple[HexPath, ...] = Field(strict=False, max_length=MOST_DAMAGED)
    complete: bool
    unhealed: tuple[Line, ...] = Field(default=(), strict=False, max_length=MOST_UNHEALED)


class RunOwner(Process):
    """The process and the lease behind a run; ``lock_kept`` when the lock was the session's before the run."""

    worktree_id: Uuid
    fencing_token: Count
    lock_kept: bool
    holder_id: Holder


class Run(Record):
    """What became of one execution of a notebook; written as ``started`` before its first cell.

    Paths inside the worktree are relative to it. ``point`` is the digest that a sweep's attempts at one point share;
    ``setup`` is what repeating the run needs beside its parameters. ``verdict`` and ``paths`` are those of a
    reproduction.
    """

    run_id: RunId
    notebook: str
    input_path: str
    output_path: str | None
    worktree: Name
    parameters: dict[str, Any]
    outcome: RunOutcome
    error: str | None
    before_snapshot_id: SnapshotId
    after_snapshot_id: SnapshotId | None
    notebook_sha256: Sha256
    environment_digest: Sha256
    git_commit: str | None
    host: str
    attempt: Annotated[int, Field(ge=1)]
    started_at: Timestamp
    finished_at: Timestamp | None
    duration_s: float | None
    metrics: dict[str, Any]
    reproduces: RunId | None
    verdict: Verdict | None = None
    paths: tuple[str, ...] | None = Field(default=None, strict=False)
    point: Sha256 | None = None
    setup: dict[str, Any] = Field(default_factory=dict)
    owner: RunOwner

    def to_json(self) -> dict[str, Any]:
        """Return the run as anyone may want to see it; verdict and paths only where it is a reproduction."""
        hidden = {"owner", "point", "setup"} | ({"verdict", "paths"} if self.reproduces is None else set())
        return self.model_dump(exclude=hidden)


def models() -> tuple[type[Record], ...]:
    """Return every record class, for documentation and tests."""
    return tuple(Record.__subclasses__())
