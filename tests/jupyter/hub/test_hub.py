"""A real hub, its proxy and its servers: from the first spawn to what is left of a deleted user."""

from __future__ import annotations

from jvs_core import Repository
from jvs_jupyter.hub.names import USER
from tests.jupyter.hub.hub import Hub


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
    hub.add("alice")
    hub.spawn("alice")
    name = worktree_of(repo, "alice")
    folder = repo.worktrees.path(name)
    assert (folder / "notes.txt").read_text() == "notes"
    held = repo.locks.status(name)
    assert held.state == "held"
    assert held.lock is not None
    assert held.lock.holder_id.startswith("alice@")

    place = hub.jvs("alice", "GET", "workspace?path=")
    assert (place["worktree"], place["lock"]["mine"]) == (name, True)
    (folder / "result.txt").write_text("42")
    operation = hub.done("alice", hub.jvs("alice", "POST", "snapshots", {"path": "", "note": "mine"}))
    assert operation["state"] == "done", operation
    assert operation["result"]["worktree"] == name

    hub.leave("alice")
    assert repo.locks.status(name).state == "free"
    hub.spawn("alice")
    assert worktree_of(repo, "alice") == name
    assert (folder / "result.txt").read_text() == "42"
    hub.leave("alice")
    created = [record for record in repo.audit.log() if record.operation == "worktree_create"]
    assert [record.worktree for record in created] == [name]
