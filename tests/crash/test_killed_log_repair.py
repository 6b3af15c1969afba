"""The repair of a damaged audit log, killed: the next one knows all that the log said."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.layout import Layout
from tests.crash import children, tracing
from tests.crash.conftest import Count
from tests.crash.worlds import build, look
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem
from tests.support.marks import on

pytestmark = pytest.mark.in_turn
Sample = Callable[[Any, int], Any]


def damage(repo: Repository) -> None:
    """Make a line of the log unreadable that nothing else depends on, and have the log consist of two files."""
    repo.locks.acquire("exp")
    repo.locks.release("exp")
    audit = repo.root / ".jvs" / "audit"
    lines = (audit / "audit.jsonl").read_bytes().splitlines(keepends=True)
    half = len(lines) // 2
    (audit / f"audit-{half:012d}.jsonl").write_bytes(b"".join(lines[:half]))
    (audit / "audit.jsonl").write_bytes(b"".join([*lines[half:-1], b"garbage\n"]))


@on("xfs")
def test_a_device_that_fails_at_any_call_loses_nothing_of_it(
    filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    root = workdir / "repo"
    build(root, damage)
    calls = tracing.calls(lambda: repaired(root))
    remove_directory(filesystem, root)
    for (call, number), error in product(sample(calls, 5), ("EIO", "ENOSPC")):
        repo = build(root, damage)
        before, said = look(repo), ledgers.read(Layout(root))
        outcome = tracing.failing_at(lambda: repaired(root), call, number, error)
        assert outcome == children.DONE or outcome.startswith("E_"), (call, number, outcome)
        tally(f"{error} from a call of any operation", filesystem.kind)
        assert Repository.open(root).doctor(repairs=["audit_repair"], strict=True).findings == []
        assert ledgers.read(Layout(root)) == said, (call, number, error)
        assert look(repo) == before
        assert repo.verify(every=True).ok
        remove_directory(filesystem, root)


def repaired(root: Path) -> object:
    return Repository.open(root).doctor(repairs=["audit_repair"])


def test_killed_at_any_system_call_that_writes_it_forgets_nothing(
    filesystem: FileSystem, workdir: Path, sample: Sample, tally: Count
) -> None:
    tracing.require_strace()
    root = workdir / "repo"
    build(root, damage)
    calls = tracing.calls(lambda: repaired(root))
    remove_directory(filesystem, root)
    for call, number in sample(calls, 8 if filesystem.kind == "juicefs" else 3):
        repo = build(root, damage)
        before, said = look(repo), ledgers.read(Layout(root))
        assert len(said.snapshots) == len(before.snapshots)
        if tracing.killed_at(lambda: repaired(root), call, number) == children.KILLED:
            tally("killed at a system call", filesystem.kind)
        repo = Repository.open(root)
        report = repo.doctor(repairs=["audit_repair"], strict=True)
        assert (report.healthy, report.findings) == (True, []), (call, number)
        assert ledgers.read(Layout(root)) == said, (call, number)
        assert look(repo) == before
        assert repo.verify(every=True).ok
        assert repo.doctor(repairs=["audit_repair"]).repaired == []
        remove_directory(filesystem, root)
