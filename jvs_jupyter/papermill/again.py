"""Repeating the run of a notebook."""

from __future__ import annotations

import os

from jvs_core import InputError, Repository, Run
from jvs_jupyter.papermill import place
from jvs_jupyter.papermill.spec import RunSpec
from jvs_jupyter.runs.spec import Keep


def spec_of(repository: Repository, original: Run, keep: Keep) -> RunSpec:
    """Return the spec that repeats a run from its before-snapshot.

    Raises InputError where the notebook came from a pipe or from memory: no snapshot holds it.
    """
    main = repository.worktrees.path("main")
    notebook = original.input_path or ""
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
    return RunSpec.parse(
        {
            "notebook": notebook,
            "parameters": original.parameters,
            "output": str(main / output) if output is not None and inside else None,
            "deliver": False,
            "from": original.before_snapshot_id,
            "repo": str(repository.root),
            "worktree": "main",
            "cwd": str(main / cwd) if isinstance(cwd, str) else str(main),
            "kernel": original.setup.get("kernel_name"),
            "execution_timeout": original.setup.get("execution_timeout"),
            "keep": keep,
            "reproduces": original.run_id,
        }
    )
