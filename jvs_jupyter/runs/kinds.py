"""The kinds of runs: of a command, and of a notebook. Those of notebooks need papermill and are loaded by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from jvs_core import InputError, Repository, Run
from jvs_jupyter.runs import command
from jvs_jupyter.runs.command import CommandSpec
from jvs_jupyter.runs.request import Finished
from jvs_jupyter.runs.spec import Keep, Spec

_NOTEBOOKS = "jvs_jupyter.papermill"
Subject = str | os.PathLike[str] | Sequence[str]


def subject(what: Subject) -> dict[str, Any]:
    """Return the field of a spec that says what is run: a notebook's path, or the words of a command."""
    if isinstance(what, str | os.PathLike):
        return {"notebook": os.fspath(what)}
    return {"command": [os.fspath(word) for word in what]}


def parse(value: Any) -> Spec:
    """Return the spec that a JSON object describes. Raises InputError naming the field."""
    if isinstance(value, dict) and "command" in value:
        return CommandSpec.parse(value)
    spec: Spec = notebooks("spec").RunSpec.parse(value)
    return spec


def execute(
    spec: Spec, *, progress_bar: bool = False, to_stderr: bool = False, reads_input: bool = False
) -> Finished:
    """Run what a spec says. Raises JvsError when the run could not begin.

    A notebook may have a ``progress_bar``. A command's output goes ``to_stderr`` where standard output is for something
    else, and it reads this process's standard input where it ``reads_input``.
    """
    if isinstance(spec, CommandSpec):
        return command.execute(spec, to_stderr=to_stderr, reads_input=reads_input)
    finished: Finished = notebooks("execute").execute(spec, progress_bar=progress_bar)
    return finished


def again(repository: Repository, original: Run, keep: Keep) -> Spec:
    """Return the spec that repeats a run from its before-snapshot. Raises InputError where that cannot be."""
    if original.command is None:
        spec: Spec = notebooks("again").spec_of(repository, original, keep)
        return spec
    main = repository.worktrees.path("main")
    cwd = original.setup.get("cwd")
    return CommandSpec.parse(
        {
            "command": list(original.command),
            "parameters": original.parameters,
            "metrics": original.setup.get("metrics"),
            "deliver": False,
            "from": original.before_snapshot_id,
            "repo": str(repository.root),
            "worktree": "main",
            "cwd": str(main / cwd) if isinstance(cwd, str) else str(main),
            "keep": keep,
            "reproduces": original.run_id,
        }
    )


def notebooks(module: str) -> Any:
    """Return a module of the room of notebooks. Raises InputError where papermill is not installed."""
    if find_spec("papermill") is None:
        raise InputError(
            "runs of notebooks need the extra 'papermill'", hint="pip install 'jvs-workspaces[papermill]'"
        )
    return import_module(f"{_NOTEBOOKS}.{module}")
