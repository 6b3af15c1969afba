"""What there is many of costs in proportion: calls and memory of four times as much are at most about four times as many."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jvs_core import Repository
from jvs_core.payload.copy import replication
from jvs_core.payload.work import pool

TIMES = 4
PROPORTIONATE = TIMES * 1.25  # sorting, and tables that double, take a little more


class Cost(NamedTuple):
    calls: int
    peak: int


@contextmanager
def counted() -> Iterator[list[Cost]]:
    """Yield a list that has, after the block, what was called and how much memory was taken at most."""
    calls = 0
    costs: list[Cost] = []

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        yield costs
    finally:
        sys.setprofile(None)
        costs.append(Cost(calls, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()


def many_names(main: Path, count: int) -> None:
    (main / "a").write_text("a")
    for number in range(count):
        os.link(main / "a", main / f"name{number}")


def many_pairs(main: Path, count: int) -> None:
    for number in range(count):
        (main / f"one{number}").write_text(str(number))
        os.link(main / f"one{number}", main / f"other{number}")


def many_files(main: Path, count: int) -> None:
    for number in range(count):
        (main / f"name{number}").write_text(str(number))


def many_folders(main: Path, count: int) -> None:
    for number in range(count):
        (main / f"name{number}").mkdir()


def many_attributes(main: Path, count: int) -> None:
    many_files(main, count)
    for number in range(count):
        os.setxattr(main / f"name{number}", "user.number", b"%d" % number)


def many_acls(main: Path, count: int) -> None:
    many_files(main, count)
    for number in range(count):
        rules = [(1, 6, -1), (2, 6, 1000 + number), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *rule) for rule in rules)
        os.setxattr(main / f"name{number}", "system.posix_acl_access", acl)


def half_renamed(main: Path) -> None:
    """Give every other of the top's entries another name."""
    for name in sorted(os.listdir(main))[::2]:
        os.rename(main / name, main / f"renamed-{name}")


def _story(folder: Path, make: Callable[[Path, int], None], count: int) -> dict[str, Cost]:
    """Do with a worktree of ``count`` things what there is to do; return what each step cost."""
    costs: dict[str, Cost] = {}
    repo = Repository.init(folder / "repo", engine="copy")
    main = repo.root / "main"
    make(main, count)

    def step(name: str, act: Callable[[], Any]) -> Any:
        with counted() as cost:
            result = act()
        costs[name] = cost[0]
        return result

    first = step("first snapshot", lambda: repo.snapshot("one", lock=True)).snapshot_id
    (main / "new").write_text("new")
    second = step("again", lambda: repo.snapshot("two", lock=True)).snapshot_id
    step("status", repo.status)
    step("restore", lambda: repo.restore(first, name="aside"))
    half_renamed(main)
    step("status after renames", repo.status)
    step("snapshot of renames", lambda: repo.snapshot("three", lock=True))
    step("compare", lambda: repo.compare(first, "HEAD"))
    step("in place", lambda: repo.restore_inplace(second, reason="back", lock=True))
    step("undo", lambda: repo.undo(lock=True))
    step("verify", lambda: repo.verify(every=True))
    step("removal", lambda: repo.worktrees.remove("aside"))
    return costs


@pytest.mark.parametrize(
    ("make", "few"),
    [
        pytest.param(
            many_names, 1000, marks=pytest.mark.further
        ),  # the tables of what one file is called are small
        (many_pairs, 60),
        (many_files, 60),
        (many_folders, 60),
        (many_attributes, 60),
        pytest.param(many_acls, 60, marks=pytest.mark.further),
    ],
    ids=lambda what: getattr(what, "__name__", ""),
)
def test_four_times_as_many_cost_four_times_as_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, int], None], few: int
) -> None:
    monkeypatch.setattr(pool, "WORTH_FILES", few * TIMES * 3)  # all in this process, where it is counted
    for name in ("warm", "few", "many"):
        (tmp_path / name).mkdir()
    _story(tmp_path / "warm", many_names, 2)  # what is imported or made once
    less, more = _story(tmp_path / "few", make, few), _story(tmp_path / "many", make, few * TIMES)
    assert {
        name: (less[name], more[name])
        for name in less
        if more[name].calls > less[name].calls * PROPORTIONATE
        or more[name].peak > less[name].peak * PROPORTIONATE
    } == {}


class Position(int):
    """A place among the entries of a tree that counts how often one was compared with another."""

    compared = 0
    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        Position.compared += 1
        return int(self) == other


def test_no_pair_of_names_is_looked_for_among_all_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        replication,
        "enumerate",
        lambda items: ((Position(n), item) for n, item in enumerate(items)),
        raising=False,
    )
    repo = Repository.init(tmp_path / "repo", engine="copy")
    many_pairs(repo.root / "main", 300)
    repo.snapshot("one", lock=True)
    assert Position.compared < 10 * 300


def test_of_a_file_whose_names_vanish_meanwhile_each_is_looked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    main = repo.root / "main"
    many_names(main, 300)
    rounds = 0
    real = replication._run

    def overtaken(*arguments: Any) -> None:
        nonlocal rounds
        rounds += 1
        for number in range(300):
            (main / f"name{number}").unlink(missing_ok=True)
        (main / "a").unlink(missing_ok=True)
        real(*arguments)

    monkeypatch.setattr(replication, "_run", overtaken)
    taken = repo.snapshot("one", consistency="best_effort", lock=True)
    assert (taken.files, rounds) == (0, 1)
    assert repo.verify(every=True).ok


@pytest.mark.parametrize("left", ["name299", "name150"])
def test_of_a_file_whose_first_names_vanish_meanwhile_a_later_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    main = repo.root / "main"
    many_names(main, 300)
    real = replication._run

    def overtaken(*arguments: Any) -> None:
        for name in set(os.listdir(main)) - {left}:
            (main / name).unlink()
        real(*arguments)

    monkeypatch.setattr(replication, "_run", overtaken)
    taken = repo.snapshot("one", consistency="best_effort", lock=True)
    assert {"a", left} & {entry.path for entry in repo.ls(taken.snapshot_id)} == {left}
    assert repo.verify(every=True).ok


def _dead_intents(repo: Repository, count: int) -> None:
    """Leave intents of a process that is gone."""
    begin = "journal.begin(repo._context.layout, repo._context.settings, 'gc_run', plan_id='0' * 12)"
    lines = [
        "import sys",
        "from jvs_core import Repository",
        "from jvs_core.control.records import journal",
        "repo = Repository(sys.argv[1])",
        f"for _ in range({count}): {begin}",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines), str(repo.root)], check=True)


def _refs(repo: Repository, count: int) -> None:
    for number in range(count):
        repo.refs.create(f"ref{number}", "HEAD")


def _pins(repo: Repository, count: int) -> None:
    for _ in range(count):
        repo.pins.create("HEAD", reason="kept")


def _worktrees(repo: Repository, count: int) -> None:
    for number in range(count):
        repo.worktrees.create(f"worktree{number}")


def _snapshots(repo: Repository, count: int) -> None:
    for number in range(count):
        (repo.root / "main" / "file").write_text(str(number))
        repo.snapshot(str(number), lock=True)


def _administration(repo: Repository) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    acts: dict[str, Callable[[], Any]] = {
        "status": repo.status,
        "history": lambda: list(repo.history()),
        "log": repo.audit.log,
        "snapshot": lambda: repo.snapshot("another", lock=True),
        "worktree": lambda: repo.worktrees.create("another"),
        "rename": lambda: repo.worktrees.rename("another", "one-more"),
        "removal": lambda: repo.worktrees.remove("one-more"),
        "worktrees": repo.worktrees.all,
        "refs": repo.refs.all,
        "doctor": repo.doctor,
        "verify": lambda: repo.verify(every=True),
        "plan": repo.gc.plan,
        "run": lambda: repo.gc.run(repo.gc.plan(keep_last=1).plan_id),
        "repair": lambda: repo.doctor(
            repairs=("clean_tmp", "clean_locks", "clean_intents", "finish_restore")
        ),
    }
    for name, act in acts.items():
        with counted() as cost:
            act()
        costs[name] = cost[0]
    return costs


@pytest.mark.parametrize(
    "make", [_refs, _pins, _worktrees, _snapshots, _dead_intents], ids=lambda make: make.__name__
)
def test_four_times_as_many_records_cost_four_times_as_much(
    tmp_path: Path, make: Callable[[Repository, int], None]
) -> None:
    costs = []
    for count in (2, 8, 8 * TIMES):
        repo = Repository.init(tmp_path / f"repo{count}", engine="copy")
        (repo.root / "main" / "file").write_text("first")
        repo.snapshot("one", lock=True)
        make(repo, count)
        costs.append(_administration(repo))
    _, less, more = costs
    assert {
        name: (less[name].calls, more[name].calls)
        for name in less
        if more[name].calls > less[name].calls * PROPORTIONATE
    } == {}


def test_what_needs_only_the_newest_snapshots_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    costs = []
    for count in (2, 10, 40):
        repo = Repository.init(tmp_path / f"repo{count}", engine="copy")
        (repo.root / "main" / "file").write_text("first")
        _snapshots(repo, count)
        acts: dict[str, Callable[[], Any]] = {
            "status": repo.status,
            "history": partial(repo.history, limit=2),
            "show": partial(repo.show, "HEAD"),
            "snapshot": partial(repo.snapshot, "another", lock=True),
        }
        found = {}
        for name, act in acts.items():
            with counted() as cost:
                act()
            found[name] = cost[0].calls
        costs.append(found)
    _, less, more = costs
    assert {name: (less[name], more[name]) for name in less if more[name] > less[name] * 1.1} == {}
