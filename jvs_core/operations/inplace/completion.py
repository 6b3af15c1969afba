"""Carrying out an in-place restore as its intent says: at once, or after a crash.

A file that is edited meanwhile is never replaced before a snapshot holds the edit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from jvs_core import clock, syncing
from jvs_core.control import catalog
from jvs_core.control.lock.lease import Lease
from jvs_core.control.records import journal, pins, worktree
from jvs_core.errors import ConsistencyUnavailable, JvsError, PayloadHashMismatch
from jvs_core.faults import storage_error
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Intent, UndoPoint
from jvs_core.operations import locking
from jvs_core.operations.context import Context, step
from jvs_core.operations.inplace.plan import Way, find, look
from jvs_core.operations.inplace.unfinished import how_far
from jvs_core.operations.publication import Request
from jvs_core.operations.publish import publish
from jvs_core.operations.stored import Stored
from jvs_core.payload.copy.single import is_leftover
from jvs_core.payload.inplace import converge
from jvs_core.payload.tree.entry import FOLDER
from jvs_core.payload.tree.faults import listed
from jvs_core.progress import Progress
from jvs_core.wording import counted

PRE_RESTORE_TAG = "pre-restore"
_ROUNDS = 4


@dataclass(frozen=True)
class Completion:
    """An in-place restore of worktree ``name`` whose intent is written, carried out under ``lease``."""

    ctx: Context
    name: str
    lease: Lease
    intent: Intent
    progress: Progress

    def bring(self, wanted: Stored, way: Way | None = None) -> list[str]:
        """Make the worktree equal to ``wanted`` and return notes for the user, one line each.

        It is planned unless the plan is given as ``way``, and planned again where files were edited meanwhile.

        Raises
        ------
        ConsistencyUnavailable
            Files kept changing. The restore is completed by whoever holds the lock next.
        PayloadHashMismatch, StorageError
            ``wanted`` is damaged, or the file system refused. The worktree is put back as it was before; where
            that fails too, the message says how far the restore came, and it stays unfinished.
        """
        try:
            return self._forward(wanted, way)
        except converge.FAILURES as error:
            raise self._taken_back(error) from error

    def commit(self) -> None:
        """Record that the worktree is as the intent wanted, and remove the intent."""
        ctx, details = self.ctx, self.intent.details
        with uninterrupted(), ctx.critical():
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
                redo=[UndoPoint.model_validate(point) for point in details["redo"]],
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
            # Carried out once more after a power cut, the restore would undo what was done since.
            journal.complete(ctx.layout, self.intent, durable=True)

    def save_later_edits(self) -> list[str]:
        """Snapshot and pin edits that neither the wanted nor the pre-restore snapshot holds; return a note on them."""
        ctx, details = self.ctx, self.intent.details
        kept = [*ctx.stored(details["content"]).entries, *ctx.stored(details["pre"]).entries]
        known = {(entry.path, entry.kind, entry.target, entry.sha256) for entry in kept}
        # A file that a restore took out has a temporary name until the restore ends: it may be a save from just before.
        contents = {(entry.kind, entry.target, entry.sha256) for entry in kept}
        present = look(ctx, self.name, self.progress)
        later = [
            entry
            for entry in present.scan.entries
            if entry.kind != FOLDER
            and (entry.path, entry.kind, entry.target, entry.sha256) not in known
            and not (is_leftover(entry.path) and (entry.kind, entry.target, entry.sha256) in contents)
        ]
        if not later:
            return []
        note = f"edits made during an in-place restore of {details['content']}"
        own = catalog.new_id()
        with ctx.critical():
            number = ctx.worktree(self.name).head.number
            journal.revise(ctx.layout, self.intent, seen_head=number, own_snapshot=own)
        request = Request(note, (PRE_RESTORE_TAG,), "quiesced", "restore", snapshot_id=own)
        taken = publish(ctx, self.name, request, self.lease, self.progress, found=present.found)
        pin(ctx, taken.snapshot_id, note)
        paths = listed([entry.path for entry in later])
        return [
            f"the restore replaced edits made in the meantime; they are kept in snapshot {taken.snapshot_id}: {paths}"
        ]

    def _taken_back(self, failure: Exception) -> JvsError:
        """Put the worktree back as it was before, and return the error, which says whether that succeeded."""
        error = failure if isinstance(failure, JvsError) else storage_error(cast(OSError, failure))
        try:
            said = self.save_later_edits()
            said += self._forward(self.ctx.stored(self.intent.details["pre"]), None)
        except converge.FAILURES as second:
            return self._left_half_done(error, second)
        journal.complete(self.ctx.layout, self.intent, durable=True)
        if said:
            tell(f"took back the in-place restore of worktree {self.name!r}", said)
        if isinstance(error, PayloadHashMismatch):
            return error
        return type(error)(
            f"{error.message}; JVS took back the in-place restore: worktree {self.name!r} is as it was before",
            hint=error.hint,
            **error.facts,
        )

    def _left_half_done(self, error: JvsError, second: Exception) -> JvsError:
        reached = ""
        with suppress(JvsError, OSError):
            restored, total = how_far(
                self.ctx, self.intent, look(self.ctx, self.name, self.progress).scan.entries
            )
            reached = f"{restored:,} of {counted(total, 'path')} restored, and "
        todo = (second.hint if isinstance(second, JvsError) else None) or error.hint or "mend that"
        return type(error)(
            f"{error.message}; {reached}JVS could not take back the restore: {second}",
            hint=f"{todo}; then complete the restore: jvs doctor --repair finish_restore (and go back with: jvs undo)",
            **error.facts,
        )

    def _forward(self, wanted: Stored, way: Way | None) -> list[str]:
        ctx, root = self.ctx, self.ctx.layout.worktree(self.name)
        said: list[str] = []
        with syncing.watching(ctx.layout.snapshots) as sync:
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
                    f"files kept changing while JVS tried to replace them: {listed(applied.overtaken)}",
                    hint="stop the program that writes to them; the next command that takes the lock completes the restore",
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


def tell(what: str, said: Sequence[str]) -> None:
    """Log a warning."""
    logging.getLogger("jvs").warning("%s", "; ".join([what, *said]))
