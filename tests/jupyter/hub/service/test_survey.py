"""Many users on one page at a time, and one whose repository answers nothing that is true."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.homes import archive_home, make_home
from jvs_jupyter.hub.looking import Report
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.report import Usage
from jvs_jupyter.hub.service import reading
from jvs_jupyter.hub.service.child import Place
from jvs_jupyter.hub.service.survey import Row
from tests.jupyter.hub.service.conftest import Served

Serve = Callable[..., Served]


def row(number: int) -> Usage:
    return Usage(
        user=f"user-{number:05}", server="", worktree="main", path="/srv", files=1, bytes=number, disk_bytes=None,
        last_snapshot_id="1-0", last_snapshot_at="2026-01-01T00:00:00.000Z", own_snapshot=True, lock_state="free",
        holder=None, lease_expires_at=None, left_bytes=100 + number,
    )  # fmt: skip


class Many:
    """Ten thousand homes; the one of ``user-00007`` cannot be asked."""

    root = homes = Path("/srv")

    def people(self) -> list[str]:
        return [row(number).user for number in range(10_000)]

    async def ask(self, user: str | None) -> Report:
        assert user is not None
        if user == "user-00007":
            raise Refused("E_CORRUPT", "the <b>log</b> is damaged", None, 6)
        return Report([row(int(user[5:]))], [])

    def place(self, user: str, worktree: str | None) -> Place:
        raise AssertionError


@pytest.fixture
def many() -> Any:
    return Many()


def test_of_ten_thousand_users_a_page_is_fifty(serve: Serve, many: Any) -> None:
    served = serve(site=many)
    first = served.get()
    assert first.count('data-label="User"') == 50
    assert "1 of 200" in first
    assert "10,000 users" in first
    assert "50 of 10,000 asked so far" in first
    assert "user-09999" in served.get(page="200")
    assert "user-09999" in served.get(page="999999999999")
    found = served.get(q="USER-0999")
    assert found.count('data-label="User"') == 10
    assert "Nobody like that" in served.get(q="<nobody>")


def test_all_that_is_known_is_sorted(serve: Serve, many: Any) -> None:
    served = serve(site=many)
    survey = served.desk.survey
    survey.rows = {name: Row(name, (row(int(name[5:])),), 9e12) for name in many.people()}
    assert served.get(sort="size").index("user-09999") < served.get(sort="size").index("user-09998")
    assert "user-09999" in served.get(sort="nonsense", only="nonsense", page="200")


def test_a_quota_and_what_it_leaves_is_on_both_pages(
    serve: Serve, many: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> list[Any]:
        return []

    served = serve(site=many)
    full = replace(row(8), left_bytes=0, quota_used_bytes=10_000_000, quota_bytes=10_000_000)
    served.desk.survey.rows = {row(8).user: Row(row(8).user, (full,), 9e12)}

    async def ask(user: str | None) -> list[Usage]:
        return [full if user == full.user else row(1)]

    many.ask = ask
    many.people = lambda: [full.user]
    assert '0 B <span class="text-secondary">of 10.0 MB</span>' in served.get()
    monkeypatch.setattr(reading, "beside", nothing)
    monkeypatch.setattr(reading, "templates", nothing)
    monkeypatch.setattr(reading, "newest", nothing)
    assert "10.0 MB of the quota of 10.0 MB used: <strong" in served.get("user", name=full.user)


def test_a_damaged_home_is_one_row_that_says_so(serve: Serve, many: Any) -> None:
    served = serve(site=many)
    text = served.get()
    assert "the &lt;b&gt;log&lt;/b&gt; is damaged" in text
    assert text.count(">10 B<") == 1
    only = served.get(only="trouble")
    assert only.count('data-label="User"') == 1
    assert served.desk.survey.failures == 1


@pytest.mark.parametrize(
    "told", ["7", '{"rows": [{"user": "eve"}], "unreadable": []}', "[7]", "{}x", '{"a": {}}', "[" * 100_000]
)
def test_what_a_home_makes_up_is_its_own_row_alone(
    serve: Serve, team: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    folder = tmp_path / "homes"
    folder.mkdir()
    for name in ("ann", "bob"):
        (folder / worktree_name(Person(name)) / ".jvs").mkdir(parents=True)

    def forged(_module: str, words: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        true = json.dumps({"rows": [row(1).to_json()], "unreadable": []})
        bob = str(folder / worktree_name(Person("bob")))
        answer = told if any(bob in word for word in words) else true
        return subprocess.CompletedProcess(words, 0, answer.encode(), b"")

    monkeypatch.setattr("jvs_jupyter.hub.command.warm.run", forged)
    served = serve(team.root, folder)
    names = {worktree_name(Person(name)): name for name in ("ann", "bob")}
    served.get()
    troubled = {names[row.user]: row.trouble is not None for row in served.desk.survey.rows.values()}
    assert troubled == {"ann": False, "bob": True}


def test_a_home_that_came_or_went_is_noticed(serve: Serve, team: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "homes"
    folder.mkdir()
    served = serve(team.root, folder)
    assert "Nobody has a worktree yet" in served.get()
    home = make_home(folder, team, Person("ann"), template="template-1", owner=None)
    assert ">ann</a>" in served.get()
    archive_home(folder, home)
    assert "Nobody has a worktree yet" in served.get()


def test_a_worktree_of_somebody_else_is_not_reached_by_its_name(serve: Serve, team: Repository) -> None:
    for user in ("ann", "bob"):
        person = Person(user)
        team.worktrees.create(worktree_name(person), from_="template-1", labels=person.labels)
    served = serve(team.root)
    served.get("snapshots", name="ann", worktree=worktree_name(Person("ann")))
    for name in (worktree_name(Person("bob")), "main", "../main", "x/../../y", "", "-x"):
        served.get("snapshots", status=404, name="ann", worktree=name)
        assert served.do("remove", name="ann", worktree=name).startswith("!Nothing was changed: ")
    assert len(team.worktrees.names()) == 3
