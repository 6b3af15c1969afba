"""The points of a sweep: what became of each, which have a result already, what their attempts left behind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from jvs_core import JvsError, Repository, Run
from jvs_jupyter.runs.spec import Keep
from jvs_jupyter.runs.values import encoded_all

_COMPARED = 8


@dataclass(frozen=True)
class Point:
    """One point of a grid. ``run`` is its record, None when it could not be run: then ``error`` says why.

    ``skipped`` says that the result was there before.
    """

    parameters: dict[str, Any]
    digest: str
    run: Run | None = None
    error: str | None = None
    skipped: bool = False

    @property
    def outcome(self) -> str:
        """The outcome of the run; ``not_run`` where there is none."""
        return "not_run" if self.run is None else self.run.outcome

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the run; none where there is none."""
        return self.run.metrics if self.run else {}

    @property
    def numbers(self) -> dict[str, Any]:
        """The metrics that are numbers."""
        return {
            name: value
            for name, value in self.metrics.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    def with_run(self, run: Run, *, skipped: bool = False) -> Point:
        """Return the point with its run."""
        return replace(self, run=run, error=run.error, skipped=skipped)

    def failed(self, error: str) -> Point:
        """Return the point as one that could not be run."""
        return replace(self, error=error)

    def to_json(self) -> dict[str, Any]:
        """Return the point as plain JSON values."""
        run = self.run
        return {
            "parameters": encoded_all(self.parameters),
            "outcome": self.outcome,
            "run_id": run.run_id if run else None,
            "attempt": run.attempt if run else None,
            "metrics": self.metrics,
            "duration_s": run.duration_s if run else None,
            "after_snapshot_id": run.after_snapshot_id if run else None,
            "worktree": run.worktree if run else None,
            "error": self.error,
            "skipped": self.skipped,
        }


def results(repository: Repository, points: Iterable[Point]) -> dict[str, Run]:
    """Return the runs that gave points their result, by the points' digests."""
    wanted = {point.digest for point in points}
    return {
        run.point: run
        for run in repository.runs.all()
        if run.outcome == "ok" and run.point is not None and run.point in wanted
    }


def earlier_base(
    repository: Repository, is_one: Callable[[Run], bool], base: str, ignored: Collection[str]
) -> str | None:
    """Return the snapshot that an earlier sweep of the same work started from, if it holds the same files as ``base``.

    Files and folders in ``ignored`` do not count: sweeps deliver into them.
    """
    candidates = dict.fromkeys(
        run.before_snapshot_id for run in repository.runs.all() if run.point is not None and is_one(run)
    )
    for candidate in list(candidates)[:_COMPARED]:
        try:
            changes = repository.compare(candidate, base, caches=False)
        except JvsError:
            continue  # thinned out, or damaged: no base to go on from
        paths = (*changes.added, *changes.modified, *changes.removed)
        if all(any(f"{path}/".startswith(f"{name}/") for name in ignored) for path in paths):
            return candidate
    return None


def tidy(repository: Repository, points: Iterable[Point], keep: Keep) -> None:
    """Remove the worktrees that lost attempts left at points which have a result by now.

    One whose lease has not ended stays for the next time; so does everything with ``keep="all"``.
    """
    done = {point.digest for point in points if point.outcome == "ok"}
    if keep == "all" or not done:
        return
    left = {info.name for info in repository.worktrees.all()}
    for run in repository.runs.all():
        if run.point in done and run.outcome == "lost" and run.worktree in left:
            try:
                repository.worktrees.remove(run.worktree, force=True, keep_last=False)
            except JvsError:
                continue
