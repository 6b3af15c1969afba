"""What each route answers."""

from __future__ import annotations

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


async def test_a_workspace_is_described(server: Interface, repo: Repository) -> None:
    answer = await server.ask("GET", "workspace", path="team/main/notes.txt")
    assert answer.status == 200, answer.data
    found = answer.json
    assert (found["worktree"], found["inner_path"]) == ("main", "notes.txt")
    assert (found["repo_path"], found["worktree_path"]) == ("team", "team/main")
    assert found["changes"]["added"] == ["data/a.csv", "notes.txt"]
    assert found["head_snapshot_id"] is None
    assert found["snapshot_engine"] == "copy"


async def test_a_snapshot_is_taken_and_listed(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main", "first", tags=["t"])
    assert (taken["note"], taken["tags"], taken["files"]) == ("first", ["t"], 2)
    page = (await server.ask("GET", "snapshots", path="team")).json
    assert [item["snapshot_id"] for item in page["items"]] == [taken["snapshot_id"]]
    assert page["next"] is None
    assert repo.history()[0].descriptor.snapshot_id == taken["snapshot_id"]
