"""``jvs hub``: what an admin types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_jupyter.hub.names import Person, worktree_name
from tests.jupyter.hub.hub import Answer, Hub


def jvs(team: Repository, *arguments: str, status: int = 0) -> Any:
    """Run ``jvs hub`` as a process and return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "jvs_core.cli", "--json", "--repo", str(team.root), "hub", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root provides for others")
def test_who_has_no_account_on_the_machine_is_named(team: Repository) -> None:
    command = [
        sys.executable,
        "-m",
        "jvs_core.cli",
        "--repo",
        str(team.root),
        "hub",
        "provision",
        "--user",
        "x",
    ]
    done = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    assert "x: there is no system user with that name" in done.stderr
    assert "useradd" in done.stderr


def test_a_term_from_the_first_list_to_the_last_day(team: Repository, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("# the course\nann\n\nbob\tgpu\n../../etc\nann\n")
    dry = jvs(team, "provision", "--users", str(users), "--template", "template-1", "--dry-run")
    assert [one["action"] for one in dry] == ["would_create"] * 3
    made = jvs(team, "provision", "--users", str(users), "--template", "template-1", "--as", "head teacher")
    assert [(one["user"], one["server"], one["action"]) for one in made] == [
        ("ann", "", "created"),
        ("bob", "gpu", "created"),
        ("../../etc", "", "created"),
    ]
    assert {Path(one["path"]).parent for one in made} == {team.root / "worktrees"}
    assert team.audit.log()[0].actor.startswith("head teacher@")
    again = jvs(team, "provision", "--users", str(users), "--template", "template-1")
    assert [one["action"] for one in again] == ["exists"] * 3

    ann = Path(made[0]["path"])
    (ann / "mine.txt").write_text("m" * 1000)
    team.snapshot("mine", worktree=made[0]["worktree"], lock=True)
    team.locks.acquire(made[1]["worktree"])
    rows = {row["user"]: row for row in jvs(team, "report")}
    assert rows["ann"]["own_snapshot"]
    assert (rows["ann"]["files"], rows["ann"]["bytes"]) == (3, 1013)
    assert rows["../../etc"]["own_snapshot"] is False
    assert rows["bob"]["holder"] == team.settings.holder_id
    measured = {row["user"]: row for row in jvs(team, "report", "--measure")}
    assert measured["ann"]["disk_bytes"] > 0

    reset = jvs(team, "reset", "ann", "--template", "template-1", "--as", "head teacher")
    assert [one["action"] for one in reset] == ["reset"]
    assert not (ann / "mine.txt").exists()
    assert (team.worktrees.path(reset[0]["kept_as"]) / "mine.txt").exists()
    assert [one["action"] for one in jvs(team, "reset", "ann", "--template", "template-1")] == ["unchanged"]

    assert [one["action"] for one in jvs(team, "archive", "ann")] == ["archived"]
    assert [one["action"] for one in jvs(team, "archive", "ann")] == ["unchanged"]
    assert [one["user"] for one in jvs(team, "list")] == ["../../etc", "bob"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("provision",),
        ("provision", "--users", "/no/such/file"),
        ("provision", "--users", "/dev/null", "--from-hub"),
        ("provision", "--users", "/dev/null", "--group", "a"),
        ("reset",),
        ("provision", "--from-hub"),
    ],
)
def test_who_is_meant_must_be_said(
    team: Repository, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_URL", raising=False)
    assert jvs(team, *arguments, status=2)["error"]["code"] == "E_USAGE"


@pytest.mark.timeout(900)
def test_the_hub_says_who_there_is_page_by_page(
    hub: Hub, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("pat", "quinn", "rita")
    hub.api("POST", "groups/course", {})
    hub.api("POST", "groups/course/users", {"users": ["pat", "rita"]})
    named = Person("pat", "gpu")
    repo.worktrees.create(worktree_name(named), from_="template-1", labels=named.labels)
    repo.locks.acquire(worktree_name(named))
    with pytest.raises(Answer):  # a server that the hub knows and that never ran
        hub.spawn("pat", "gpu")
    repo.locks.release(worktree_name(named))

    monkeypatch.setenv("JUPYTERHUB_API_URL", f"{hub.url}hub/api")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", hub.list_token)
    everybody = jvs(repo, "provision", "--from-hub", "--dry-run")
    users = {user["name"] for user in hub.api("GET", "users?limit=200")}
    assert len(users) == 2, "the hub's pages hold two"
    assert {one["user"] for one in everybody} >= {*users, "pat", "quinn", "rita"}

    course = ("--from-hub", "--group", "course", "--template", "template-1")
    made = jvs(repo, "provision", *course, "--as", "head teacher")
    assert sorted((one["user"], one["server"], one["action"]) for one in made) == [
        ("pat", "", "created"),
        ("pat", "gpu", "exists"),
        ("rita", "", "created"),
    ]
    (repo.worktrees.path(worktree_name(Person("pat"))) / "mine.txt").write_text("mine")
    done = jvs(repo, "reset", *course)
    assert sorted((one["user"], one["server"], one["action"]) for one in done) == [
        ("pat", "", "reset"),
        ("pat", "gpu", "unchanged"),
        ("rita", "", "unchanged"),
    ]
    listed = {(one["user"], one["server"]) for one in jvs(repo, "list")}
    assert listed >= {("pat", ""), ("pat", "gpu"), ("rita", "")}
    assert ("quinn", "") not in listed

    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "nobody's")
    assert "read:servers" in jvs(repo, "provision", "--from-hub", status=2)["error"]["hint"]


def test_one_who_fails_gives_the_exit_status(team: Repository, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("ann\nbob\n")
    team.worktrees.create(worktree_name(Person("ann")))
    made = jvs(team, "provision", "--users", str(tmp_path / "users.txt"), status=4)
    assert [one["action"] for one in made] == ["failed", "created"]


def test_a_record_that_cannot_be_read_stops_nothing_for_anybody_else(
    team: Repository, tmp_path: Path
) -> None:
    (tmp_path / "users.txt").write_text("ann\nbob\n")
    jvs(team, "provision", "--users", str(tmp_path / "users.txt"))
    config = team.root / ".jvs" / "worktrees" / worktree_name(Person("bob")) / "config.json"
    config.unlink()
    config.write_text("[" * 100_000)
    for command in ("list", "report"):
        assert [row["user"] for row in jvs(team, command, status=5)] == ["ann"]
    (tmp_path / "users.txt").write_text("bob\ncid\nann\n")
    made = jvs(team, "provision", "--users", str(tmp_path / "users.txt"), status=5)
    assert [one["action"] for one in made] == ["failed", "created", "exists"]
    assert [one["action"] for one in jvs(team, "archive", "ann")] == ["archived"]


def test_what_everybody_has_together_is_told_when_it_is_measured(team: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "homes"
    folder.mkdir()
    jvs(team, "provision", "--homes", str(folder), "--user", "ann")
    (row,) = jvs(team, "report", "--homes", str(folder), "--measure")
    assert row["snapshots_disk_bytes"] > 0
    assert row["left_bytes"] > 0
    command = [sys.executable, "-m", "jvs_core.cli", "--repo", str(team.root), "hub", "report", "--measure"]
    shown = subprocess.run([*command, "--homes", str(folder)], capture_output=True, text=True, check=True)
    last = shown.stdout.splitlines()[-1]
    assert last.startswith("1 worktree ")
    assert "snapshots" in last
