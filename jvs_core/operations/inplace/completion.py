"""Bringing a worktree to what an intent says it is to become: at once, or by whoever comes after a crash.

An edit made on the way is never replaced before a snapshot holds it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jvs_core import clock, files
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.lock.lock import Lease
from jvs_core.control.names import inside
from jvs_core.control.records import journal, pins, worktree
from jvs_core.errors import ConsistencyUnavailable, JvsError, LockConflict, PayloadHashMismatch
from jvs_core.model import Head, Intent, UndoPoint, Worktree
from jvs_core.operations import locking
from jvs_core.operations.context import Context, step
from jvs_core.operations.inplace.plan import Way, find, look
from jvs_core.operations.publish import Request, publish
from jvs_core.operations.stored import Stored
from jvs_core.payload.copy.single import LEFTOVER_PREFIX, is_leftover, remove_leftover
from jvs_core.payload.inplace import converge
from jvs_core.payload.tree.entry import FOLDER
from jvs_core.payload.tree.faults import listed
from jvs_core.progress import Progress

RESTORE_INTENT = "restore_inplace"
PATH_INTENT = "restore_path"
NEW_PATH_INTENT = "restore_new_path"
PRE_RESTORE_TAG = "pre-restore"
_ROUNDS = 4


def finish_pending(ctx: Context, name: str, lease: Lease, progress: Progress) -> list[Intent]:
    """Complete the restores into worktree ``name`` that a crash interrupted, and return their intents.

    The caller holds the lock and the session's turn, so whoever began an in-place one is dead or fenced. What it had to
    keep or to give up is logged as a warning.

    Raises PayloadHashMismatch when the wanted snapshot is damaged; the worktree is then as it was before the restore.
    """
    record = ctx.worktree(name)
    found = [
        intent
        for intent in journal.pending(ctx.layout)[0]
        if intent.worktree_id == record.worktree_id
        and journal.is_own(intent)
        and (
            intent.operation in (RESTORE_INTENT, PATH_INTENT)
            or (intent.operation == NEW_PATH_INTENT and journal.state(intent, ctx.settings) is False)
        )
    ]
    for intent in found:
        if intent.operation != NEW_PATH_INTENT:
            log_own_head(ctx, name, intent)
        if intent.operation == RESTORE_INTENT:
            if not _stands(intent, ctx.worktree(name).head):
                if not _moved_by(ctx.worktree(name).head, intent):
                    _tell(f"an in-place restore of worktree {name!r} was overtaken, and is given up", [])
                journal.complete(ctx.layout, intent)
                continue
            wanted = ctx.stored(intent.details["content"])
            asked = replace(ctx, same_owner=bool(intent.details.get("same_owner")))
            completion = Completion(asked, name, lease, intent, progress)
            kept = [*completion.save_later_edits(), *completion.bring(wanted)]
            completion.commit()
            _tell(f"completed the interrupted in-place restore of worktree {name!r}", kept)
        else:
            drop_copy(ctx, intent)
    clear_dead_snapshots(ctx, record)
    return found


def log_own_head(ctx: Context, name: str, intent: Intent) -> None:
    """Record the head that an interrupted restore moved where a crash came before its record."""
    with files.uninterrupted(), ctx.critical():
        record = ctx.worktree(name)
        logged = ledgers.read(ctx.layout).heads.get(record.worktree_id, {})
        if not _moved_by(record.head, intent) or record.head.number != logged.get("number", 0) + 1:
            return
        ctx.audit(
            record.head.operation,
            worktree=name,
            worktree_id=record.worktree_id,
            snapshot_id=intent.details.get("content", record.head_snapshot_id),
            fencing_token=record.head.fencing_token,
            target=name,
            reason=intent.details.get("reason") or None,
            details={"inplace": True, "recovered": True, "head": record.head.to_json()},
        )


def _moved_by(head: Head, intent: Intent) -> bool:
    """Return whether a restore made a head: under its own lease, and what it wanted."""
    if head.operation not in ("restore", "undo") or head.fencing_token != intent.fencing_token:
        return False
    if intent.operation == PATH_INTENT:
        return True
    own = 1 if intent.details["own_snapshot"] is not None else 0
    return head.number - int(intent.details["seen_head"]) in range(1, 2 + own)


def _stands(intent: Intent, head: Head) -> bool:
    """Return whether nobody but the restore itself moved the head since its intent was written."""
    seen, own = intent.details["seen_head"], intent.details["own_snapshot"]
    return head.number == seen or (own is not None and (head.number, head.snapshot_id) == (seen + 1, own))


def is_to_be_completed(ctx: Context, intent: Intent) -> bool:
    """Return whether an intent is that of an in-place restore into a worktree whose head has not moved since."""
    if intent.operation != RESTORE_INTENT or intent.worktree is None:
        return False
    try:
        record = ctx.worktree(intent.worktree)
    except JvsError:
        return False
    return record.worktree_id == intent.worktree_id and _stands(intent, record.head)


def require_none_of_another(ctx: Context, name: str) -> None:
    """Raise LockConflict where another user's in-place restore into worktree ``name`` was cut short."""
    for said in _of_another(ctx, name):
        raise LockConflict(
            said, hint="that user runs: jvs doctor --repair finish_restore; or: jvs doctor --repair set_aside"
        )


def warn_of_another(ctx: Context, name: str) -> None:
    """Log a warning where ``require_none_of_another`` would refuse: what lies there may be half of two versions."""
    for said in _of_another(ctx, name):
        _tell(said, [])


def _of_another(ctx: Context, name: str) -> list[str]:
    return [
        f"an in-place restore of worktree {name!r} by {intent.holder_id} (uid {intent.uid}) was cut short"
        for intent in journal.pending(ctx.layout)[0]
        if intent.worktree == name
        and not journal.is_own(intent)
        and is_to_be_completed(ctx, intent)
        and journal.state(intent, ctx.settings) is False
    ]


def clear_dead_snapshots(ctx: Context, record: Worktree) -> None:
    """Remove what dead snapshots of a worktree left before they were published; only the caller's own.

    They are claimed first: their intent is removed and what they made gets another name, in the critical section.
    """
    for intent in journal.pending(ctx.layout)[0]:
        if intent.operation != "snapshot" or intent.worktree_id != record.worktree_id:
            continue
        if not journal.is_own(intent) or journal.state(intent, ctx.settings) is not False:
            continue
        own = str(intent.snapshot_id)
        if os.path.lexists(ctx.layout.snapshot(own)):
            continue  # in place, and not in the log: doctor completes it
        temporary = ctx.layout.snapshots / f"{own}{files.TEMPORARY_SUFFIX}"
        claimed = temporary.with_name(f".{own}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
        with files.uninterrupted(), ctx.critical():
            if not journal.is_dead(ctx.layout, ctx.settings, intent):
                continue  # it gave a sign of life meanwhile
            journal.complete(ctx.layout, intent)
            files.unlink(ctx.layout.descriptors / f"{own}.json{files.TEMPORARY_SUFFIX}", missing_ok=True)
            if os.path.lexists(temporary):
                files.rename(temporary, claimed)
        ctx.removal_engine().remove(claimed)


def drop_copy(ctx: Context, intent: Intent) -> bool:
    """Remove what an interrupted restore of one path left under a temporary name, and its intent; say whether it did.

    It is claimed first, under another such name and an intent of the caller's own, in the critical section: whoever was
    still at work finds neither. Without the lock of the worktree, one that gave a sign of life meanwhile is left alone.
    """
    assert intent.worktree is not None
    top = ctx.layout.worktree(intent.worktree)
    left = inside(ctx.layout.root, top / os.fsdecode(bytes.fromhex(intent.details["temporary"])))
    claimed = left.with_name(f"{LEFTOVER_PREFIX}{secrets.token_hex(8)}")
    with files.uninterrupted(), ctx.critical():
        if intent.operation == NEW_PATH_INTENT and not journal.is_dead(ctx.layout, ctx.settings, intent):
            return False
        if not os.path.lexists(left):
            journal.complete(ctx.layout, intent)
            return True
        own = journal.begin(
            ctx.layout,
            ctx.settings,
            NEW_PATH_INTENT,
            worktree=intent.worktree,
            worktree_id=intent.worktree_id,
            temporary=os.fsencode(claimed.relative_to(top)).hex(),
        )
        journal.complete(ctx.layout, intent)
        files.rename(left, claimed)
    remove_leftover(claimed.parent, claimed.name)
    journal.complete(ctx.layout, own)
    return True


@dataclass(frozen=True)
class Completion:
    """An in-place restore of worktree ``name`` whose intent stands, carried out under ``lease``."""

    ctx: Context
    name: str
    lease: Lease
    intent: Intent
    progress: Progress

    def bring(self, wanted: Stored, way: Way | None = None) -> list[str]:
        """Make the worktree equal to ``wanted`` and return what there is to say, one line each.

        The ``way`` there is looked for unless it is given, and anew where edits overtook it.

        Raises
        ------
        ConsistencyUnavailable
            Files kept changing. The restore is completed by whoever holds the lock next.
        PayloadHashMismatch
            ``wanted`` is damaged; the worktree is as it was before.
        """
        try:
            return self._forward(wanted, way)
        except PayloadHashMismatch:
            said = self._forward(self.ctx.stored(self.intent.details["pre"]), None)
            journal.complete(self.ctx.layout, self.intent, durable=True)
            if said:
                _tell(f"took back the in-place restore of worktree {self.name!r} to a damaged snapshot", said)
            raise

    def commit(self) -> None:
        """Record that the worktree is what the intent wanted, and complete it."""
        ctx, details = self.ctx, self.intent.details
        with files.uninterrupted(), ctx.critical():
            locking.check(ctx, self.lease)
            journal.require(ctx.layout, self.intent)
            record = ctx.worktree(self.name)
            head = worktree.move(
                ctx.layout,
                self.name,
                record,
                operation=details["operation_name"],
                token=self.lease.token,
                snapshot_id=details["head"],
                undo=[UndoPoint.model_validate(point) for point in details["undo"]],
            )
            ctx.audit(
                details["operation_name"],
                worktree=self.name,
                worktree_id=record.worktree_id,
                snapshot_id=details["content"],
                fencing_token=self.lease.token,
                target=self.name,
                reason=details["reason"] or None,
                details={
                    "inplace": True,
                    "head_snapshot_id": details["head"],
                    "pre_restore_snapshot_id": details["pre"],
                    "head": head.to_json(),
                },
            )
            # Rolled forward once more after a power cut, it would take back what was done since.
            journal.complete(ctx.layout, self.intent, durable=True)

    def save_later_edits(self) -> list[str]:
        """Snapshot and pin what the worktree holds and neither the wanted nor the pre-restore snapshot does; say so."""
        ctx, details = self.ctx, self.intent.details
        known = {
            (entry.path, entry.kind, entry.target, entry.sha256)
            for snapshot_id in (details["content"], details["pre"])
            for entry in ctx.stored(snapshot_id).entries
        }
        present = look(ctx, self.name, self.progress)
        later = [
            entry
            for entry in present.scan.entries
            if entry.kind != FOLDER
            and (entry.path, entry.kind, entry.target, entry.sha256) not in known
            and not is_leftover(entry.path)
        ]
        if not later:
            return []
        note = f"edits made during an in-place restore of {details['content']}"
        own = catalog.new_id()
        with ctx.critical():
            number = ctx.worktree(self.name).head.number
            journal.revise(ctx.layout, self.intent, seen_head=number, own_snapshot=own)
        request = Request(note, (PRE_RESTORE_TAG,), "quiesced", snapshot_id=own)
        taken = publish(ctx, self.name, request, self.lease, self.progress, found=present.found)
        pin(ctx, taken.snapshot_id, note)
        paths = listed([entry.path for entry in later])
        return [f"edits made meanwhile are replaced, and kept in snapshot {taken.snapshot_id}: {paths}"]

    def _forward(self, wanted: Stored, way: Way | None) -> list[str]:
        ctx, root = self.ctx, self.ctx.layout.worktree(self.name)
        said: list[str] = []
        with files.watching(ctx.layout.snapshots) as sync:
            for _ in range(_ROUNDS):
                way = way or find(ctx, self.name, wanted, self.progress)
                with step(self.progress, "converge"), wanted.read():
                    applied = converge.apply(
                        root,
                        wanted.payload,
                        way.steps,
                        check=lambda: locking.check(ctx, self.lease),
                        progress=self.progress,
                    )
                if not applied.overtaken:
                    break
                said += self.save_later_edits()
                way = None
            else:
                raise ConsistencyUnavailable(
                    f"files kept changing while they were to be replaced: {listed(applied.overtaken)}",
                    hint="end what writes to them; the next command that holds the lock completes the restore",
                )
            with step(self.progress, "settle"):
                ctx.engine().settle(root)
                sync([])
        return [*way.given_up, *said, *applied.losses()]


def pin(ctx: Context, snapshot_id: str, reason: str) -> None:
    """Keep a snapshot from gc for as long as an undo is promised."""
    expires = clock.timestamp(clock.now_ms() + pins.UNDO_MS)
    with ctx.critical():
        pins.create(
            ctx.layout,
            snapshot_id,
            reason=reason,
            by=ctx.settings.holder_id,
            expires_at=expires,
            lineage=True,
        )


def _tell(what: str, said: Sequence[str]) -> None:
    logging.getLogger("jvs").warning("%s", "; ".join([what, *said]))
