"""The steps of the demonstration: real commands in real processes, and whether each did what it should."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jvs_core.cli import demo_workspace as workspace
from jvs_core.cli.demo_workspace import StepFailed


@dataclass(frozen=True)
class Said:
    """A sentence between two commands."""

    words: str


@dataclass(frozen=True)
class Ran:
    """A command as a person would type it, and what it printed."""

    command: str
    output: str


@dataclass(frozen=True)
class _Stage:
    """Where commands run: ``main`` is the worktree; the user's own state stays out of it."""

    folder: Path

    @property
    def main(self) -> Path:
        return self.folder / "analysis" / "main"

    def jvs(self, line: str, *, expect: str, at: Path | None = None) -> Ran:
        """Run ``jvs`` with the arguments in ``line``; its first line of output must begin with ``expect``."""
        state = self.folder / ".state"
        environment = {
            **os.environ,
            "JVS_STATE_DIR": str(state),
            "JVS_CACHE_DIR": str(state),
            "NO_COLOR": "1",
        }
        environment.pop("JVS_SESSION", None)
        done = subprocess.run(
            [sys.executable, "-m", "jvs_core.cli", *shlex.split(line)],
            cwd=at or self.main,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
        if done.returncode != 0 or not done.stdout.startswith(expect):
            raise StepFailed(
                f"jvs {line} ended with status {done.returncode}: {done.stdout.strip()}", hint="jvs doctor"
            )
        return Ran(f"jvs {line}", done.stdout)


def tell(folder: Path, *, kept: bool) -> Iterator[Said | Ran]:
    """Carry out the story in the empty ``folder``, step by step. Raises StepFailed."""
    stage = _Stage(folder)
    yield Said(f"This folder has a notebook, its outputs and its data: {folder / 'measurements'}")
    workspace.make(folder / "measurements")
    yield Said("Make a repository from it. JVS clones the folder; the folder itself does not change.")
    yield stage.jvs("init analysis --from measurements", expect="Initialized JVS repository in", at=folder)
    first = workspace.content(stage.main)
    _require(first == workspace.content(folder / "measurements"), "the clone equals the folder")

    yield Said("A worktree has one writer at a time: take the lock, then take a snapshot of everything.")
    yield stage.jvs('lock acquire --purpose "the demonstration"', expect="Lock acquired on worktree 'main'")
    yield stage.jvs('snapshot "first results" --tag baseline', expect="Created snapshot ")

    yield Said("Now remove the outliers, run the notebook again, write a summary and delete a draft.")
    workspace.change(stage.main)
    second = workspace.content(stage.main)
    status = stage.jvs("status", expect="On worktree main")
    _require(
        _lists(status, "+ summary.csv", "~ analysis.ipynb", "~ data/measurements.csv", "- notes.txt"),
        "status lists it",
    )
    yield status
    yield stage.jvs('snapshot "outliers removed"', expect="Created snapshot ")
    history = stage.jvs("history", expect="")
    _require("outliers removed" in history.output and "[baseline]" in history.output, "history lists both")
    yield history
    yield stage.jvs("compare HEAD~1 HEAD", expect="+ summary.csv")

    yield Said("Look at the first results again. A restore makes a new worktree and changes no other.")
    yield stage.jvs("restore HEAD~1 --name first-results", expect="Restored snapshot ")
    beside = folder / "analysis" / "worktrees" / "first-results"
    _require(workspace.content(beside) == first, "the new worktree equals the first snapshot")
    _require(workspace.content(stage.main) == second, "the main worktree is untouched")

    yield Said("Or go back in place, which needs a reason. JVS changes only the files that differ.")
    yield stage.jvs(
        'restore HEAD~1 --inplace --force --reason "the outliers were real"', expect="Restored snapshot "
    )
    _require(workspace.content(stage.main) == first, "the main worktree equals the first snapshot")
    yield Said("Take the restore back.")
    yield stage.jvs("undo", expect="Restored snapshot ")
    _require(workspace.content(stage.main) == second, "the main worktree is as it was")
    _require(_lists(stage.jvs("status", expect="On worktree main"), "clean"), "status is clean")
    yield Said("Read everything again, and check it against manifests, checksums and the log.")
    verified = stage.jvs("verify --all", expect="")
    _require(
        not {"TAMPERED", "UNREADABLE"}.intersection(verified.output.split())
        and "audit  OK" in verified.output,
        "everything verifies",
    )
    yield verified
    yield stage.jvs("lock release", expect="Lock released on worktree 'main'")
    yield Said(f"Done. Everything is in {folder}" if kept else "Done. JVS removed the temporary repository.")


def _lists(ran: Ran, *beginnings: str) -> bool:
    lines = [line.strip() for line in ran.output.splitlines()]
    return all(any(line.startswith(beginning) for line in lines) for beginning in beginnings)


def _require(fact: bool, what: str) -> None:
    if not fact:
        raise StepFailed(f"the demonstration went wrong: expected that {what}")
