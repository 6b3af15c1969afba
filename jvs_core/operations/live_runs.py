"""Runs under way: how far they came, and having one stop."""

from __future__ import annotations

import os
from typing import Any

from jvs_core import clock
from jvs_core.control import process
from jvs_core.control.records import live_runs
from jvs_core.control.records import runs as records
from jvs_core.errors import FencingMismatch, LockConflict
from jvs_core.model import Run, RunProgress
from jvs_core.operations import runs
from jvs_core.operations.context import Context
from jvs_core.results import SeenRun


def tell(ctx: Context, run_id: str, *, cell: int | None, cells: int | None, metrics: dict[str, Any]) -> None:
    """Say how far a run came, for those who look on; not durable, in no log."""
    live_runs.write(
        ctx.layout,
        RunProgress(run_id=run_id, cell=cell, cells=cells, metrics=metrics, updated_at=clock.timestamp()),
    )


def seen(ctx: Context, run: Run) -> SeenRun:
    """Return a run with whether it is under way, as far as can be seen, and how far it came."""
    live = runs.is_running(ctx, run)
    progress = live_runs.read(ctx.layout, run.run_id) if run.outcome == "started" else None
    return SeenRun.model_construct(**dict(run), live=live, progress=progress)


def cancel(ctx: Context, text: str) -> Run:
    """Ask the process of a run to stop it, as by Ctrl-C, and return the run as it is.

    The process looks once a second and stops by itself: no signal is sent to a process that a record names.

    Raises RunNotFound, FencingMismatch (it has ended), LockConflict (nobody would hear: its process is gone, or is another
    user's).
    """
    run = runs.get(ctx, text)
    if run.outcome != "started":
        raise FencingMismatch(
            f"run {run.run_id} has already ended: it is {run.outcome}", hint=f"jvs run show {run.run_id}"
        )
    where = f"process {run.owner.pid} on {run.owner.host}"
    runs_on = process.is_running(run.owner, ctx.settings)
    if runs_on is False:
        raise LockConflict(
            f"run {run.run_id} cannot be cancelled: {where} no longer runs",
            hint="wait half a minute: JVS records it as lost when its lease expires",
        )
    uid = process.user_of(run.owner.pid) if runs_on else records.user_of(ctx.layout, run.run_id)
    if os.geteuid() not in (uid, 0):
        raise LockConflict(
            f"run {run.run_id} cannot be cancelled: {where} belongs to another user",
            hint="ask the person who started it",
        )
    live_runs.ask_to_stop(ctx.layout, run.run_id)
    return run


def is_cancelled(ctx: Context, run_id: str) -> bool:
    """Return whether the caller's user, or root, asked that a run stop."""
    return live_runs.is_to_stop(ctx.layout, run_id)


def mark(ctx: Context) -> tuple[int, ...]:
    """Return what changes when a run under way comes further."""
    return live_runs.mark(ctx.layout)
