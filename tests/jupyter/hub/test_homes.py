"""A repository for every user: made once, found again, moved with the name, put away whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import LockConflict, Repository, Settings
from jvs_jupyter.hub import all_homes, making, warm
from jvs_jupyter.hub.chores import Verified
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.homes import archive_home, find_home, make_home
from jvs_jupyter.hub.looking import About, Listing, Report
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.roster import ask_all, homes

ANN = Person("ann", "", "7@2026-01-01")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "homes").mkdir()
    return tmp_path / "homes"


def umask() -> int:
    """Return the bits that new files do not get."""
    now = os.umask(0)
    os.umask(now)
    return now


def test_a_home_is_a_repository_of_its_own(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    assert made == folder / worktree_name(ANN)
    home = Repository.open(made)
    assert home.repo_id != team.repo_id
    assert (made / "main" / "data" / "a.csv").read_text() == "a,b\n1,2\n"
    assert home.status().clean
    assert (made / "main" / "notes.txt").stat().st_mode & 0o777 == 0o666 & ~umask()
    assert home.resolve("template") == home.history()[0].descriptor.snapshot_id
    assert home.worktrees.get("main").labels == ANN.labels
    (made / "main" / "mine.txt").write_text("mine")
    assert make_home(folder, team, ANN, template="template-1", owner=None) == made
    assert (made / "main" / "mine.txt").exists()
    assert sorted(path.name for path in folder.iterdir()) == [".people", made.name]


def test_spawns_at_once_make_one_home(team: Repository, folder: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        making = [
            threads.submit(
                make_home, folder, team, Person("ann", server, ANN.identity), template=None, owner=None
            )
            for server in ("", "gpu", "big", "small")
        ]
    assert {made.result() for made in making} == {folder / worktree_name(ANN)}
    assert sorted(path.name for path in folder.iterdir()) == [".people", worktree_name(ANN)]
    assert [user for user, _ in homes(folder)] == [ANN]


def test_a_home_follows_a_new_name_unless_its_server_runs(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    anna = Person("anna", "", ANN.identity)
    server = Repository(made, settings=replace(team.settings, session="server"))
    server.locks.acquire("main")
    with pytest.raises(LockConflict, match="in use"):
        make_home(folder, team, anna, template="template-1", owner=None)
    server.locks.release("main")
    moved = make_home(folder, team, anna, template="template-1", owner=None)
    assert moved == folder / worktree_name(anna)
    assert not made.exists()
    assert find_home(folder, Person("ann", "", "8@2026-02-02")) is None


def test_a_home_is_put_away_whole(team: Repository, folder: Path) -> None:
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    kept = archive_home(folder, made)
    assert find_home(folder, ANN) is None
    assert Repository.open(kept).verify(every=True).ok


def hub(team: Repository, *arguments: str, status: int = 0) -> Any:
    """Run ``jvs hub`` as a process and return its JSON."""
    command = [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(team.root), "hub", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_an_admin_sees_and_changes_all_homes_at_once(team: Repository, folder: Path) -> None:
    make_home(folder, team, ANN, template="template-1", owner=None)
    where = ("--homes", str(folder))
    assert [one["action"] for one in hub(team, "provision", *where, "--user", "bob", "--dry-run")] == [
        "would_create"
    ]
    (folder / "users.txt").write_text("ann\nbob\nbob\tgpu\n")
    made = hub(team, "provision", *where, "--users", str(folder / "users.txt"), "--as", "head teacher")
    assert [(one["user"], one["action"]) for one in made] == [("ann", "exists"), ("bob", "created")]
    bob = Path(made[1]["path"])
    assert (bob / "notes.txt").read_text() == "notes"
    own = Repository(bob.parent, settings=team.settings)
    assert own.audit.log()[-1].actor.startswith("head teacher@")

    (bob / "mine.txt").write_text("m" * 1000)
    own.snapshot("mine", lock=True)
    own.worktrees.label("main", Person("ann").labels)  # as whom bob would like to be seen
    own.locks.acquire("main")
    rows = {row["user"]: row for row in hub(team, "report", *where)}
    assert (rows["bob"]["files"], rows["bob"]["bytes"], rows["bob"]["own_snapshot"]) == (3, 1013, True)
    assert rows["bob"]["holder"] == own.settings.holder_id
    assert rows["ann"]["files"] == 2
    assert [(one["user"], one["server"], one["path"]) for one in hub(team, "list", *where)] == [
        ("ann", "", str(folder / worktree_name(ANN) / "main")),
        ("bob", "", str(bob)),
    ]

    (failed,) = hub(team, "reset", "bob", *where, "--template", "template-1", status=4)
    assert failed["error"]["code"] == "E_LOCK_CONFLICT"
    own.locks.release("main")
    (bob / "unsaved.txt").write_text("unsaved")
    done = hub(team, "reset", "ann", "bob", *where, "--template", "template-1")
    assert [one["action"] for one in done] == ["unchanged", "reset"]
    assert not (bob / "mine.txt").exists()
    assert (folder / done[1]["kept_as"] / "main" / "unsaved.txt").exists()
    assert [one["action"] for one in hub(team, "reset", "bob", *where, "--template", "template-1")] == [
        "unchanged"
    ]

    (gone,) = hub(team, "archive", "bob", *where)
    assert Repository.open(folder / gone["kept_as"]).verify(every=True).ok
    assert [one["user"] for one in hub(team, "list", *where)] == ["ann"]
    assert [one["action"] for one in hub(team, "archive", "bob", *where)] == ["unchanged"]
    assert hub(team, "archive", "ann", *where, "--days", "3", status=2)["error"]["code"] == "E_USAGE"


def test_one_home_that_cannot_be_read_hides_no_other(team: Repository, folder: Path) -> None:
    make_home(folder, team, ANN, template="template-1", owner=None)
    broken = make_home(folder, team, Person("bob"), template="template-1", owner=None)
    (broken / ".jvs" / "format_version").write_text("99\n")
    assert [row["user"] for row in hub(team, "report", "--homes", str(folder), status=6)] == ["ann"]


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_a_home_whose_control_folder_is_somebody_elses_stops_no_other(team: Repository, folder: Path) -> None:
    make_home(folder, team, ANN, template="template-1", owner=None)
    planted = make_home(folder, team, Person("bob"), template="template-1", owner=None)
    os.chown(planted / ".jvs", 23402, 23402)
    for command in ("list", "report"):
        assert [row["user"] for row in hub(team, command, "--homes", str(folder), status=2)] == ["ann"]
    changed = hub(team, "reset", "ann", "bob", "--homes", str(folder), status=2)
    assert [one["action"] for one in changed] == ["unchanged", "failed"]
    assert changed[1]["error"]["code"] == "E_UNTRUSTED_REPOSITORY"


@pytest.mark.parametrize("told", ["7", '{"error": 7}', '[{"user": "eve"}]', "[7]", "{}x", '{"a": {}}'])
def test_an_answer_that_is_none_is_that_homes_alone(
    team: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    for name in ("ann", "bob"):
        make_home(folder, team, Person(name), template="template-1", owner=None)
    bob = str(folder / worktree_name(Person("bob")))

    def forged(module: str, words: list[str], **how: Any) -> subprocess.CompletedProcess[bytes]:
        if any(bob in word for word in words):
            return subprocess.CompletedProcess(words, 0, told.encode(), b"")
        return run(module, words, **how)

    run = warm.run
    monkeypatch.setattr(warm, "run", forged)
    for task, shape in (("list", Listing), ("report", Report), ("verify", Verified)):
        answers = ask_all(folder, task, lambda home: About(repository=home), shape)
        assert [(user.user, isinstance(answer, Refused)) for user, answer in answers] == [
            ("ann", False),
            ("bob", True),
        ]


def test_a_listed_users_home_is_found_by_the_hub(team: Repository, folder: Path) -> None:
    listed = make_home(folder, team, Person("ann"), template="template-1", owner=None)
    (listed / "main" / "mine.txt").write_text("mine")
    made = make_home(folder, team, ANN, template="template-1", owner=None)
    assert made == folder / worktree_name(ANN) != listed
    assert (made / "main" / "mine.txt").exists()
    other = make_home(folder, team, Person("ann", "", "8@2026-02-02"), template="template-1", owner=None)
    assert not (other / "main" / "mine.txt").exists()


def test_a_user_in_the_way_of_their_own_home_stops_nobody_elses(
    team: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_away(request: making.Making, settings: Settings | None = None) -> dict[str, Any]:
        done = make(request, settings)
        if "bob" in request.repository:
            Path(request.repository).rename(folder.parent / "elsewhere")
        return done

    make = making.make
    monkeypatch.setattr(making, "make", taken_away)
    people = [Person("ann"), Person("bob"), Person("cid")]
    done = list(all_homes.provide(folder, team, people, template=None, dry_run=False))
    assert [one.action for one in done] == ["created", "failed", "created"]
    assert [user.user for user, _ in homes(folder)] == ["ann", "cid"]
