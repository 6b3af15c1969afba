"""Running a notebook or a command at every point of a grid, each in a worktree of its own, from one snapshot."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jvs_core import InputError, JvsError, Repository, Run
from jvs_jupyter.runs import grid as grids
from jvs_jupyter.runs import kinds, pool
from jvs_jupyter.runs.command import CommandSpec
from jvs_jupyter.runs.endings import Cancelled
from jvs_jupyter.runs.isolate import base_snapshot
from jvs_jupyter.runs.kinds import Subject
from jvs_jupyter.runs.place import within
from jvs_jupyter.runs.points import Point, earlier_base, results, tidy
from jvs_jupyter.runs.spec import Keep, Spec
from jvs_jupyter.runs.table import Sweep
from jvs_jupyter.runs.values import decoded_all, encoded_all

_TRIES = 3


@dataclass(frozen=True)
class _Plan:
    """What every point has in common."""

    repository: Repository
    here: Path
    base: str
    outputs: Path | None
    common: Spec


def sweep(
    what: Subject,
    grid: Mapping[str, Iterable[Any]],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    outputs: str | os.PathLike[str] | None = None,
    keep: Keep = "failed",
    resume: bool = True,
    ignore: Iterable[str | os.PathLike[str]] = (),
    on_point: Callable[[Point], None] | None = None,
    **options: Any,
) -> Sweep:
    """Run ``what`` at every point of ``grid`` and return the points in the grid's order.

    ``what`` is a notebook's path, or the words of a command, in which ``{name}`` stands for the parameter of that name.
    Every point runs in a worktree of its own, made from one snapshot. A point that has an ``ok`` run of the same work
    from the same files and parameters is not run again, unless ``resume`` is false: after an interruption call again.

    Parameters
    ----------
    executor
        Any ``concurrent.futures.Executor``; dask's is ``client.get_executor(pure=False, retries=0)``. Its workers need
        the repository under the same path. By default ``jobs`` threads of this process (one a processor).
    parameters
        Parameters that are the same at every point.
    outputs
        A folder for the output notebooks of the points that are ``ok``; of a command's, for the files they made.
    keep
        Which worktrees stay: those of ``failed`` points, ``all`` or ``none``.
    ignore
        Files and folders in the worktree that may change without making the points new, as ``outputs`` may.
    on_point
        Called with each point as it ends.
    options
        ``from_``, ``repo``, ``worktree``, ``cwd``, ``wait_s``, for notebooks ``kernel`` and ``execution_timeout``, for
        commands ``metrics``, as for ``run``.

    Raises JvsError before anything was run; what goes wrong at a point stands in its row.
    """
    wanted = grids.points(grid)
    fixed = decoded_all(encoded_all(dict(parameters or {})))
    both = sorted(set(fixed) & set(wanted[0]))
    if both:
        raise InputError(f"{both[0]!r} is both a parameter of the grid and a fixed one")
    own = {"quiet": True} if not isinstance(what, str | os.PathLike) else {}
    common = kinds.parse(
        {**kinds.subject(what), **own, "isolate": True, "keep": keep, "deliver": False, **options}
    )
    plan = _plan(common, outputs, ignore, resume=resume)
    nonce = "" if resume else secrets.token_hex(8)
    identity = plan.common.identity(plan.here)
    points = [
        Point(parameters=p, digest=grids.digest(plan.base, identity, {**fixed, **p}, nonce)) for p in wanted
    ]
    found = results(plan.repository, points)
    with ExitStack() as stack:
        workers = executor or stack.enter_context(_threads(jobs))
        ended = _run_all(plan, points, found, fixed, workers, on_point)
    tidy(plan.repository, ended, keep)
    return Sweep(_shown(plan), plan.base, tuple(ended))


def _plan(common: Spec, outputs: Any, ignore: Iterable[Any], *, resume: bool) -> _Plan:
    repository = Repository.open(common.repo or common.cwd or ".")
    worktree = common.worktree or repository.worktree
    here = repository.worktrees.path(worktree)
    settled = common.settled(here, worktree)
    target = None if outputs is None else Path(os.path.abspath(os.fspath(outputs)))
    base = base_snapshot(common, repository, worktree)
    if resume:
        delivered = [*ignore, *([] if target is None else [target])]
        names = [name for path in delivered if (name := within(here, os.fspath(path))) is not None]
        base = earlier_base(repository, lambda run: settled.repeats(run, here), base, names) or base
    spec = settled.model_copy(update={"repo": str(repository.root), "worktree": worktree, "from_": base})
    return _Plan(repository, here, base, target, spec)


def _shown(plan: _Plan) -> dict[str, Any]:
    """Return what was swept, as the answer names it."""
    if isinstance(plan.common, CommandSpec):
        return {"command": list(plan.common.command)}
    return {"notebook": plan.common.identity(plan.here)}


def _run_all(
    plan: _Plan,
    points: list[Point],
    found: dict[str, Run],
    fixed: dict[str, Any],
    workers: Executor,
    on_point: Callable[[Point], None] | None,
) -> list[Point]:
    """Run the points without a result, each until it has one or failed by itself; a lost worker is not its fault."""
    ended: dict[str, Point] = {}

    def end(point: Point) -> None:
        if plan.outputs is not None and point.run is not None and point.run.outcome == "ok":
            target = plan.common.result(plan.outputs, grids.label(point.parameters))
            lost = plan.repository.runs.gone(point.run).get("after")
            if lost is None:
                plan.common.hand_over(plan.repository, point.run, target)
            elif not target.exists():
                point = point.failed(f"nothing to deliver: {lost}; --again runs the point again")
        ended[point.digest] = point
        if on_point is not None:
            on_point(point)

    for point in points:
        if point.digest in found:
            end(point.with_run(found[point.digest], skipped=True))
    for attempt in range(_TRIES):
        open_points = [point for point in points if point.digest not in ended]
        if not open_points:
            break
        last = attempt == _TRIES - 1
        for point, future in _submitted(plan, open_points, fixed, workers):
            outcome = _ended(plan, point, future, last=last)
            if outcome is not None:
                end(outcome)
    return [ended[point.digest] for point in points]


def _submitted(
    plan: _Plan, points: list[Point], fixed: dict[str, Any], workers: Executor
) -> Iterator[tuple[Point, Future[dict[str, Any]]]]:
    """Yield the points as they end. Leaving early cancels what has not begun."""
    futures: dict[Future[dict[str, Any]], Point] = {}
    try:
        for point in points:
            spec = plan.common.model_copy(
                update={"parameters": {**fixed, **point.parameters}, "point": point.digest}
            )
            futures[workers.submit(run_point, spec.to_json())] = point
        for future in as_completed(futures):
            yield futures[future], future
    finally:
        for future in futures:
            future.cancel()


def run_point(spec: dict[str, Any]) -> dict[str, Any]:
    """Run one point, JSON in and JSON out, in whatever process or on whatever host this is called."""
    pool.refuse_after_stop()
    with pool.event_loop_of_thread():
        finished = kinds.execute(kinds.parse(spec))
    if isinstance(finished.failure, KeyboardInterrupt | SystemExit) and not isinstance(
        finished.failure, Cancelled
    ):
        pool.stop()
    return {"run_id": finished.run.run_id}


def _ended(plan: _Plan, point: Point, future: Future[dict[str, Any]], *, last: bool) -> Point | None:
    """Return the point with what became of it; None when it is to be run again: its worker was lost."""
    try:
        run = plan.repository.runs.get(future.result()["run_id"])
    except JvsError as error:
        return point.failed(f"{error.code}: {error.message}")
    except Exception as error:  # noqa: BLE001 - whatever a pool says of a worker it lost; the third time it is told
        winner = results(plan.repository, [point]).get(point.digest)
        if winner is not None:
            return point.with_run(winner)
        return point.failed(f"{type(error).__name__}: {error}") if last else None
    if run.outcome == "lost":  # another attempt at the point was first
        run = results(plan.repository, [point]).get(point.digest, run)
    return point.with_run(run)


@contextmanager
def _threads(jobs: int | None) -> Iterator[Executor]:
    with pool.threads(jobs) as workers:
        yield workers
