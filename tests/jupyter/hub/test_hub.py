"""A real hub, its proxy and its servers: from the first spawn to what is left of a deleted user."""

from __future__ import annotations

from urllib.parse import quote

import psutil
import pytest

from jvs_core import Repository
from jvs_jupyter.hub.names import USER
from tests.jupyter.hub.hub import Answer, Hub

pytestmark = pytest.mark.timeout(900)

# Names that a shell, a template, a path, a URL or a file system's limit would trip over; the first two read the same.
ALICE, CAROL = "-rf ålice {username} $(id) %2e%2e", "rf-alice-username-id-2e2e"
ERIN, FRANK = "日本 🙂", "ü" * 200


def worktree_of(repo: Repository, user: str, server: str = "") -> str:
    """Return the name of the one worktree that is labelled as a user's."""
    (name,) = [
        info.name
        for info in repo.worktrees.all()
        if info.labels.get(USER) == user and info.labels.get("hub.server") == server
    ]
    return name


def test_a_server_opens_in_its_own_worktree_holds_the_lock_and_gives_it_back(
    hub: Hub, repo: Repository
) -> None:
    hub.add(ALICE)
    hub.spawn(ALICE)
    name = worktree_of(repo, ALICE)
    folder = repo.worktrees.path(name)
    assert (folder / "notes.txt").read_text() == "notes"
    held = repo.locks.status(name)
    assert held.state == "held"
    assert held.lock is not None
    assert held.lock.holder_id.startswith(f"{ALICE}@")

    place = hub.jvs(ALICE, "GET", "workspace?path=")
    assert (place["worktree"], place["lock"]["mine"]) == (name, True)
    (folder / "result.txt").write_text("42")
    operation = hub.done(ALICE, hub.jvs(ALICE, "POST", "snapshots", {"path": "", "note": "mine"}))
    assert operation["state"] == "done", operation
    assert operation["result"]["worktree"] == name

    hub.leave(ALICE)
    assert repo.locks.status(name).state == "free"
    hub.spawn(ALICE)
    assert worktree_of(repo, ALICE) == name
    assert (folder / "result.txt").read_text() == "42"
    hub.leave(ALICE)
    created = [
        record
        for record in repo.audit.log()
        if record.operation == "worktree_create" and record.worktree == name
    ]
    assert [record.actor.split("@")[0] for record in created] == ["test"]


@pytest.mark.further
def test_server_and_hub_may_die_in_any_order(hub: Hub, repo: Repository) -> None:
    hub.add(CAROL)
    hub.spawn(CAROL)
    name = worktree_of(repo, CAROL)
    (repo.worktrees.path(name) / "result.txt").write_text("42")
    hub.server_process(CAROL).kill()
    hub.until(lambda: not hub.known(CAROL), "the hub sees that the server is gone")
    hub.until(lambda: repo.locks.status(name).state == "free", "the hub gave the dead server's lock back")
    hub.until(lambda: repo.history(name)[0].descriptor.tags == ("hub-stop",), "what it left was saved")

    hub.spawn(CAROL)
    hub.kill()
    lock = repo.locks.status(name).lock
    assert lock is not None
    until_renewed = lock.last_renewed_at

    def renewed() -> bool:
        found = repo.locks.status(name).lock
        return found is not None and found.last_renewed_at > until_renewed

    hub.until(renewed, "the server renews its lock without the hub")
    hub.start()
    hub.until(lambda: hub.ready(CAROL), "the hub knows its running server again")
    assert hub.jvs(CAROL, "GET", "workspace?path=")["lock"]["mine"]

    server = hub.server_process(CAROL)
    hub.kill()
    server.kill()
    hub.until(lambda: not psutil.pid_exists(server.pid), "nobody takes the dead server for a running one")
    hub.start()
    hub.until(lambda: not hub.known(CAROL), "the hub sees that the server is gone")
    hub.spawn(CAROL)  # at once: the dead server's lease is its own session's
    assert hub.jvs(CAROL, "GET", "workspace?path=")["lock"]["mine"]
    hub.leave(CAROL)
    assert repo.locks.status(name).state == "free"
    assert repo.doctor().healthy


@pytest.mark.further
def test_a_renamed_user_keeps_a_deleted_one_leaves_and_a_new_one_starts_afresh(
    hub: Hub, repo: Repository
) -> None:
    hub.add("dave")
    hub.spawn("dave")
    folder = repo.worktrees.path(worktree_of(repo, "dave"))
    (folder / "mine.txt").write_text("mine")
    hub.leave("dave")
    hub.api("PATCH", "users/dave", {"name": "davina"})
    hub.spawn("davina")
    folder = repo.worktrees.path(worktree_of(repo, "davina"))
    assert (folder / "mine.txt").read_text() == "mine"
    assert folder.name.startswith("davina-")

    hub.api("DELETE", "users/davina")
    hub.until(lambda: not folder.exists(), "the worktree is put away")
    assert any(pin.reason.startswith(f"archived worktree {folder.name} ") for pin in repo.pins.all())
    hub.add("davina")
    hub.spawn("davina")
    assert not (repo.worktrees.path(worktree_of(repo, "davina")) / "mine.txt").exists()
    hub.leave("davina")


def test_a_named_server_has_a_worktree_of_its_own_under_any_name(hub: Hub, repo: Repository) -> None:
    hub.add(ERIN)
    hub.spawn(ERIN, "gpu")
    name = worktree_of(repo, ERIN, "gpu")
    place = hub.jvs(ERIN, "GET", "workspace?path=", server="gpu")
    assert (place["worktree"], place["lock"]["mine"]) == (name, True)
    (repo.worktrees.path(name) / "mine.txt").write_text("mine")
    hub.leave(ERIN, "gpu")
    hub.api("PATCH", f"users/{quote(ERIN)}/servers/gpu", {"name": "big"})
    name = worktree_of(repo, ERIN, "big")
    assert (repo.worktrees.path(name) / "mine.txt").read_text() == "mine"
    hub.api("DELETE", f"users/{quote(ERIN)}/servers/big", {"remove": True})
    hub.until(lambda: name not in repo.worktrees.names(), "the named server's worktree is put away")


def test_a_spawn_is_refused_with_the_holders_name(hub: Hub, repo: Repository) -> None:
    hub.add(FRANK)
    hub.spawn(FRANK)
    hub.leave(FRANK)
    name = worktree_of(repo, FRANK)
    assert (hub.folder / "desks" / name).is_dir()
    repo.locks.acquire(name, purpose="nightly training")
    try:
        with pytest.raises(Answer) as refused:
            hub.spawn(FRANK)
    finally:
        repo.locks.release(name)
    assert refused.value.status == 409
    assert "ann@" in refused.value.body
    assert "nightly training" in refused.value.body
    hub.spawn(FRANK)
    hub.leave(FRANK)


def test_a_user_may_have_a_whole_repository(hub: Hub, repo: Repository) -> None:
    hub.add("own-hal")
    hub.spawn("own-hal")
    (home,) = [path for path in hub.own.iterdir() if not path.name.startswith(".")]
    own = Repository(home, settings=repo.settings)
    place = hub.jvs("own-hal", "GET", "workspace?path=")
    assert (place["worktree"], place["lock"]["mine"]) == ("main", True)
    assert (home / "main" / "notes.txt").read_text() == "notes"
    hub.spawn("own-hal", "gpu")
    name = worktree_of(own, "own-hal", "gpu")
    assert hub.jvs("own-hal", "GET", "workspace?path=", server="gpu")["worktree"] == name
    hub.leave("own-hal", "gpu")
    hub.leave("own-hal")
    assert [info.lock_state for info in own.worktrees.all()] == ["free", "free"]
    assert not any("own-hal" in worktree for worktree in repo.worktrees.names())
    hub.api("DELETE", "users/own-hal")
    hub.until(lambda: not home.exists(), "the repository is put away")
    assert [path.name.startswith(home.name) for path in (hub.own / ".archived").iterdir()] == [True]
