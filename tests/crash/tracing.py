"""Faults at system calls: a child process under ``strace``, which counts its calls or spoils one of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.children import DONE, Work, fork

WRITING = (
    "write", "pwrite64", "copy_file_range", "ftruncate", "truncate", "fsync", "fdatasync", "syncfs",
    "rename", "renameat", "renameat2", "link", "linkat", "symlinkat", "symlink", "unlink", "unlinkat",
    "mkdir", "mkdirat", "rmdir", "fchmod", "chmod", "fchmodat", "utimensat",
)  # fmt: skip
_TRACED = ",".join(WRITING)


def require_strace() -> None:
    """Skip the test where there is no strace; on CI, where it is installed, there is one."""
    if shutil.which("strace") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is required here", pytrace=False)
        pytest.skip("strace is not installed")


def calls(work: Work) -> list[tuple[str, int]]:
    """Run ``work`` in a child and return the calls of it that wrote something: the name and its how manieth it was."""
    with tempfile.NamedTemporaryFile("r", prefix="strace-") as log:
        outcome = _traced(work, "-e", f"trace={_TRACED}", "-o", log.name)
        assert outcome == DONE, outcome
        seen: Counter[str] = Counter()
        found = []
        for line in log:
            call = re.match(r"(?:\d+ +)?(\w+)\(", line)
            if call:
                seen[call[1]] += 1
                if " = -1 E" not in line:
                    found.append((call[1], seen[call[1]]))
        return found


def killed_at(work: Work, call: str, number: int) -> str:
    """Run ``work`` in a child that is killed at its ``number``-th ``call``, which is not carried out."""
    return _traced(
        work, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}", "-o", os.devnull
    )


def failing_at(work: Work, call: str, number: int, error: str) -> str:
    """Run ``work`` in a child whose ``number``-th ``call`` fails with ``error`` and does nothing."""
    return _traced(
        work, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}", "-o", os.devnull
    )


def _traced(work: Work, *options: str) -> str:
    gate, release = os.pipe()

    def held() -> None:
        os.close(release)
        os.read(gate, 1)
        work()

    child = fork(held)
    os.close(gate)
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", *options, "-p", str(child.pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_until_attached(child.pid)
        os.write(release, b"g")
        return child.outcome()
    finally:
        os.close(release)
        tracer.communicate()


def _wait_until_attached(pid: int) -> None:
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0\n" in status.read_text():
        os.sched_yield()
