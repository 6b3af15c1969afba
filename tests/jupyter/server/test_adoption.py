"""The first minute: what keeping a history of a folder takes, and doing it in place."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.jupyter.server.interface import Interface
from tests.support.filesystems import bound


@pytest.fixture
def folder(jp_root_dir: Path, private_state: Path) -> Path:
    """Return a folder below the server's root, with two files and a cache."""
    folder = jp_root_dir / "my churn"
    (folder / ".venv" / "lib").mkdir(parents=True)
    (folder / ".venv" / "lib" / "big.so").write_bytes(b"x" * 10_000)
    (folder / "train.ipynb").write_text("{}")
    (folder / "data.csv").write_text("a,b\n")
    return folder


def is_link(path: Path) -> bool:
    return path.is_symlink()


async def estimate(server: Interface, path: str) -> dict[str, Any]:
    answer = await server.ask("GET", "adoption", path=path)
    assert answer.status == 200, answer.data
    return dict(answer.json)


async def adopt(server: Interface, path: str, **fields: Any) -> dict[str, Any]:
    return await server.done(
        await server.ask("POST", "repositories", {"path": path, "adopt": True, **fields})
    )


async def test_an_estimate_says_what_it_takes(server: Interface, folder: Path) -> None:
    found = await estimate(server, "my churn")
    assert (found["path"], found["files"], found["bytes"]) == ("my churn", 3, 10_006)
    assert (found["how"], found["reason"], found["complete"]) == ("rename", None, True)
    assert found["heavy"] == [{"path": ".venv", "files": 1, "bytes": 10_000}]
    assert (found["name"], found["repo_path"]) == ("my-churn-history", "my-churn-history")
    assert found["space"] > 0
    assert await estimate(server, "my churn/train.ipynb") == found
    assert sorted(os.listdir(folder.parent)) == ["my churn"]


async def test_a_folder_gets_a_history_where_it_is(server: Interface, folder: Path) -> None:
    kernel = await asyncio.create_subprocess_exec(
        "sh", "-c", "read line; echo $line > later.txt; readlink /proc/$$/cwd",
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    done = await adopt(server, "my churn")
    assert (done["kind"], done["state"]) == ("adopt", "done"), done
    result = done["result"]
    assert (result["path"], result["contents_path"]) == ("my churn", "my-churn-history")
    workspace = (await server.ask("GET", "workspace", path="my churn/train.ipynb")).json
    assert (workspace["head_snapshot_id"], workspace["inner_path"]) == (result["snapshot_id"], "train.ipynb")
    assert workspace["changes"]["clean"]
    assert (folder / "train.ipynb").read_text() == "{}"
    printed, _ = await kernel.communicate(b"written by a kernel that was there before\n")
    assert printed.decode().strip() == str(folder.parent / "my-churn-history" / "main")
    workspace = (await server.ask("GET", "workspace", path="my churn")).json
    assert workspace["changes"]["added"] == ["later.txt"]
    (row,) = (await server.ask("GET", "snapshots", path="my churn")).json["items"]
    assert (row["note"], row["kind"], row["is_head"]) == ("the folder as it was", "user", True)


async def test_the_servers_own_root_gets_a_history(
    server: Interface, folder: Path, jp_root_dir: Path
) -> None:
    assert (await estimate(server, ""))["how"] == "rename"
    done = await adopt(server, "")
    assert done["state"] == "done", done
    assert is_link(jp_root_dir)
    workspace = (await server.ask("GET", "workspace", path="my churn/train.ipynb")).json
    assert (workspace["inner_path"], workspace["worktree_path"]) == ("my churn/train.ipynb", "")
    taken = await server.snapshot("", "and on")
    assert taken["files"] == 3


class TestWithoutTheSurroundings:
    """A server that is not to use a repository around its root."""

    @pytest.fixture
    def extension_config(self) -> dict[str, Any]:
        return {"enclosing_repository": False}

    async def test_the_root_stays_as_it_is(self, server: Interface, folder: Path, jp_root_dir: Path) -> None:
        found = await estimate(server, "")
        assert (found["how"], found["reason"]["code"]) == (None, "E_FORBIDDEN")
        refused = await server.ask("POST", "repositories", {"path": "", "adopt": True})
        assert (refused.status, refused.code) == (403, "E_FORBIDDEN")
        assert not is_link(jp_root_dir)


async def test_a_folder_in_a_repository_has_a_history_already(server: Interface, repo: Repository) -> None:
    for path in ("team/main", "team/main/data", "team"):
        found = await estimate(server, path)
        assert (found["how"], found["reason"]["code"]) == (None, "E_USAGE"), path
        assert "team" in found["reason"]["message"]
        refused = await adopt(server, path)
        assert (refused["state"], refused["error"]["code"]) == ("failed", "E_USAGE")
    assert repo.doctor(strict=True).findings == []


async def test_a_home_folder_is_not_moved(
    server: Interface, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    found = await estimate(server, "my churn")
    assert found["how"] is None or found["reason"] is None  # the reading process may know the home of before
    refused = await adopt(server, "my churn")
    assert (refused["state"], refused["error"]["code"]) == ("failed", "E_USAGE")
    assert "home folder" in refused["error"]["message"]


@pytest.mark.realfs
async def test_a_mount_point_is_not_moved(server: Interface, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "mounted").mkdir()
    with bound(tmp_path / "elsewhere", folder / "mounted"):
        found = await estimate(server, "my churn/mounted")
        assert (found["how"], found["reason"]["code"]) == (None, "E_USAGE")
        assert "mount point" in found["reason"]["message"]
        refused = await adopt(server, "my churn/mounted")
        assert refused["error"]["code"] == "E_USAGE"


async def test_a_missing_folder_is_404(server: Interface, folder: Path) -> None:
    refused = await server.ask("GET", "adoption", path="nowhere")
    assert (refused.status, refused.code) == (404, "E_PATH_NOT_FOUND")


async def test_a_very_large_folder_is_counted_for_so_long(
    server: Interface, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Repository.estimate(folder, within_s=0)
    assert (found.complete, found.how) == (False, "rename")


async def test_cancelled_before_it_moves_the_folder_is_as_it_was(server: Interface, folder: Path) -> None:
    answer = await server.ask("POST", "repositories", {"path": "my churn", "adopt": True})
    operation_id = answer.json["operation"]["id"]
    await server.ask("DELETE", f"operations/{operation_id}")
    done = await server.done(answer)
    assert done["state"] in ("cancelled", "done")
    if done["state"] == "cancelled" and not is_link(folder):
        assert sorted(os.listdir(folder.parent)) == ["my churn"]
    assert (folder / "train.ipynb").read_text() == "{}"


async def test_what_does_not_go_with_adopting_is_refused(server: Interface, folder: Path) -> None:
    for wrong in ({"from": "my churn"}, {"engine": "copy"}):
        refused = await server.ask("POST", "repositories", {"path": "my churn", "adopt": True, **wrong})
        assert (refused.status, refused.code) == (400, "E_USAGE")
    refused = await server.ask("POST", "repositories", {"path": "new", "name": "other"})
    assert (refused.status, refused.code) == (400, "E_USAGE")
    for name in ("../out", "a/b", "..", ""):
        refused = await server.ask("POST", "repositories", {"path": "my churn", "adopt": True, "name": name})
        assert (refused.status, refused.code) == (422, "E_USAGE")
    taken = await server.ask("POST", "repositories", {"path": "my churn", "adopt": True, "name": "fine"})
    assert (await server.done(taken))["result"]["contents_path"] == "fine"


async def test_caches_and_more_can_be_left_out_of_the_history(server: Interface, folder: Path) -> None:
    (folder / "scratch.tmp").write_text("not kept")
    made = await adopt(server, "my churn", exclude=["*.tmp"], exclude_caches=True)
    assert made["state"] == "done"
    repo = Repository.open(folder)
    held = [entry.path for entry in repo.ls("HEAD", recursive=True)]
    assert held == ["data.csv", "train.ipynb"]
    assert (folder / ".venv" / "lib" / "big.so").exists()
    assert repo.status().clean
    refused = await server.ask("POST", "repositories", {"path": "other", "exclude": ["!"]})
    assert (refused.status, refused.json["error"]["code"]) == (400, "E_USAGE")
