"""A copy of the project that one worker changes, runs tests in and puts right again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import PROJECT, Mutant

_COPIED = ("jvs_core", "jvs_magics", "jvs_jupyter", "tests")
_LEFT_OUT = shutil.ignore_patterns("node_modules", "lab", "labextension", "__pycache__", ".hypothesis")
_END_S = 15.0
_ONE_TEST_S = 20.0

KILLED, SURVIVED, HUNG, BROKEN = "killed", "survived", "hung", "broken"
_BY_STATUS = {0: SURVIVED, 1: KILLED}


@dataclass(frozen=True)
class Verdict:
    """How the tests of a mutant ended, and the end of what they said."""

    outcome: str
    said: str


class Copy:
    """A copy of the project in the new folder ``root``, with a folder for what its tests write."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.scratch = root / "scratch"
        self.scratch.mkdir(parents=True)
        for name in _COPIED:
            shutil.copytree(PROJECT / name, self.root / name, ignore=_LEFT_OUT)
        shutil.copy2(PROJECT / "pyproject.toml", self.root)

    @contextmanager
    def with_fault(self, mutant: Mutant) -> Iterator[None]:
        """Hold the copy changed by ``mutant`` for the block."""
        path = self.root / mutant.file
        before = path.read_bytes()
        try:
            self._replace(path, mutant.applied(self.root).encode())
            yield
        finally:
            self._replace(path, before)

    def run(self, tests: Sequence[str], seconds: float, *options: str) -> Verdict:
        """Run ``tests`` against the copy, for ``seconds`` at most, up to the first that fails."""
        command = [
            sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:xdist", "-p", "no:cacheprovider",
            "-m", "not realfs",
            "--timeout", str(max(1, int(min(seconds * 0.8, _ONE_TEST_S)))), *options, *tests,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(self.root), "TMPDIR": str(self.scratch), "CI": "true"}
        environment.pop("JVS_PROOF", None)
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                return Verdict(HUNG, _ended(process))
            except BaseException:
                _ended(process)
                raise
        return Verdict(_BY_STATUS.get(process.returncode, BROKEN), said)

    def _replace(self, path: Path, data: bytes) -> None:
        """Write ``data``; bytecode is kept by time and size, so what was compiled before goes."""
        path.write_bytes(data)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()


def _ended(process: subprocess.Popen[str]) -> str:
    """End a run with all that it started, at first so that it can unmount, and return what it said."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            said, _ = process.communicate(timeout=_END_S)
            return said
    return ""
