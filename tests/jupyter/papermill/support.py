"""What the tests of recorded runs share: notebooks made of cells, and the records of a workspace."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nbformat

from jvs_core import Repository, Run
from tests.support.source import PYTHONPATH


class Papermill(Protocol):
    """Runs papermill with arguments; fails the test unless it ends with ``status``."""

    def __call__(
        self, *args: str, status: int | None = 0, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it."""


@dataclass(frozen=True)
class Workspace:
    """A repository and its main worktree, in which the test stands."""

    repository: Repository
    main: Path

    def notebook(self, name: str, *cells: str, parameters: str | None = None) -> Path:
        """Write a notebook of code cells, the first one tagged as parameters where there are any."""
        return write_notebook(self.main / name, *cells, parameters=parameters)

    def only_run(self) -> Run:
        """Return the one run there is, as it is recorded."""
        runs = self.repository.runs.all()
        assert len(runs) == 1, runs
        return runs[0]

    def recorded(self, run_id: str) -> dict[str, Any]:
        """Return a record as it lies on the disk."""
        path = self.repository.root / ".jvs" / "runs" / f"{run_id}.json"
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def audited(self) -> list[str]:
        """Return the operations in the audit log, oldest first."""
        log = (self.repository.root / ".jvs" / "audit" / "audit.jsonl").read_text()
        return [json.loads(line)["operation"] for line in log.splitlines()]

    def printed(self, name: str) -> str:
        """Return what the cells of a notebook printed."""
        cells = json.loads((self.main / name).read_bytes())["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        return "".join("".join(o["text"]) for o in outputs if o.get("name") == "stdout")

    def in_snapshot(self, snapshot_id: str | None, path: str) -> bytes:
        """Return the bytes of a file in a snapshot."""
        assert snapshot_id is not None
        with self.repository.open_file(snapshot_id, path) as stream:
            return stream.read()


def write_notebook(path: Path, *cells: str, parameters: str | None = None) -> Path:
    """Write a notebook of code cells, the first one tagged as parameters where there are any."""
    found = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for source in ([parameters] if parameters else []) + list(cells):
        found.cells.append(nbformat.v4.new_code_cell(source))
    if parameters:
        found.cells[0].metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(found, path)
    return path


def environment(**changes: str) -> dict[str, str]:
    """Return the environment for a process that runs from this source tree."""
    return {**os.environ, "PYTHONPATH": PYTHONPATH, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **changes}


def wait_until(condition: Callable[[], object], *, within_s: float = 60.0) -> None:
    """Wait until ``condition`` holds; fail the test when it does not within a generous time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
