"""Jupyter's own checkpoints, through its own REST interface, kept as snapshots."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jvs_core import Repository
from tests.support.damage import DAMAGES, payload_file

NOTEBOOK = "team/main/trial.ipynb"


@pytest.fixture
def jp_server_config(jp_server_config: dict[str, Any]) -> dict[str, Any]:
    """Keep checkpoints as snapshots, and wait for nobody."""
    name = "jvs_jupyter.server.checkpoints.JvsCheckpoints"
    return {
        **jp_server_config,
        "AsyncContentsManager": {"checkpoints_class": name},
        "JvsCheckpoints": {"wait_s": 0.0},
    }


class Contents:
    """Jupyter's contents interface."""

    def __init__(self, fetch: Any) -> None:
        self.fetch = fetch

    async def save(self, path: str, word: str) -> None:
        """Save a notebook that says a word."""
        cell = {"cell_type": "markdown", "metadata": {}, "source": word, "id": "a"}
        content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        body = json.dumps({"type": "notebook", "content": content})
        await self.fetch("api", "contents", path, method="PUT", body=body)

    async def word(self, path: str) -> str:
        """Return what a notebook says."""
        model = json.loads((await self.fetch("api", "contents", path)).body)
        return str(model["content"]["cells"][0]["source"])

    async def checkpoint(self, path: str) -> dict[str, Any]:
        """Make a checkpoint."""
        answer = await self.fetch("api", "contents", path, "checkpoints", method="POST", body="")
        return dict(json.loads(answer.body))

    async def checkpoints(self, path: str) -> list[dict[str, Any]]:
        """List the checkpoints of a file."""
        return list(json.loads((await self.fetch("api", "contents", path, "checkpoints")).body))

    async def revert(self, path: str, checkpoint: str) -> None:
        """Go back to a checkpoint."""
        await self.fetch("api", "contents", path, "checkpoints", checkpoint, method="POST", body="")


@pytest.fixture
def contents(jp_fetch: Any) -> Contents:
    """Return Jupyter's contents interface."""
    return Contents(jp_fetch)


async def test_a_notebook_has_many_checkpoints_and_goes_back_to_any(
    contents: Contents, repo: Repository
) -> None:
    made = []
    for word in ("one", "two", "three"):
        await contents.save(NOTEBOOK, word)
        made.append((await contents.checkpoint(NOTEBOOK))["id"])
    listed = [item["id"] for item in await contents.checkpoints(NOTEBOOK)]
    assert listed[1:] == made  # Jupyter makes the first one itself, when a notebook is new
    assert [item.descriptor.snapshot_id for item in repo.history()] == listed[::-1]
    await contents.revert(NOTEBOOK, made[0])
    assert await contents.word(NOTEBOOK) == "one"
    await contents.revert(NOTEBOOK, made[2])
    assert await contents.word(NOTEBOOK) == "three"
    assert repo.doctor(strict=True).healthy


async def test_reverting_keeps_what_was_not_checkpointed(contents: Contents, repo: Repository) -> None:
    await contents.save(NOTEBOOK, "one")
    checkpoint = await contents.checkpoint(NOTEBOOK)
    await contents.save(NOTEBOOK, "never checkpointed")
    (repo.root / "main" / "notes.txt").write_text("other work")
    await contents.revert(NOTEBOOK, checkpoint["id"])
    assert (repo.root / "main" / "notes.txt").read_text() == "other work"
    newest = repo.history()[0].descriptor
    assert "pre-restore" in newest.tags
    with repo.open_file(newest.snapshot_id, "trial.ipynb") as kept:
        assert b"never checkpointed" in kept.read()


async def test_nothing_is_left_in_the_notebooks_folder(contents: Contents, repo: Repository) -> None:
    before = {path.name for path in (repo.root / "main").iterdir()}
    await contents.save(NOTEBOOK, "one")
    await contents.checkpoint(NOTEBOOK)
    assert {path.name for path in (repo.root / "main").iterdir()} == before | {"trial.ipynb"}


async def test_checkpoints_belong_to_their_file(contents: Contents, repo: Repository) -> None:
    await contents.save(NOTEBOOK, "one")
    await contents.checkpoint(NOTEBOOK)
    mine = await contents.checkpoints(NOTEBOOK)
    await contents.save("team/main/other.ipynb", "two")
    others = await contents.checkpoints("team/main/other.ipynb")
    assert {item["id"] for item in mine}.isdisjoint(item["id"] for item in others)
    repo.snapshot("not a checkpoint", lock=True)
    assert await contents.checkpoints(NOTEBOOK) == mine


async def test_a_checkpoint_with_an_edited_note_stays_one(contents: Contents, repo: Repository) -> None:
    await contents.save(NOTEBOOK, "one")
    made = await contents.checkpoint(NOTEBOOK)
    mine = await contents.checkpoints(NOTEBOOK)
    repo.annotate(made["id"], note="before the talk", add_tags=["talk"], remove_tags=["checkpoint"])
    assert await contents.checkpoints(NOTEBOOK) == mine


async def test_a_deleted_notebook_leaves_its_snapshots(
    contents: Contents, repo: Repository, jp_fetch: Any
) -> None:
    await contents.save(NOTEBOOK, "one")
    checkpoint = await contents.checkpoint(NOTEBOOK)
    with pytest.raises(HTTPClientError, match="409"):
        await jp_fetch("api", "contents", NOTEBOOK, "checkpoints", checkpoint["id"], method="DELETE")
    await jp_fetch("api", "contents", NOTEBOOK, method="DELETE")
    assert repo.history()[0].descriptor.snapshot_id == checkpoint["id"]


async def test_a_notebook_can_be_renamed(contents: Contents, repo: Repository, jp_fetch: Any) -> None:
    await contents.save(NOTEBOOK, "one")
    await contents.checkpoint(NOTEBOOK)
    body = json.dumps({"path": "team/main/renamed.ipynb"})
    await jp_fetch("api", "contents", NOTEBOOK, method="PATCH", body=body)
    assert await contents.word("team/main/renamed.ipynb") == "one"


async def test_another_holder_is_named(contents: Contents, repo: Repository) -> None:
    Repository(repo.root, settings=replace(repo.settings, user="ann", session="x")).locks.acquire()
    await contents.save(NOTEBOOK, "one")
    assert await contents.word(NOTEBOOK) == "one"  # saving never waits for a lock
    with pytest.raises(HTTPClientError) as refused:
        await contents.checkpoint(NOTEBOOK)
    assert refused.value.code == 409
    assert refused.value.response is not None
    assert b"ann@" in refused.value.response.body


async def test_outside_a_repository_jupyters_own_are_used(contents: Contents, jp_root_dir: Path) -> None:
    await contents.save("plain.ipynb", "one")
    made = await contents.checkpoint("plain.ipynb")
    assert made["id"] == "checkpoint"
    await contents.save("plain.ipynb", "two")
    await contents.revert("plain.ipynb", "checkpoint")
    assert await contents.word("plain.ipynb") == "one"
    assert (jp_root_dir / ".ipynb_checkpoints").is_dir()


async def test_behind_a_link_out_of_the_root_jupyters_own_are_used(
    contents: Contents, jp_root_dir: Path, jp_fetch: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared")
    (jp_root_dir / "shared").symlink_to(shared)
    await contents.save("shared/n.ipynb", "one")
    assert [item["id"] for item in await contents.checkpoints("shared/n.ipynb")] == ["checkpoint"]
    await contents.save("shared/n.ipynb", "two")
    await contents.revert("shared/n.ipynb", "checkpoint")
    assert await contents.word("shared/n.ipynb") == "one"
    body = json.dumps({"path": "shared/m.ipynb"})
    await jp_fetch("api", "contents", "shared/n.ipynb", method="PATCH", body=body)
    await jp_fetch("api", "contents", "shared/m.ipynb", method="DELETE")
    assert not (shared / "m.ipynb").exists()


async def test_files_of_a_repository_that_cannot_be_read_are_saved_moved_and_deleted(
    contents: Contents, repo: Repository, jp_fetch: Any
) -> None:
    (repo.root / ".jvs" / "format_version").write_text("none of ours")
    await contents.save(NOTEBOOK, "one")
    assert await contents.word(NOTEBOOK) == "one"
    with pytest.raises(HTTPClientError):
        await contents.checkpoint(NOTEBOOK)
    with pytest.raises(HTTPClientError):
        await contents.checkpoints(NOTEBOOK)
    body = json.dumps({"path": "team/main/renamed.ipynb"})
    await jp_fetch("api", "contents", NOTEBOOK, method="PATCH", body=body)
    await jp_fetch("api", "contents", "team/main/renamed.ipynb", method="DELETE")
    assert not (repo.root / "main" / "renamed.ipynb").exists()


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_checkpoint_is_not_gone_back_to(
    contents: Contents, repo: Repository, damage: str
) -> None:
    path = "team/main/data/trial.ipynb"
    await contents.save(path, "one")
    checkpoint = (await contents.checkpoint(path))["id"]
    await contents.save(path, "two")
    DAMAGES[damage](payload_file(repo, checkpoint, "data/trial.ipynb"))
    with pytest.raises(HTTPClientError, match="409") as raised:
        await contents.revert(path, checkpoint)
    assert raised.value.response is not None
    assert "E_PAYLOAD_HASH_MISMATCH" in json.loads(raised.value.response.body)["message"]
    assert await contents.word(path) == "two"
