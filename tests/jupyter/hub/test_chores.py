"""What an admin does every week: thin out, verify, look for damage, take away what is old; and what was typed wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import JvsError, Repository
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.homes import archive_home, find_home, make_home, reset_home
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.provision import by_name, provide
from jvs_jupyter.hub.roster import homes

ANN, BOB = Person("ann", "", "7@2026-01-01"), Person("bob", "", "8@2026-01-01")
AGAIN = Person("ann", "", "9@2026-09-09")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "homes").mkdir()
    return tmp_path / "homes"


@pytest.fixture
def two(team: Repository, folder: Path) -> tuple[Repository, Repository]:
    """Return the homes of Ann and Bob, with three more snapshots in each."""
    found = []
    for person in (ANN, BOB):
        home = Repository(make_home(folder, team, person, template=None, owner=None), settings=team.settings)
        for text in "abc":
            (home.root / "main" / "notes.txt").write_text(text)
            home.snapshot(text, lock=True)
        found.append(home)
    return found[0], found[1]


def ran(team: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``jvs hub`` as an admin does."""
    command = [sys.executable, "-m", "jvs_core.cli", "--repo", str(team.root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def hub(team: Repository, *arguments: str, status: int = 0) -> Any:
    """Run ``jvs hub`` and return its JSON."""
    done = ran(team, "--json", "hub", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_all_homes_are_thinned_out_by_one_line_while_servers_run(
    team: Repository, folder: Path, two: tuple[Repository, Repository]
) -> None:
    where = ("--homes", str(folder))
    server = Repository(two[0].root, settings=replace(team.settings, session="server"))
    server.locks.acquire("main")
    dry = hub(team, "gc", *where, "--keep-last", "1", "--dry-run")
    assert [(row["user"], row["done"], row["snapshots"]) for row in dry] == [
        ("ann", "would remove", 2),
        ("bob", "would remove", 2),
    ]
    assert len(two[0].history()) == 4
    done = ran(team, "hub", "gc", *where, "--keep-last", "1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for home in two:
        assert next(item.descriptor.note for item in home.history()) == "c"
        assert home.verify(every=True).ok
    assert [row["snapshots"] for row in hub(team, "gc", *where, "--keep-last", "1")] == [0, 0]
    server.locks.release("main")


def test_the_automatic_history_of_all_is_thinned_out_under_one_policy(
    team: Repository, folder: Path, two: tuple[Repository, Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in two:
        for text in "defg":
            (home.root / "main" / "notes.txt").write_text(text)
            assert home.timeline.snapshot() is not None
    where = ("--homes", str(folder))
    assert [row["snapshots"] for row in hub(team, "thin", *where)] == [0, 0]
    monkeypatch.setenv("JVS_TIMELINE", json.dumps({"keep": ["rest:1w"]}))
    done = ran(team, "hub", "thin", *where)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for home in two:
        kept = [item.descriptor for item in home.history() if not item.expired]
        assert [item.kind for item in kept].count("auto") <= 2
        assert [item.note for item in kept if item.kind != "auto"][:3] == ["c", "b", "a"]
        assert home.verify(every=True).ok
    assert [row["snapshots"] for row in hub(team, "thin", *where)] == [0, 0]


def test_damage_is_told_with_a_name_and_an_exit_status_and_health_is_silent(
    team: Repository, folder: Path, two: tuple[Repository, Repository]
) -> None:
    for command in ("verify", "doctor"):
        done = ran(team, "hub", command, "--homes", str(folder))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command
    damaged = Path(two[1].show("HEAD").path) / "notes.txt"
    damaged.chmod(0o644)
    damaged.write_text("x")
    done = ran(team, "hub", "verify", "--homes", str(folder))
    assert done.returncode == 5
    assert "bob: " in done.stderr
    assert "ann" not in done.stderr
    (two[0].root / ".jvs" / "format_version").write_text("99\n")
    assert "ann: " in ran(team, "hub", "doctor", "--homes", str(folder)).stderr


def test_a_user_who_comes_back_gets_the_old_home_by_one_command(team: Repository, folder: Path) -> None:
    old = make_home(folder, team, ANN, template=None, owner=None)
    (old / "main" / "mine.txt").write_text("mine")
    archive_home(folder, old)
    new = make_home(folder, team, AGAIN, template=None, owner=None)
    (new / "main" / "newer.txt").write_text("newer")
    where = ("--homes", str(folder))
    (dry,) = hub(team, "put-back", "ann", *where, "--dry-run")
    assert dry["action"] == "would_put_back"
    (done,) = hub(team, "put-back", "ann", *where)
    assert done["action"] == "put_back"
    assert (folder / worktree_name(AGAIN) / "main" / "mine.txt").read_text() == "mine"
    assert (folder / done["kept_as"] / "main" / "newer.txt").read_text() == "newer"
    assert find_home(folder, AGAIN) == folder / worktree_name(AGAIN)
    assert [user for user, _ in homes(folder)] == [AGAIN]
    (nothing,) = hub(team, "put-back", "ann", *where, status=2)
    assert "'ann' has nothing archived" in nothing["error"]["message"]


def test_in_a_teams_repository_too(team: Repository) -> None:
    made = provide(team, ANN, template=None)
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")
    saved = lifecycle.archive(team, ANN, by_name(team)["ann", ""], days=30).snapshot_id
    (told,) = hub(team, "archive", "ann")
    assert (told["action"], told["snapshot_id"]) == ("unchanged", saved)
    (done,) = hub(team, "put-back", "ann")
    assert (done["action"], done["snapshot_id"]) == ("put_back", saved)
    back = team.worktrees.path(worktree_name(Person("ann")))
    assert (back / "mine.txt").read_text() == "mine"


def test_an_archive_that_fails_leaves_no_pin(team: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    made = provide(team, ANN, template=None)
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")

    def refused(*_args: Any, **_how: Any) -> None:
        raise JvsError("something is mounted there")

    monkeypatch.setattr(type(team.worktrees), "remove", refused)
    with pytest.raises(JvsError, match="mounted"):
        lifecycle.archive(team, ANN, by_name(team)["ann", ""], days=30)
    assert team.pins.all() == []


def test_what_was_put_away_goes_after_its_days_and_not_before(team: Repository, folder: Path) -> None:
    first = make_home(folder, team, ANN, template=None, owner=None)
    (first / "main" / "mine.txt").write_text("mine")
    beside = reset_home(folder, team, ANN, first, template=None)
    assert beside is not None
    kept = archive_home(folder, make_home(folder, team, BOB, template=None, owner=None))
    half = folder / f".{worktree_name(BOB)}.1-2"
    half.mkdir()
    where = ("--homes", str(folder))
    assert hub(team, "tidy", *where, "--days", "30") == {"removed": [], "failed": []}
    for path in (beside, kept):
        path.rename(path.with_name(path.name[:-15] + "20200101-000000"))
    old = sorted(path.name[:-15] + "20200101-000000" for path in (beside, kept))
    assert sorted(hub(team, "tidy", *where, "--days", "30", "--dry-run")["removed"]) == old
    assert sorted(hub(team, "tidy", *where, "--days", "30")["removed"]) == old
    assert sorted(path.name for path in folder.iterdir()) == [".archived", half.name, ".people", first.name]
    assert list((folder / ".archived").iterdir()) == []


def test_what_a_reset_left_in_a_teams_repository_goes_when_a_snapshot_holds_it(team: Repository) -> None:
    for person, later in ((ANN, ""), (BOB, "later")):
        made = provide(team, person, template=None)
        assert made.path is not None
        (made.path / "mine.txt").write_text("mine")
        done = lifecycle.reset(team, person, by_name(team)[person.user, ""], template=None)
        assert done.kept_as is not None
        old = done.kept_as[:-15] + "20200101-000000"
        team.worktrees.rename(done.kept_as, old)
        if later:
            (team.worktrees.path(old) / "later.txt").write_text(later)
    told = hub(team, "tidy", "--days", "30", status=4)
    assert [name.split("-")[0] for name in told["removed"]] == ["ann"]
    assert [name.split("-")[0] for name in told["failed"]] == ["bob"]


@pytest.mark.parametrize("in_homes", [True, False], ids=["homes", "team"])
def test_who_is_unknown_or_typed_with_blanks_is_told(team: Repository, folder: Path, in_homes: bool) -> None:
    where = ("--homes", str(folder)) if in_homes else ()
    for command in ("reset", "archive"):
        for dry in ((), ("--dry-run",)):
            (told,) = hub(team, command, "nobdoy", *where, *dry, status=2)
            assert (told["action"], told["error"]["code"]) == ("failed", "E_USAGE")
    assert "a space before or after" in hub(team, "reset", " ann", *where, status=2)["error"]["message"]
    (folder.parent / "users.txt").write_text("ann\nbob \n")
    failed = hub(team, "provision", "--users", str(folder.parent / "users.txt"), *where, status=2)
    assert "line 2" in failed["error"]["message"]


@pytest.mark.parametrize("in_homes", [True, False], ids=["homes", "team"])
def test_a_dry_run_says_what_the_real_run_will(team: Repository, folder: Path, in_homes: bool) -> None:
    where = ("--homes", str(folder)) if in_homes else ()
    for name in ("fresh", "busy", "used"):
        hub(team, "provision", "--user", name, *where)
    changed = {}
    for name in ("busy", "used"):
        person = Person(name)
        root = folder / worktree_name(person) if in_homes else team.root
        worktree = "main" if in_homes else worktree_name(person)
        changed[name] = Repository(root, settings=replace(team.settings, session="server"))
        (changed[name].worktrees.path(worktree) / "mine.txt").write_text("mine")
    changed["busy"].locks.acquire("main" if in_homes else worktree_name(Person("busy")))
    names = ("fresh", "busy", "used")
    dry = hub(team, "reset", *names, *where, "--dry-run", status=4)
    real = hub(team, "reset", *names, *where, status=4)
    assert [one["action"] for one in dry] == ["unchanged", "failed", "would_reset"]
    assert [one["action"] for one in real] == ["unchanged", "failed", "reset"]
    assert os.path.exists(folder)


def test_a_home_with_a_record_that_cannot_be_read_is_named_and_hides_nobody_else(
    team: Repository, folder: Path, two: tuple[Repository, Repository]
) -> None:
    config = two[1].root / ".jvs" / "worktrees" / "main" / "config.json"
    config.unlink()
    os.mkfifo(config)
    for command in ("list", "report"):
        done = ran(team, "hub", command, "--homes", str(folder))
        assert done.returncode == 5
        assert done.stdout.startswith("ann ")
        assert "bob: " in done.stderr
        assert "FIFO" in done.stderr


def test_the_report_says_what_a_policy_would_give_back_and_removes_nothing(
    team: Repository, folder: Path, two: tuple[Repository, Repository]
) -> None:
    where = ("--homes", str(folder))
    rows = hub(team, "report", *where, "--keep-last", "1")
    assert [(row["user"], row["would_remove"]) for row in rows] == [("ann", 2), ("bob", 2)]
    assert all(row["would_free_bytes"] >= 0 for row in rows)
    told = ran(team, "hub", "report", *where, "--keep-last", "1").stdout
    assert "the policy would remove 4 snapshots and free" in told
    assert all(row["would_remove"] is None for row in hub(team, "report", *where))
    assert len(two[0].history()) == 4
