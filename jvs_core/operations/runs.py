"""Recording runs of notebooks and commands: begun, ended, given up for lost; an audit record for each change."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from jvs_core import clock
from jvs_core.control import catalog, process
from jvs_core.control.lock import lock
from jvs_core.control.lock.lease import Lease, state_of
from jvs_core.control.names import check_run_name
from jvs_core.control.records import environments, live_runs, runs
from jvs_core.errors import (
    AlreadyExists,
    Conflict,
    DescriptorCorrupt,
    FencingMismatch,
    LockConflict,
    SnapshotExpired,
    SnapshotNotFound,
)
from jvs_core.model import Run, RunOutcome, RunOwner, Verdict
from jvs_core.operations import locking, refs
from jvs_core.operations.context import Context

LOST = "its process ended without recording an outcome, and its lease expired"


def start(
    ctx: Context, name: str, lease: Lease, *, lock_kept: bool, within: Collection[int], **fields: Any
) -> Run:
    """Record that a run begins in worktree ``name`` under ``lease``, durable, and return its record.

    Raises LockConflict when another run uses the same lock at this moment, unless its process is one of ``within``.
    """
    run_id = runs.new_id()
    with ctx.critical():
        for other in beside(ctx, name, within):
            if is_running(ctx, other):
                raise conflict(other)
        point = fields.get("point")
        run = Run(
            run_id=run_id,
            worktree=name,
            outcome="started",
            error=None,
            after_snapshot_id=None,
            host=ctx.settings.host,
            attempt=1 if point is None else runs.begin_attempt(ctx.layout, point, run_id),
            started_at=clock.timestamp(),
            finished_at=None,
            duration_s=None,
            metrics={},
            owner=_owner(ctx, lease, lock_kept=lock_kept),
            **fields,
        )
        with runs.written(ctx.layout, run) as digest:
            _audit(ctx, "run_start", run, digest, snapshot_id=run.before_snapshot_id)
    return run


def finish(
    ctx: Context,
    run_id: str,
    outcome: RunOutcome,
    *,
    error: str | None,
    after_snapshot_id: str | None,
    duration_s: float,
    metrics: dict[str, Any],
    **more: Any,
) -> Run:
    """Record how a run ended, durable, and return its record.

    Of several attempts at one point of a sweep the first that is ``ok`` gives the result; a later one is recorded as
    ``lost``.

    Raises
    ------
    FencingMismatch
        The run was given up for lost meanwhile: it has ended already.
    """
    with ctx.critical():
        run = runs.read(ctx.layout, run_id)
        if run.outcome != "started":
            raise FencingMismatch(f"run {run_id} was already recorded as {run.outcome} at {run.finished_at}")
        if outcome == "ok" and run.point is not None and not runs.win(ctx.layout, run.point, run_id):
            first = runs.winner(ctx.layout, run.point)
            outcome, error = "lost", f"another attempt at the same point was first: {first}"
        return _close(
            ctx,
            run,
            outcome=outcome,
            error=error,
            after_snapshot_id=after_snapshot_id,
            duration_s=round(duration_s, 3),
            metrics=metrics,
            **more,
        )


def judge(ctx: Context, run_id: str, verdict: Verdict, paths: Iterable[str]) -> Run:
    """Record what a reproduction showed, durable. Raises RunNotFound, Conflict (it was judged before)."""
    with ctx.critical():
        run = runs.read(ctx.layout, run_id)
        if run.verdict is not None:
            raise Conflict(f"run {run_id} already has a verdict: {run.verdict}")
        judged = run.changed(verdict=verdict, paths=tuple(paths))
        with runs.written(ctx.layout, judged) as digest:
            _audit(ctx, "run_finish", judged, digest, snapshot_id=judged.after_snapshot_id, verdict=verdict)
    return judged


def annotate(ctx: Context, run_id: str, *, name: str | None, note: str | None) -> Run:
    """Give a run a name and a note, durable; an empty name takes it away, None leaves things as they are.

    Raises RunNotFound, NameInvalid, InputError (the note), AlreadyExists (another run has the name).
    """
    if note is not None:
        refs.check_text(note, "note")
    if name:
        name = check_run_name(name)
    with ctx.critical():
        run = runs.read(ctx.layout, run_id)
        if name:
            holders = [other.run_id for other in runs.read_all(ctx.layout)[0] if other.name == name]
            if holders and holders != [run_id]:
                raise AlreadyExists(
                    f"run {holders[0]} already has the name {name!r}", hint="choose another name"
                )
        fields: dict[str, Any] = {} if name is None else {"name": name or None}
        changed = run.changed(**fields, **({} if note is None else {"note": note}))
        with runs.written(ctx.layout, changed) as digest:
            _audit(ctx, "run_annotate", changed, digest, snapshot_id=changed.after_snapshot_id)
    return changed


def remove(ctx: Context, run_id: str) -> Run:
    """Remove a run's record, durable, and return what it was; its snapshots stay. Raises RunNotFound, LockConflict."""
    with ctx.critical():
        run = _as_it_is(ctx, runs.read(ctx.layout, run_id))
        if run.outcome == "started":
            raise conflict(run)
        ctx.audit(
            "run_remove",
            worktree=run.worktree,
            worktree_id=run.owner.worktree_id,
            snapshot_id=run.after_snapshot_id,
            target=run.run_id,
            details=_what(run),
        )
        runs.remove(ctx.layout, run_id)
        live_runs.forget(ctx.layout, run_id)
    return run


def sweep_lost(ctx: Context) -> list[Run]:
    """Record as ``lost`` every run whose process is gone and whose lease ended, durable, and return them."""
    swept: list[Run] = []
    live_runs.forget_ended(ctx.layout, lambda: [run.run_id for run in runs.read_started(ctx.layout)])
    for run in runs.read_started(ctx.layout):
        if is_lost(ctx, run):
            with ctx.critical():
                current = runs.read(ctx.layout, run.run_id)
                if is_lost(ctx, current):
                    swept.append(_close(ctx, current, outcome="lost", error=LOST))
    return swept


def listing(
    ctx: Context, unreadable: list[str] | None = None, *, skip: int = 0, limit: int | None = None
) -> list[Run]:
    """Return every run, newest first, or ``limit`` of them after ``skip``; a lost one as ``lost``, recorded as that or not.

    Changes nothing, and reads only what it returns. What is wrong with records that cannot be read goes to
    ``unreadable``; where that is not given, DescriptorCorrupt is raised for the first.
    """
    wanted = None
    if skip or limit is not None:
        wanted = runs.ids(ctx.layout)[::-1][skip : None if limit is None else skip + limit][::-1]
    found, damaged = runs.read_all(ctx.layout, wanted)
    if damaged and unreadable is None:
        raise DescriptorCorrupt(f"the record of run {damaged[0]} is damaged", hint="jvs doctor")
    if unreadable is not None:
        unreadable += [f"the record of run {run_id} is damaged" for run_id in damaged]
    return [_as_it_is(ctx, run) for run in reversed(found)]


def ids(ctx: Context) -> list[str]:
    """Return the ids of all runs, newest first."""
    return runs.ids(ctx.layout)[::-1]


def get(ctx: Context, text: str) -> Run:
    """Return the run that ``text`` names, as ``listing`` does. Raises RunNotFound, InputError."""
    return _as_it_is(ctx, runs.read(ctx.layout, runs.resolve(ctx.layout, text)))


def is_lost(ctx: Context, run: Run) -> bool:
    """Return whether a run that is recorded as started will never record its end.

    Its process is gone, and so is its lease; a lock that was the session's before the run outlives it. A process on
    another host cannot be seen: there the lease decides.
    """
    if run.outcome != "started" or (runs_on := process.is_running(run.owner, ctx.settings)):
        return False
    return (run.owner.lock_kept and runs_on is False) or not _holds_lease(ctx, run.owner)


def beside(ctx: Context, name: str, within: Collection[int]) -> list[Run]:
    """Return the runs under way that use the lock of worktree ``name`` as it is held now.

    A run whose process is one of ``within`` is left out: it started the caller.
    """
    record = locking.current(ctx, ctx.worktree(name))
    if record is None:
        return []
    lease = (record.worktree_id, record.fencing_token)
    return [
        run
        for run in runs.read_started(ctx.layout)
        if (run.owner.worktree_id, run.owner.fencing_token) == lease
        and not (run.owner.pid in within and run.owner.host == ctx.settings.host)
    ]


def gone(ctx: Context, run: Run) -> dict[str, str]:
    """Return, by ``before`` and ``after``, what happened to those snapshots of a run that are no longer there.

    A record protects nothing from gc: it outlives its snapshots.
    """
    found = {}
    for when, snapshot_id in (("before", run.before_snapshot_id), ("after", run.after_snapshot_id)):
        try:
            if snapshot_id is not None:
                catalog.require_kept(ctx.layout, snapshot_id)
        except SnapshotExpired:
            found[when] = f"the {when}-snapshot {snapshot_id} of run {run.run_id} was removed by gc"
        except SnapshotNotFound:
            found[when] = f"the {when}-snapshot {snapshot_id} of run {run.run_id} is missing"
    return found


def require_kept(ctx: Context, run: Run) -> None:
    """Raise SnapshotExpired when gc removed a snapshot of a run, SnapshotNotFound when one is missing."""
    for message in gone(ctx, run).values():
        if message.endswith("missing"):
            raise SnapshotNotFound(message, hint="jvs doctor")
        raise SnapshotExpired(message, hint="keep the snapshots of a run with: jvs ref create NAME SNAPSHOT")


def keep_environment(ctx: Context, lines: Iterable[str]) -> str:
    """Keep what is installed where runs are made, durable; return the digest of its lines ``name==version``."""
    return environments.keep(ctx.layout, lines)


def environment(ctx: Context, run: Run) -> dict[str, str] | None:
    """Return what was installed where a run was made, versions by name; None where that is not known."""
    lines = environments.read(ctx.layout, run.environment_digest)
    return (
        None
        if lines is None
        else {name: version for name, _, version in (line.partition("==") for line in lines)}
    )


def make_way(ctx: Context, name: str, within: Collection[int]) -> None:
    """Give back a lock that a dead run of this session left on a worktree. Raises LockConflict for a live one."""
    for run in beside(ctx, name, within):
        if is_running(ctx, run):
            raise conflict(run)
        if not run.owner.lock_kept:
            locking.release(ctx, name)
            return


def is_running(ctx: Context, run: Run) -> bool:
    """Return whether the process of a run runs, as far as can be seen: on another host it may."""
    return run.outcome == "started" and process.is_running(run.owner, ctx.settings) is not False


def conflict(run: Run) -> LockConflict:
    """Return the error for a run that is under way in the same worktree."""
    return LockConflict(
        f"run {run.run_id} of {run.subject} is running in worktree {run.worktree!r} "
        f"(process {run.owner.pid} on {run.owner.host}, since {run.started_at})",
        hint="wait for it, or run at the same time with: jvs run exec --isolate",
    )


def _as_it_is(ctx: Context, run: Run) -> Run:
    return run.model_copy(update={"outcome": "lost", "error": LOST}) if is_lost(ctx, run) else run


def _close(ctx: Context, run: Run, **fields: Any) -> Run:
    ended = run.changed(finished_at=clock.timestamp(), **fields)
    with runs.written(ctx.layout, ended) as digest:
        _audit(ctx, "run_finish", ended, digest, snapshot_id=ended.after_snapshot_id, outcome=ended.outcome)
    live_runs.forget(ctx.layout, run.run_id)
    return ended


def _audit(
    ctx: Context, operation: str, run: Run, digest: str, *, snapshot_id: str | None, **details: str
) -> None:
    ctx.audit(
        operation,
        worktree=run.worktree,
        worktree_id=run.owner.worktree_id,
        snapshot_id=snapshot_id,
        fencing_token=run.owner.fencing_token,
        target=run.run_id,
        details={**_what(run), "record_sha256": digest, **details},
    )


def _what(run: Run) -> dict[str, str]:
    """Return what the log says was run. Of a command only its first word: the others may hold secrets, and the log stays."""
    return {"notebook": run.notebook or ""} if run.command is None else {"command": run.command[0]}


def _owner(ctx: Context, lease: Lease, *, lock_kept: bool) -> RunOwner:
    return RunOwner(
        worktree_id=lease.record.worktree_id,
        fencing_token=lease.token,
        lock_kept=lock_kept,
        holder_id=ctx.settings.holder_id,
        **process.own(ctx.settings),
    )


def _holds_lease(ctx: Context, owner: RunOwner) -> bool:
    try:
        record = lock.current(ctx.layout, owner.worktree_id)
    except (DescriptorCorrupt, FileNotFoundError):
        return False
    return record is not None and record.fencing_token == owner.fencing_token and state_of(record) == "held"
