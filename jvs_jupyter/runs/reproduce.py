"""Running a recorded run again from its before-snapshot, and comparing what came out, file by file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jvs_core import InputError, Repository, Run, Verdict
from jvs_jupyter.runs import differences, kinds
from jvs_jupyter.runs.differences import Difference
from jvs_jupyter.runs.spec import Keep

_VERDICTS: tuple[Verdict, ...] = ("identical", "differs", "failed")


@dataclass(frozen=True)
class Reproduction:
    """The new run in its repository, the one it repeats, and what comparing their after-snapshots showed.

    ``differences`` tells of each file that differs where it does.
    """

    repository: Repository
    run: Run
    original: Run
    differences: Sequence[Difference] = ()

    @property
    def verdict(self) -> Verdict:
        """``identical``, ``differs``, or ``failed``: the outcome was another one."""
        assert self.run.verdict is not None
        return self.run.verdict

    @property
    def paths(self) -> list[str]:
        """The files that differ, sorted."""
        return list(self.run.paths or ())

    def to_json(self) -> dict[str, Any]:
        """Return the contract's JSON."""
        return {
            "run_id": self.run.run_id,
            "reproduces": self.original.run_id,
            "verdict": self.verdict,
            "paths": self.paths,
        }


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts."""
    return max(verdicts, key=_VERDICTS.index)


def together(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return several reproductions of one run, each as JSON, as one; ``flaky`` says how many times each path differed."""
    paths = Counter(path for one in found for path in one["paths"])
    return {
        "reproduces": found[0]["reproduces"],
        "verdict": worst(one["verdict"] for one in found),
        "times": len(found),
        "flaky": dict(sorted(paths.items())),
        "runs": [{name: one[name] for name in ("run_id", "verdict", "paths")} for one in found],
    }


def reproduce(
    run: str | Run,
    *,
    repo: str | os.PathLike[str] | None = None,
    keep: Keep = "failed",
    **how: Any,
) -> Reproduction:
    """Run a recorded run again, from the same snapshot with the same parameters, and record the verdict.

    It takes place in a worktree of its own and touches nothing else.

    Raises
    ------
    RunNotFound
        There is no such run.
    SnapshotExpired
        gc removed its before- or its after-snapshot; nothing was run.
    InputError
        The run has no end to compare with, or its notebook came from a pipe or from memory.
    """
    repository = Repository.open(repo or ".")
    original = repository.runs.get(run if isinstance(run, str) else run.run_id)
    found: list[Difference] = []
    if original.after_snapshot_id is None:
        raise InputError(
            f"run {original.run_id} is {original.outcome}: there is no after-snapshot to compare with",
            hint="choose a run that ended: jvs run list",
        )
    repository.runs.require_kept(original)
    finished = kinds.execute(kinds.again(repository, original, keep), **how)
    if isinstance(finished.failure, KeyboardInterrupt | SystemExit):
        raise finished.failure
    again = finished.run
    if again.outcome != original.outcome or again.after_snapshot_id is None:
        judged = repository.runs.judge(again.run_id, "failed")
    else:
        found = differences.between(repository, original, again)
        paths = [difference.path for difference in found]
        judged = repository.runs.judge(again.run_id, "differs" if paths else "identical", paths)
    return Reproduction(repository, judged, original, found)
