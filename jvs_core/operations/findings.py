"""Every kind of finding that ``doctor`` knows: its code, how bad it is, and the repair that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jvs_core.results import Finding

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Kind:
    """One kind of finding; ``action`` says what ``repair`` does, or what a person can do where there is none."""

    code: str
    severity: Severity
    meaning: str
    repair: str | None
    action: str

    def at(self, target: str, message: str) -> Finding:
        """Return a finding of this kind."""
        return Finding(
            code=self.code,
            severity=self.severity,
            target=target,
            message=message,
            repair=self.repair,
            action=self.action,
        )


@dataclass(frozen=True)
class Loss:
    """One thing that is not there as the log has it."""

    kind: Kind
    target: str
    message: str


FOLDER_LOST = Kind(
    "E_FOLDER_MISSING",
    "error",
    "a control folder is gone that is never empty",
    None,
    "restore it from a backup",
)
FOLDER_MISSING = Kind(
    "W_FOLDER_MISSING",
    "info",
    "a control folder is missing, as an empty one is after some ways of moving",
    "clean_tmp",
    "makes it; so does the next command that needs it",
)
FOLDER_REPLACED = Kind(
    "E_FOLDER_REPLACED",
    "error",
    "something else, such as a symbolic link, is in the place of a control folder; nothing can be written",
    None,
    "put the folder back in its place",
)
CHECK_FAILED = Kind(
    "E_CHECK_FAILED",
    "error",
    "a check could not be carried out; what else it would find is not known",
    None,
    "mend what the message names, then run `jvs doctor` again",
)
CONFIG_MISSING = Kind(
    "W_CONFIG_MISSING",
    "warning",
    "`config.toml` is gone; defaults apply",
    None,
    "write it anew, or restore it from a backup",
)
WORKTREE_LOST = Kind(
    "E_WORKTREE_NOT_FOUND",
    "error",
    "`main` is not registered, or the folder of a worktree is gone",
    None,
    "`jvs restore` its head, or restore the folder from a backup",
)
WORKTREE_UNREGISTERED = Kind(
    "E_WORKTREE_NOT_FOUND",
    "error",
    "a worktree that the log knows is not registered; gc refuses to work",
    None,
    "restore its folder in `.jvs/worktrees` from a backup, or let it go: `jvs worktree remove --force`",
)
WORKTREE_EMPTY = Kind(
    "W_WORKTREE_MISSING",
    "warning",
    "the folder of a worktree without a snapshot is missing, as an empty one is after some ways of moving",
    "clean_tmp",
    "makes the empty folder",
)
WORKTREE_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the configuration of a worktree cannot be read",
    None,
    "restore it from a backup",
)
HEAD_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the record of where a worktree stands cannot be read",
    "advance_head",
    "moves it to `.jvs/aside` and brings the head to what the log says",
)
WORKTREE_ESCAPES = Kind(
    "E_PATH_ESCAPE",
    "error",
    "a symbolic link stands in the place of a worktree",
    None,
    "put the folder back in its place",
)
WORKTREE_UNKNOWN = Kind(
    "W_WORKTREE_UNKNOWN",
    "warning",
    "a folder in `worktrees/` that is no worktree",
    None,
    "move it out of the repository",
)
REPOSITORY_INSIDE = Kind(
    "W_REPOSITORY_INSIDE",
    "warning",
    "a worktree holds another repository, a folder `.jvs`: its history is in no snapshot, and commands there work on it",
    None,
    "move the folder that holds `.jvs` out of the worktree",
)
HEAD_MISSING = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "the head of a worktree is missing or was removed",
    None,
    "restore the snapshot from a backup",
)
SNAPSHOT_AHEAD = Kind(
    "W_SNAPSHOT_AHEAD",
    "warning",
    "a snapshot is from the future: the clock of its host was ahead. No word of retention counts it, and gc keeps it",
    None,
    "set the clock of that host; from its time on the snapshot counts like any other",
)
DESCRIPTOR_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "a descriptor or READY marker cannot be read or does not match its checksum",
    None,
    "restore it from a backup",
)
SNAPSHOT_PARTIAL = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a snapshot lacks its READY marker, payload or manifest",
    None,
    "restore it from a backup",
)
SNAPSHOT_DAMAGED = Kind(
    "E_PAYLOAD_HASH_MISMATCH",
    "error",
    "`jvs verify` found a snapshot damaged",
    "heal",
    "reads it again, and puts back what is damaged from other snapshots and worktrees that hold the same content",
)
SNAPSHOT_UNHEALED = Kind(
    "E_PAYLOAD_HASH_MISMATCH",
    "error",
    "a snapshot is damaged, and no snapshot or worktree had all that it takes to heal it",
    None,
    "put a file of that content into a worktree, then run `jvs doctor --repair heal`; or restore the snapshot from a backup",
)
DAMAGE_UNREADABLE = Kind(
    "W_DAMAGE_UNREADABLE",
    "warning",
    "what is remembered of a snapshot's damage cannot be read; nothing is shared with other snapshots meanwhile",
    "heal",
    "reads the snapshot again, heals it, and removes the record",
)
SNAPSHOT_LOST = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a snapshot that the log knows is gone, and not by gc",
    None,
    "restore it from a backup",
)
SNAPSHOT_FOREIGN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "a whole snapshot that neither the log nor an intent knows: planted, or made while the repository was copied",
    None,
    "move it out of the repository; if it is yours, `jvs doctor --repair audit_repair` takes it up, no head is moved",
)
DESCRIPTOR_FOREIGN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "a descriptor is not the one that was logged",
    None,
    "restore it from a backup",
)
SNAPSHOT_UNKNOWN = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a folder of snapshots without a descriptor",
    "set_aside",
    "moves it to `.jvs/aside`, and deletes nothing",
)
PARENT_MISSING = Kind(
    "E_LINEAGE_BROKEN", "error", "the parent of a snapshot is missing", None, "restore it from a backup"
)
CIRCLE = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "a snapshot is its own ancestor",
    None,
    "restore the descriptors from a backup",
)
HEAD_FOREIGN = Kind(
    "E_HEAD_FOREIGN",
    "error",
    "a worktree does not stand where the log says, or its undo stack is another one; gc refuses to work",
    "advance_head",
    "makes a new head that is what the log says",
)
LABELS_FOREIGN = Kind(
    "E_LABELS_FOREIGN",
    "error",
    "the labels or the base of a worktree are not those of the log; gc refuses to work",
    "advance_head",
    "writes those of the log",
)
ANNOTATION_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "an edit of a snapshot's note and tags cannot be read",
    "advance_head",
    "writes it as the log has it, and moves what was in its place to `.jvs/aside`",
)
ANNOTATION_FOREIGN = Kind(
    "E_ANNOTATION_FOREIGN",
    "error",
    "an edit of a snapshot's note and tags is not the one of the log: changed, gone or planted; gc refuses to work",
    "advance_head",
    "writes it as the log has it, and moves what the log has not to `.jvs/aside`",
)
SNAPSHOT_UNFINISHED = Kind(
    "W_SNAPSHOT_UNFINISHED",
    "warning",
    "a snapshot is in place, but a crash came before head and log knew of it",
    "advance_head",
    "completes it: descriptor, head, log",
)
REF_BROKEN = Kind(
    "E_REF_BROKEN",
    "error",
    "a ref cannot be read, or names a snapshot that is missing",
    None,
    "restore it, or the snapshot, from a backup",
)
REF_LOST = Kind(
    "E_REF_BROKEN",
    "error",
    "a ref is gone, or names another snapshot than the log says; gc refuses to work",
    None,
    "restore its file in `.jvs/refs` from a backup, or let it go with `jvs ref delete`, then create it anew",
)
PIN_LOST = Kind(
    "E_PIN_NOT_FOUND",
    "error",
    "a pin is gone, or not as the log has it; gc refuses to work",
    None,
    "restore its file in `.jvs/gc/pins` from a backup, or let it go with `jvs gc unpin`, then pin anew",
)
PIN_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "a pin cannot be read; gc refuses to plan",
    None,
    "restore its file in `.jvs/gc/pins`, or remove it",
)
PIN_DANGLING = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "a pin names a snapshot that is missing; gc refuses to plan",
    None,
    "`jvs gc unpin`, or restore the snapshot",
)
PIN_EXPIRED = Kind("W_PIN_EXPIRED", "info", "a pin protects nothing any more", "clean_tmp", "removes it")
INTENT_ABANDONED = Kind(
    "W_INTENT_ABANDONED", "warning", "an operation was cut short", "clean_intents", "undoes or completes it"
)
RESTORE_ABANDONED = Kind(
    "W_INTENT_ABANDONED",
    "warning",
    "an in-place restore was cut short",
    "finish_restore",
    "completes it; so does the next command under the lock",
)
RESTORE_OF_ANOTHER = Kind(
    "W_RESTORE_OF_ANOTHER",
    "warning",
    "an in-place restore of another user was cut short; in-place restores of that worktree wait for it",
    "set_aside",
    "snapshots what lies there, so that the restore is void; or its user runs `jvs doctor --repair finish_restore`",
)
INTENT_OF_ANOTHER = Kind(
    "W_INTENT_OF_ANOTHER",
    "warning",
    "an operation of another user was cut short; nobody carries out what another user wrote",
    None,
    "its user runs `jvs doctor --repair-runtime`",
)
INTENT_AHEAD = Kind(
    "W_INTENT_AHEAD",
    "warning",
    "the sign of life of an operation lies in the future, so whether it still runs is not known; gc and the repairs leave alone what it names",
    None,
    "set the clocks of both machines; or, if nobody works on it, its user removes the file from .jvs/intents",
)
INTENT_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "an intent cannot be read",
    "clean_intents",
    "sets it aside as `….unreadable`",
)
LEFTOVER = Kind(
    "W_LEFTOVER",
    "warning",
    "a temporary file or folder that nothing under way owns",
    "clean_tmp",
    "removes it",
)
LOCK_UNREADABLE = Kind(
    "W_LOCK_UNREADABLE",
    "info",
    "the newest lease of a worktree cannot be read",
    None,
    "the next `jvs lock acquire` replaces it",
)
LOCK_DEAD = Kind(
    "W_LOCK_DEAD",
    "info",
    "the lease of a worktree ran out and was not given back",
    None,
    "the next `jvs lock acquire` takes it over",
)
LOCK_SUPERSEDED = Kind(
    "W_LOCK_SUPERSEDED", "info", "many superseded leases", "clean_locks", "removes all but the newest"
)
LOCK_REPLACED = Kind(
    "E_LOCK_REPLACED",
    "error",
    "something else than a file is in the place of `.jvs/locks/repository`; nothing can be written",
    None,
    "remove it, or move it away: the next command makes the file",
)
LOCK_STRAY = Kind(
    "W_LOCK_STRAY",
    "warning",
    "a name among the leases of a worktree that is none",
    "clean_locks",
    "removes it, once it was not touched for a day",
)
LOCK_ORPHAN = Kind(
    "W_LOCK_ORPHAN", "info", "leases of a worktree that is gone", "clean_locks", "removes them"
)
GC_UNFINISHED = Kind(
    "W_GC_UNFINISHED",
    "warning",
    "a gc run was cut short before the log knew of this removal",
    "clean_tmp",
    "takes it back: the snapshot is whole again. Or run the plan again",
)
GC_TRASH = Kind(
    "W_GC_TRASH",
    "warning",
    "a gc run was cut short before all that it removed was deleted",
    "clean_tmp",
    "deletes the rest",
)
GC_STRAY = Kind(
    "W_GC_STRAY",
    "warning",
    "a snapshot lies in gc's trash without a tombstone",
    "clean_tmp",
    "puts it back in its place, if that is free",
)
STUB_LOST = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "the descriptor of a thinned snapshot is gone, damaged or not the one that was logged",
    "clean_tmp",
    "writes it from the tombstone, if it is sound there",
)
TOMBSTONE_FOREIGN = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "the payload of a snapshot is gone, and a tombstone says gc removed it, but the log does not",
    None,
    "restore the snapshot from a backup, and remove the tombstone",
)
TOMBSTONE_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT", "error", "a tombstone cannot be read", None, "restore it from a backup"
)
PLAN_DAMAGED = Kind(
    "W_GC_PLAN_DAMAGED", "warning", "a gc plan cannot be read", "clean_tmp", "removes it; make another"
)
PLAN_OPEN = Kind(
    "W_GC_PLAN_OPEN", "info", "a gc plan older than 30 days was never carried out", "clean_tmp", "removes it"
)
RUN_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the record of a notebook run cannot be read",
    None,
    "restore its file in `.jvs/runs` from a backup, or move it out of the repository",
)
RUN_FOREIGN = Kind(
    "E_RUN_FOREIGN",
    "error",
    "the record of a run is not the one that was logged: its metrics and outcome prove nothing",
    None,
    "restore its file in `.jvs/runs` from a backup",
)
RUN_UNNAMED = Kind(
    "W_RUN_UNNAMED",
    "warning",
    "the record of a run that the log knows has not got its name yet",
    "clean_tmp",
    "gives it its name",
)
AUDIT_BROKEN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "the audit log was changed, cut or damaged",
    "audit_repair",
    "sets the log aside, whole, and begins a new one that names it, and what is there but whose records were lost: "
    "refs, sound snapshots, what gc removed",
)


def kinds() -> dict[str, Kind]:
    """Return every kind by its name, for documentation and tests."""
    return {name: kind for name, kind in globals().items() if isinstance(kind, Kind)}
