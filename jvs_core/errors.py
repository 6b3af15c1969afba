"""Errors of JVS: one tree, one stable code a class, one exit status a branch.

The branches: the call is wrong (InputError, 2), what is named is not there (NotFound, 3), somebody was first (Conflict,
4), stored data is damaged (IntegrityError, 5), another version of JVS is needed (FormatUnsupported, 6), engine, file
system or space (StorageError, 7). Codes are append-only and never renamed; ``docs/reference/errors.md`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class JvsError(Exception):
    """Something failed that JVS did not expect; the base class of all other errors.

    ``message`` states the fact and names the object; ``hint`` is what to run next, or None; ``facts`` are the
    values behind the message, for programs.
    """

    code: ClassVar[str] = "E_INTERNAL"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def to_json(self) -> dict[str, Any]:
        """Return the contract's error object, without the ``error`` envelope."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class InputError(JvsError):
    """The call is wrong: an unknown option, engine or policy, a value out of range."""

    code = "E_USAGE"
    exit_status = 2


class NameInvalid(InputError):
    """A worktree, ref, repository or session name breaks the naming rules."""

    code = "E_NAME_INVALID"


class PathEscape(InputError):
    """A path leads outside the repository."""

    code = "E_PATH_ESCAPE"


class SnapshotAmbiguous(InputError):
    """A snapshot prefix matches several snapshots; the hint lists them."""

    code = "E_SNAPSHOT_AMBIGUOUS"


class UntrustedRepository(InputError):
    """The repository belongs to another user, and you do not trust it yet; JVS read nothing in it."""

    code = "E_UNTRUSTED_REPOSITORY"


class OutsideRoot(InputError):
    """The repository is outside the folder that the server may show."""

    code = "E_OUTSIDE_ROOT"


class NotFound(JvsError):
    """The thing named does not exist."""

    exit_status = 3


class NotARepository(NotFound):
    """There is no repository at the path or above it."""

    code = "E_NOT_A_REPOSITORY"


class WorktreeNotFound(NotFound):
    """There is no worktree with that name."""

    code = "E_WORKTREE_NOT_FOUND"


class SnapshotNotFound(NotFound):
    """There is no snapshot with that id, prefix or name."""

    code = "E_SNAPSHOT_NOT_FOUND"


class RefNotFound(NotFound):
    """There is no ref with that name."""

    code = "E_REF_NOT_FOUND"


class RunNotFound(NotFound):
    """There is no recorded run with that id."""

    code = "E_RUN_NOT_FOUND"


class PlanNotFound(NotFound):
    """There is no gc plan with that id."""

    code = "E_PLAN_NOT_FOUND"


class PinNotFound(NotFound):
    """There is no pin with that id."""

    code = "E_PIN_NOT_FOUND"


class PathNotFound(NotFound):
    """There is no file or folder with that name."""

    code = "E_PATH_NOT_FOUND"


class SnapshotExpired(NotFound):
    """You dropped the snapshot, or a policy removed it: its files are gone, its descriptor stays."""

    code = "E_SNAPSHOT_EXPIRED"


class Conflict(JvsError):
    """Somebody or something else was first: look, then try again."""

    exit_status = 4


class AlreadyExists(Conflict):
    """The name or target already exists; JVS never overwrites anything unless you ask for it."""

    code = "E_ALREADY_EXISTS"


class LockConflict(Conflict):
    """Somebody already holds the worktree's lock."""

    code = "E_LOCK_CONFLICT"


class LockExpired(Conflict):
    """Your lease expired before the operation."""

    code = "E_LOCK_EXPIRED"


class LockNotHeld(Conflict):
    """The operation needs the worktree's lock, and you do not hold it."""

    code = "E_LOCK_NOT_HELD"


class FencingMismatch(Conflict):
    """Somebody else took over the lock: there is a higher fencing token."""

    code = "E_FENCING_MISMATCH"


class ClockSkewExceeded(Conflict):
    """The times of a lease are in the future by more than the allowed clock skew."""

    code = "E_CLOCK_SKEW_EXCEEDED"


class GcPlanMismatch(Conflict):
    """The repository changed after the plan was made."""

    code = "E_GC_PLAN_MISMATCH"


class UnsavedChanges(Conflict):
    """The worktree holds changes that no snapshot holds."""

    code = "E_UNSAVED_CHANGES"


class ConsistencyUnavailable(Conflict):
    """Files kept changing while JVS took a quiesced snapshot."""

    code = "E_CONSISTENCY_UNAVAILABLE"


class NothingToUndo(Conflict):
    """There is no in-place restore of this worktree to take back."""

    code = "E_NOTHING_TO_UNDO"


class IntegrityError(JvsError):
    """Stored data is not what was stored: stop, verify, repair."""

    exit_status = 5


class DescriptorCorrupt(IntegrityError):
    """A descriptor or control file is unreadable or does not match its checksum."""

    code = "E_DESCRIPTOR_CORRUPT"


class PayloadHashMismatch(IntegrityError):
    """The payload of a snapshot does not match its manifest and root hash."""

    code = "E_PAYLOAD_HASH_MISMATCH"


class LineageBroken(IntegrityError):
    """A parent is missing, or a snapshot is its own ancestor."""

    code = "E_LINEAGE_BROKEN"


class PartialSnapshot(IntegrityError):
    """A snapshot lacks its READY marker, manifest, payload or descriptor."""

    code = "E_PARTIAL_SNAPSHOT"


class AuditChainBroken(IntegrityError):
    """The audit log was edited, cut, reordered or rewritten, or does not match the repository."""

    code = "E_AUDIT_CHAIN_BROKEN"


class RefBroken(IntegrityError):
    """A ref cannot be read, or names a snapshot that is missing."""

    code = "E_REF_BROKEN"


class FormatUnsupported(JvsError):
    """The repository was written by another, incompatible version."""

    code = "E_FORMAT_UNSUPPORTED"
    exit_status = 6


class StorageError(JvsError):
    """The engine, the file system or the space on it."""

    exit_status = 7
    code = "E_ENGINE_FAILED"


class EngineUnavailable(StorageError):
    """The engine that you chose cannot work on this file system; the message says why."""

    code = "E_ENGINE_UNAVAILABLE"


class EngineFailed(StorageError):
    """The engine or the file system under it failed."""

    code = "E_ENGINE_FAILED"


class NoSpace(StorageError):
    """The file system or quota is full."""

    code = "E_NO_SPACE"


class UnsupportedFile(StorageError):
    """JVS cannot read a file, or a snapshot cannot keep it."""

    code = "E_UNSUPPORTED_FILE"


def error_classes() -> Iterator[type[JvsError]]:
    """Yield every class of the tree that carries a code of its own, in no particular order."""
    stack: list[type[JvsError]] = [JvsError]
    seen: set[str] = set()
    while stack:
        cls = stack.pop(0)
        if "code" in vars(cls) and cls.code not in seen and cls is not StorageError:
            seen.add(cls.code)
            yield cls
        stack.extend(cls.__subclasses__())
