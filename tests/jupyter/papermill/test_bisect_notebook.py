"""Bisection with a notebook as the question."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.jupyter.papermill.support import Workspace

Jvs = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_the_snapshot_that_broke_a_notebook_is_found(workspace: Workspace, jvs: Jvs) -> None:
    made = []
    for number in range(4):
        workspace.notebook("in.ipynb", f"1 / {int(number < 2)}")
        made.append(workspace.repository.snapshot(f"number {number}", lock=True).snapshot_id)
    question = [sys.executable, "-m", "jvs_core.cli", "run", "exec", "in.ipynb"]
    found = json.loads(jvs("bisect", "run", made[0], "HEAD", "--json", "--", *question).stdout)
    assert found["first_bad"] == made[2]
    assert {run.outcome for run in workspace.repository.runs.all()} == {"ok", "cell_error"}
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]
    assert workspace.repository.doctor(strict=True).healthy
