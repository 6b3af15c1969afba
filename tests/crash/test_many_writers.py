from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import JvsError
from jvs_core.settings import from_environment
from tests.crash import children
from tests.crash.conftest import FULL, Count
from tests.crash.worlds import REPAIRS
from tests.support.filesystems import KINDS, FileSystem

PROCESSES, OPERATIONS = (8, 200) if FULL else (4, 12)
# What two who want the same thing at the same time are told; anything else is a fault of JVS.
EXPECTED = {
    "E_LOCK_CONFLICT",
    "E_LOCK_NOT_HELD",
    "E_LOCK_EXPIRED",  # a machine so busy that nobody came to renew for half a minute: nothing is published then
    "E_ALREADY_EXISTS",
    "E_REF_NOT_FOUND",
    "E_WORKTREE_NOT_FOUND",
    "E_CONSISTENCY_UNAVAILABLE",
    "E_FENCING_MISMATCH",
    "E_GC_PLAN_MISMATCH",
    "E_PIN_NOT_FOUND",
}


class Worker:
    """One process's part: operations chosen by a seed, and a diary of those that reported success."""

    def __init__(self, root: Path, number: int, diary: Path) -> None:
        self.random = random.Random(number)
        self.name = f"w{number}"
        self.repo = Repository.open(root, settings=replace(from_environment(), session=self.name))
        self.diary = diary
        self.refs: list[str] = []

    def work(self) -> None:
        self.repo.worktrees.create(self.name)
        self.note("worktree", self.name)
        chances = [
            (self.own_snapshot, 4),
            (self.shared_snapshot, 2),
            (self.name_it, 3),
            (self.delete_ref, 1),
            (self.compete_for_ref, 2),
            (self.come_and_go, 1),
            (self.go_back, 1),
            (self.pin, 1),
        ]
        for step in range(OPERATIONS):
            (act,) = self.random.choices([c[0] for c in chances], [c[1] for c in chances])
            try:
                act(step)
            except JvsError as error:
                if error.code not in EXPECTED:
                    error.add_note(f"{self.name}: {act.__name__} {step}")
                    raise AssertionError(f"{act.__name__}: {error.code}: {error.message}") from error

    def note(self, kind: str, what: str) -> None:
        with self.diary.open("a") as diary:
            diary.write(f"{kind} {what}\n")

    def own_snapshot(self, step: int) -> None:
        (self.repo.root / "worktrees" / self.name / "file").write_text(f"{self.name} {step}")
        made = self.repo.snapshot(f"{self.name} {step}", worktree=self.name, lock=True, wait_s=30)
        self.note("snapshot", made.snapshot_id)

    def shared_snapshot(self, step: int) -> None:
        made = self.repo.snapshot(f"shared {self.name} {step}", lock=True, wait_s=1)
        self.note("snapshot", made.snapshot_id)

    def name_it(self, step: int) -> None:
        name = f"{self.name}-{step}"
        self.repo.refs.create(name, "HEAD")
        self.note("ref", name)
        self.refs.append(name)

    def delete_ref(self, step: int) -> None:
        if self.refs:
            name = self.refs.pop()
            self.repo.refs.delete(name)
            self.note("gone", name)

    def compete_for_ref(self, step: int) -> None:
        self.repo.refs.create(f"shared-{step}", "HEAD")
        self.note("shared", f"shared-{step}")

    def come_and_go(self, step: int) -> None:
        name = f"{self.name}-tree-{step}"
        self.repo.worktrees.create(name)
        self.repo.worktrees.rename(name, f"{name}-new")
        self.repo.worktrees.remove(f"{name}-new", force=True)

    def go_back(self, step: int) -> None:
        history = self.repo.history(worktree=self.name)
        wanted = self.random.choice(history).descriptor.snapshot_id
        self.repo.restore_inplace(wanted, reason="back", worktree=self.name, lock=True, wait_s=30)

    def pin(self, step: int) -> None:
        made = self.repo.pins.create("HEAD", reason=self.name, worktree=self.name)
        if self.random.random() < 0.5:
            self.repo.pins.delete(made.pin_id)
        else:
            self.note("pin", made.pin_id)


def hold_together(roots: list[Path], diaries: Path) -> int:
    """Let the processes loose on one repository, then hold it against their diaries; return how much was done."""
    repo = Repository.open(roots[0])
    (repo.root / "main" / "file").write_text("start")
    repo.snapshot("start", lock=True)
    workers = [
        children.fork(lambda n=number: Worker(roots[n % len(roots)], n, diaries / str(n)).work())  # type: ignore[misc]  # n is bound now
        for number in range(PROCESSES)
    ]
    outcomes = [worker.outcome() for worker in workers]
    assert outcomes == [children.DONE] * PROCESSES, "\n".join(outcomes)
    said: dict[str, list[str]] = {}
    for diary in diaries.iterdir():
        for line in diary.read_text().splitlines():
            kind, what = line.split(" ", 1)
            said.setdefault(kind, []).append(what)
    found = {item.descriptor.snapshot_id: item.descriptor.worktree for item in repo.history(every=True)}
    assert found.keys() >= set(said["snapshot"])
    kept = Counter(said["ref"]) - Counter(said.get("gone", []))
    assert {ref.name for ref in repo.refs.all()} == {*kept, *said.get("shared", [])}
    assert len(set(said.get("shared", []))) == len(said.get("shared", [])), "two made the same ref"
    assert {info.name for info in repo.worktrees.all()} == {"main", *said["worktree"]}
    assert {pin.pin_id for pin in repo.pins.all()} >= set(said.get("pin", []))
    report = repo.verify(every=True)
    assert report.ok, report
    # One chain without gaps holds one record for each of them.
    records = repo.audit.log()
    assert sorted(record.seq for record in records) == list(range(1, report.audit.records + 1))
    done = Counter(record.operation for record in records)
    assert done["snapshot"] == len(found)
    assert done["ref_create"] == len(said["ref"]) + len(said.get("shared", []))
    shared = {snapshot_id for snapshot_id in said["snapshot"] if found[snapshot_id] == "main"}
    history = {item.descriptor.snapshot_id for item in repo.history()}
    assert shared <= history, "a snapshot of main fell out of its history"
    mended = repo.doctor(repairs=REPAIRS, strict=True)
    assert [finding for finding in mended.findings if finding.severity != "info"] == []
    assert os.listdir(repo.root / ".jvs" / "intents") == []
    return sum(map(len, said.values()))


@pytest.mark.parametrize("kind", [*KINDS, "two clients"])
def test_many_processes_lose_no_update_and_write_one_chain(
    kind: str,
    request: pytest.FixtureRequest,
    make_workdir: Callable[[FileSystem], Path],
    tmp_path: Path,
    tally: Count,
) -> None:
    if kind == "two clients":
        here, there = request.getfixturevalue("juicefs_pair")
    else:
        here = there = make_workdir(request.getfixturevalue(kind))
    Repository.init(here / "repo")
    diaries = tmp_path / "diaries"
    diaries.mkdir()
    done = hold_together([here / "repo", there / "repo"], diaries)
    for _ in range(done):
        tally("operations of many writers", "juicefs" if kind == "two clients" else kind)
