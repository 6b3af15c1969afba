"""Jupyter's own checkpoints, through its own REST interface, kept as snapshots."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
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
def said(jp_serverapp: Any) -> Iterator[list[str]]:
    """Return the lines of the server's log."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    jp_serverapp.log.addHandler(handler)
    yield lines
    jp_serverapp.log.removeHandler(handler)


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
    assert listed == made
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


async def test_while_somebody_else_holds_the_lock_jupyter_keeps_its_own_and_the_log_names_them(
    contents: Contents, repo: Repository, said: list[str]
) -> None:
    await contents.save(NOTEBOOK, "one")
    snapshot = (await contents.checkpoint(NOTEBOOK))["id"]
    ann = Repository(repo.root, settings=replace(repo.settings, user="ann", session="x"))
    ann.locks.acquire()
    await contents.save(NOTEBOOK, "two")
    assert (await contents.checkpoint(NOTEBOOK))["id"] == "checkpoint"
    assert any("Jupyter keeps its own" in line and "ann@" in line for line in said), said
    ann.locks.release()
    await contents.save(NOTEBOOK, "three")
    assert [item["id"] for item in await contents.checkpoints(NOTEBOOK)] == [snapshot, "checkpoint"]
    await contents.revert(NOTEBOOK, "checkpoint")
    assert await contents.word(NOTEBOOK) == "two"
    await contents.revert(NOTEBOOK, snapshot)
    assert await contents.word(NOTEBOOK) == "one"


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


def _of_another_format(control: Path) -> None:
    (control / "format_version").write_text("none of ours")


def _without_catalogue(control: Path) -> None:
    (control / "worktrees").rename(control.parent / "away")


def _a_file(control: Path) -> None:
    (control / "snapshots").rename(control.parent / "away")
    (control / "snapshots").write_text("")


@pytest.mark.parametrize("damage", [_of_another_format, _without_catalogue, _a_file])
async def test_in_a_repository_that_cannot_be_used_jupyter_keeps_its_own(
    contents: Contents, repo: Repository, jp_fetch: Any, said: list[str], damage: Callable[[Path], None]
) -> None:
    main = repo.root / "main"
    damage(repo.root / ".jvs")
    await contents.save(NOTEBOOK, "one")
    assert (await contents.checkpoint(NOTEBOOK))["id"] == "checkpoint"
    assert any("Jupyter keeps its own checkpoint: E_" in line for line in said), said
    assert [item["id"] for item in await contents.checkpoints(NOTEBOOK)] == ["checkpoint"]
    await contents.save(NOTEBOOK, "two")
    await contents.revert(NOTEBOOK, "checkpoint")
    assert await contents.word(NOTEBOOK) == "one"
    body = json.dumps({"path": "team/main/data/renamed.ipynb"})
    await jp_fetch("api", "contents", NOTEBOOK, method="PATCH", body=body)
    assert len(await contents.checkpoints("team/main/data/renamed.ipynb")) == 1
    assert not (main / ".ipynb_checkpoints").exists()
    await jp_fetch("api", "contents", "team/main/data/renamed.ipynb", method="DELETE")
    assert {path.name for path in (main / "data").iterdir()} == {"a.csv"}


async def test_a_fault_of_ours_keeps_nobody_from_saving(
    contents: Contents, repo: Repository, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("jvs_jupyter.server.services.Services.apart", fail)
    monkeypatch.setattr(Repository, "history", fail)
    await contents.save(NOTEBOOK, "one")
    assert (await contents.checkpoint(NOTEBOOK))["id"] == "checkpoint"
    assert any("ZeroDivisionError: a fault" in line for line in said)


async def test_a_notebook_that_moves_in_and_about_leaves_nothing_behind(
    contents: Contents, repo: Repository, jp_root_dir: Path, jp_fetch: Any
) -> None:
    await contents.save("plain.ipynb", "one")
    here = "plain.ipynb"
    for there in (NOTEBOOK, "team/main/data/trial.ipynb", "plain again.ipynb", NOTEBOOK):
        await jp_fetch("api", "contents", here, method="PATCH", body=json.dumps({"path": there}))
        await contents.checkpoints(there)
        here = there
    await jp_fetch("api", "contents", "team/main/data", method="PATCH", body='{"path": "team/main/moved"}')
    await jp_fetch("api", "contents", here, method="DELETE")
    assert list(repo.root.rglob(".ipynb_checkpoints")) == []
    assert (jp_root_dir / ".ipynb_checkpoints" / "plain-checkpoint.ipynb").exists()


@pytest.mark.parametrize("path", [NOTEBOOK, "plain.ipynb"])
@pytest.mark.parametrize("checkpoint", ["HEAD", "main", "1795953952000-00000000", "nonsense", "checkpoint"])
async def test_a_checkpoint_that_is_none_of_the_file_is_404(
    contents: Contents, repo: Repository, jp_fetch: Any, path: str, checkpoint: str
) -> None:
    await contents.save(path, "one")
    if path != NOTEBOOK and checkpoint == "checkpoint":
        await jp_fetch("api", "contents", path, "checkpoints", checkpoint, method="DELETE")
    await _is_unknown(jp_fetch, path, checkpoint)
    assert await contents.word(path) == "one"


async def test_what_holds_the_file_can_be_gone_back_to_and_nothing_else(
    contents: Contents, repo: Repository, jp_fetch: Any
) -> None:
    before = repo.snapshot("without it", lock=True).snapshot_id
    await contents.save(NOTEBOOK, "one")
    holding = repo.snapshot("by a terminal", lock=True).snapshot_id
    for snapshot in (before, holding[:10]):
        await _is_unknown(jp_fetch, NOTEBOOK, snapshot)
    assert [item["id"] for item in await contents.checkpoints(NOTEBOOK)] == [holding]
    await contents.save(NOTEBOOK, "two")
    await contents.revert(NOTEBOOK, holding)
    assert await contents.word(NOTEBOOK) == "one"


async def test_where_nothing_changed_there_is_no_other_checkpoint(
    contents: Contents, repo: Repository
) -> None:
    await contents.save(NOTEBOOK, "one")
    first = await contents.checkpoint(NOTEBOOK)
    assert (await contents.checkpoint(NOTEBOOK))["id"] == first["id"]
    (item,) = repo.history()
    assert (item.descriptor.snapshot_id, item.descriptor.kind) == (first["id"], "checkpoint")


async def _is_unknown(jp_fetch: Any, path: str, checkpoint: str) -> None:
    for method, options in (("POST", {"body": ""}), ("DELETE", {})):
        with pytest.raises(HTTPClientError) as refused:
            await jp_fetch("api", "contents", path, "checkpoints", checkpoint, method=method, **options)
        assert refused.value.code == 404


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
