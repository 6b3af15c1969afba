"""Checkpoints under contents managers of every kind: at once or awaited, on the file system or elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager, LargeFileManager
from jupyter_server.services.contents.manager import ContentsManager
from traitlets.config import Config

from jvs_core import Repository
from jvs_jupyter.server.checkpoints import JvsCheckpoints

MODEL = {
    "type": "notebook",
    "content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
}


class Database(ContentsManager):
    """A manager whose paths are none of the file system, as one for a database has."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.models: dict[str, dict[str, Any]] = {}

    def get(self, path: str, *_wanted: Any, **_options: Any) -> dict[str, Any]:
        """Return a model."""
        return self.models[path]

    def save(self, model: dict[str, Any], path: str) -> dict[str, Any]:
        """Keep a model."""
        self.models[path] = {**model, "format": "text"}
        return self.models[path]


class Hybrid(ContentsManager):
    """A manager of managers, as `hybridcontents` is one: each path belongs to one of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.files = FileContentsManager(parent=self, root_dir=self.root_dir)

    def __getattribute__(self, name: str) -> Any:
        if name in (
            "save",
            "create_checkpoint",
            "restore_checkpoint",
            "list_checkpoints",
            "delete",
            "rename",
        ):
            return getattr(self.files, name)
        return super().__getattribute__(name)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Return a repository below a server's root."""
    (tmp_path / "root").mkdir()
    return Repository.init(tmp_path / "root" / "team", engine="copy")


def configured(tmp_path: Path) -> Config:
    """Return a server's configuration."""
    own = {"root_dir": str(tmp_path / "root"), "checkpoints_class": JvsCheckpoints}
    return Config(
        ContentsManager=own, AsyncContentsManager=own, GenericFileCheckpoints={"root_dir": str(tmp_path)}
    )


@pytest.mark.parametrize("manager_class", [FileContentsManager, LargeFileManager, Hybrid])
def test_a_manager_that_is_not_asynchronous_has_its_checkpoints_at_once(
    repo: Repository, tmp_path: Path, manager_class: type[ContentsManager]
) -> None:
    manager: Any = manager_class(config=configured(tmp_path))
    path = "team/main/n.ipynb"
    manager.save(MODEL, path)
    made = manager.create_checkpoint(path)
    assert [item["id"] for item in manager.list_checkpoints(path)] == [made["id"]]
    assert repo.history()[0].descriptor.snapshot_id == made["id"]
    file = repo.root / "main" / "n.ipynb"
    before = json.loads(file.read_bytes())
    file.write_text("broken")
    manager.restore_checkpoint(made["id"], path)
    assert json.loads(file.read_bytes()) == before
    manager.rename(path, "team/main/m.ipynb")
    manager.delete("team/main/m.ipynb")
    manager.save(MODEL, "plain.ipynb")
    assert [item["id"] for item in manager.list_checkpoints("plain.ipynb")] == ["checkpoint"]
    assert list((repo.root / "main").iterdir()) == []


async def test_an_asynchronous_manager_awaits_them(repo: Repository, tmp_path: Path) -> None:
    manager: Any = AsyncLargeFileManager(config=configured(tmp_path))
    await manager.save(MODEL, "team/main/n.ipynb")
    found = await manager.list_checkpoints("team/main/n.ipynb")
    assert [item["id"] for item in found] == [repo.history()[0].descriptor.snapshot_id]


def test_a_path_in_a_database_is_no_file_of_a_repository(repo: Repository, tmp_path: Path) -> None:
    manager: Any = Database(config=configured(tmp_path))
    path = "team/main/n.txt"
    manager.save({"type": "file", "content": "one"}, path)
    (tmp_path / path).parent.mkdir(parents=True)
    made = manager.create_checkpoint(path)
    assert made["id"] == "checkpoint"
    manager.save({"type": "file", "content": "two"}, path)
    assert [item["id"] for item in manager.list_checkpoints(path)] == ["checkpoint"]
    manager.restore_checkpoint("checkpoint", path)
    assert manager.models[path]["content"] == "one"
    assert repo.history() == []
