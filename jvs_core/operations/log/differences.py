"""Heads, labels and run records that differ from the audit log, and restoring them from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from jvs_core import files, regular, syncing
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import heads, quarantine, runs, worktree
from jvs_core.errors import DescriptorCorrupt, JvsError, WorktreeNotFound
from jvs_core.model import Head, Worktree
from jvs_core.operations import findings, locking
from jvs_core.operations.at_rest import own_intents
from jvs_core.operations.context import Context
from jvs_core.operations.findings import Loss

_MAKING = ("snapshot", "restore_inplace", "restore_path", "worktree_create", "restore")


def differing(ctx: Context, ledger: Ledger) -> Iterator[Loss]:
    """Yield heads and labels that differ from the log, except where an operation of the caller's is still to be completed."""
    layout = ctx.layout
    moving = {intent.worktree_id for intent in own_intents(ctx) if intent.operation in _MAKING}
    for worktree_id, name in ledger.worktrees.items():
        with suppress(JvsError):  # what is lost or unreadable is found elsewhere
            record = worktree.get(layout, name)
            if record.worktree_id != worktree_id:
                continue
            logged = ledger.heads.get(worktree_id)
            if logged is not None and not _is(record.head, logged):
                if worktree_id in moving and _follows(record.head, logged):
                    continue
                yield Loss(findings.HEAD_FOREIGN, name, _say(name, record.head, logged))
            labels = ledger.labels.get(worktree_id, {})
            if (record.labels, record.config.base_snapshot_id) != (labels, record.base_snapshot_id):
                yield Loss(
                    findings.LABELS_FOREIGN,
                    name,
                    f"the labels or the base of worktree {name!r} differ from the log",
                )


def forged_runs(layout: Layout, ledger: Ledger) -> Iterator[Loss]:
    """Yield every run record that is missing, not the one that the log has, removed yet there, or in no log."""
    there = set(runs.ids(layout))
    for run_id, digest in ledger.runs.items():
        if run_id not in there:
            if not runs.is_draft(layout, run_id, digest):
                yield Loss(
                    findings.RUN_FOREIGN,
                    run_id,
                    f"the record of run {run_id}, which is in the log, is missing",
                )
            else:
                yield Loss(
                    findings.RUN_UNNAMED, run_id, f"the record of run {run_id} still has a temporary name"
                )
            continue
        with suppress(JvsError, OSError):
            data = regular.read_regular(runs.RUNS.place(layout, run_id))
            if runs.digest(data) == digest:
                continue
            if runs.is_draft(layout, run_id, digest):
                yield Loss(
                    findings.RUN_UNNAMED, run_id, f"the record of run {run_id} still has a temporary name"
                )
            else:
                yield Loss(findings.RUN_FOREIGN, run_id, f"the record of run {run_id} differs from the log")
    for run_id in sorted(there - ledger.runs.keys()):
        if run_id in ledger.removed_runs:
            yield Loss(
                findings.RUN_REMAINS,
                run_id,
                f"the record of run {run_id} still exists, but the log says that the run was removed",
            )
            continue
        yield Loss(findings.RUN_FOREIGN, run_id, f"the record of run {run_id} is not in the log")


def put_back(ctx: Context) -> list[str]:
    """Give every worktree whose head or labels are not the log's those of the log, and say which.

    Heads get a new number; each is locked meanwhile. Raises LockConflict when somebody holds a lock.
    """
    done = list(_readable(ctx))
    for loss in list(differing(ctx, ledgers.read(ctx.layout))):
        name = loss.target
        with (
            locking.writing(ctx, name, locking.Locking(take=True), purpose="repair") as lease,
            ctx.critical(),
        ):
            ledger = ledgers.read(ctx.layout)
            if loss not in differing(ctx, ledger):
                continue
            record = ctx.worktree(name)
            if loss.kind is findings.LABELS_FOREIGN:
                worktree.relabel(ctx.layout, name, record, ledger.labels.get(record.worktree_id, {}))
            else:
                logged = Head.model_validate(ledger.heads[record.worktree_id])
                _put_head(ctx, name, record, logged, lease.token)
        done.append(f"{name} as the log has it")
    return done


def _readable(ctx: Context) -> Iterator[str]:
    """Move heads that cannot be read to ``.jvs/aside``; where none is left, write the one that the log has."""
    with ctx.critical():
        for worktree_id, logged in ledgers.read(ctx.layout).heads.items():
            name = ledgers.read(ctx.layout).worktrees.get(worktree_id)
            if name is None:
                continue
            with suppress(WorktreeNotFound, DescriptorCorrupt):
                if worktree.get_config(ctx.layout, name).worktree_id == worktree_id:
                    head = Head.model_validate(logged)
                    yield from _set_unreadable_aside(ctx, name, head)


def _set_unreadable_aside(ctx: Context, name: str, logged: Head) -> Iterator[str]:
    while there := heads.numbers(ctx.layout, name):
        try:
            heads.read(ctx.layout, name, logged.worktree_id)
            return
        except DescriptorCorrupt:
            place = ctx.layout.heads(name) / str(there[-1])
            quarantine.put(ctx.layout, place, f"head-{name}-{there[-1]}")
            yield f"head {there[-1]} of {name} set aside"
    heads.put_back(ctx.layout, name, logged)
    yield f"head {logged.number} of {name} as the log has it"


def finish_runs(layout: Layout, ledger: Ledger) -> Iterator[str]:
    """Complete what a crash left of a change of run records: give them the name that the log knows, remove what it removed."""
    for loss in list(forged_runs(layout, ledger)):
        if loss.kind is findings.RUN_UNNAMED:
            place = runs.RUNS.place(layout, loss.target)
            files.rename(runs.draft_of(layout, loss.target), place)
            syncing.sync_folder(place.parent)
            yield f"run {loss.target}"
        elif loss.kind is findings.RUN_REMAINS:
            runs.RUNS.remove(layout, loss.target, missing_ok=True)
            yield f"run {loss.target} removed"


def _put_head(ctx: Context, name: str, record: Worktree, logged: Head, token: int) -> None:
    number = max(record.head.number, logged.number)
    if number >= heads.LAST:
        number = logged.number
        heads.withdraw(ctx.layout, name, above=number)
    seen = Worktree(record.config, record.head.changed(number=number))
    head = worktree.move(
        ctx.layout,
        name,
        seen,
        operation="repair",
        token=token,
        snapshot_id=logged.snapshot_id,
        undo=logged.undo,
        redo=logged.redo,
    )
    ctx.audit(
        "repair",
        worktree=name,
        worktree_id=record.worktree_id,
        snapshot_id=head.snapshot_id,
        fencing_token=token,
        target=name,
        details={"head": head.to_json(), "instead_of": record.head.to_json()},
    )


def _is(head: Head, logged: Mapping[str, object]) -> bool:
    try:
        return Head.model_validate(logged) == head
    except ValueError:  # pydantic's error is one
        return False


def _follows(head: Head, logged: Mapping[str, object]) -> bool:
    return head.number == int(str(logged.get("number"))) + 1


def _say(name: str, head: Head, logged: Mapping[str, object]) -> str:
    if head.snapshot_id == logged.get("snapshot_id"):
        return f"head {head.number} of worktree {name!r} differs from the log"
    return (
        f"the head of worktree {name!r} is {head.snapshot_id or 'no snapshot'}, "
        f"but the log says {logged.get('snapshot_id') or 'no snapshot'}"
    )
