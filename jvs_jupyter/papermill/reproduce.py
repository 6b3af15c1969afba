"""Running a recorded run again from its before-snapshot, and comparing what came out, file by file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jvs_core import InputError, Repository, Run, Verdict
from jvs_jupyter.papermill import differences, place
from jvs_jupyter.papermill.differences import Difference
from jvs_jupyter.papermill.spec import Keep, RunSpec
from jvs_jupyter.papermill.values import decoded_all


@dataclass(frozen=True)
class Reproduction:
    """The new run, the one it repeats, and what comparing their after-snapshots showed.

    ``differences`` tells of each file that differs where it does.
    """

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


def reproduce(
    run: str | Run,
    *,
    repo: str | os.PathLike[str] | None = None,
    keep: Keep = "failed",
    progress_bar: bool = False,
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
    from jvs_jupyter.papermill.execute import execute

    repository = Repository.open(repo or ".")
    original = repository.runs.get(run if isinstance(run, str) else run.run_id)
    found: list[Difference] = []
    finished = execute(_spec(repository, original, keep), progress_bar=progress_bar)
    if isinstance(finished.failure, KeyboardInterrupt | SystemExit):
        raise finished.failure
    again = finished.run
    if again.outcome != original.outcome or again.after_snapshot_id is None:
        judged = repository.runs.judge(again.run_id, "failed")
    else:
        found = differences.between(repository, original, again)
        paths = [difference.path for difference in found]
        judged = repository.runs.judge(again.run_id, "differs" if paths else "identical", paths)
    return Reproduction(judged, original, found)


def _spec(repository: Repository, original: Run, keep: Keep) -> RunSpec:
    if original.after_snapshot_id is None:
        raise InputError(
            f"run {original.run_id} is {original.outcome}: there is no after-snapshot to compare with",
            hint="choose a run that ended: jvs run list",
        )
    repository.runs.require_kept(original)
    main = repository.worktrees.path("main")
    notebook = original.input_path
    if notebook == place.STREAM or notebook.startswith("(") or not notebook:
        raise InputError(
            f"the notebook of run {original.run_id} came from a pipe or from memory: it is in no snapshot",
            hint="run it from a file in the worktree",
        )
    if place.local_path(notebook) is not None and not os.path.isabs(notebook):
        notebook = str(main / notebook)
    output = original.output_path
    inside = output is not None and place.local_path(output) is not None and not os.path.isabs(output)
    cwd = original.setup.get("cwd")
    return RunSpec(
        notebook=notebook,
        parameters=decoded_all(original.parameters),
        output=str(main / output) if output is not None and inside else None,
        deliver=False,
        from_=original.before_snapshot_id,
        repo=str(repository.root),
        worktree="main",
        cwd=str(main / cwd) if isinstance(cwd, str) else str(main),
        kernel=original.setup.get("kernel_name"),
        execution_timeout=original.setup.get("execution_timeout"),
        keep=keep,
        reproduces=original.run_id,
    )
