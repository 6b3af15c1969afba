"""The interpreter's collector does not go over the entries of a tree when an operation ends."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository

FILES = 2_000
ACTS: dict[str, Callable[[Repository], object]] = {
    "status": Repository.status,
    "snapshot_if_changed": lambda repo: repo.snapshot_if_changed("again", lock=True),
    "snapshot": lambda repo: repo.snapshot("again", lock=True),
    "restore": lambda repo: repo.restore("HEAD", name="back"),
    "restore_inplace": lambda repo: repo.restore_inplace("HEAD", reason="back", lock=True),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repo = Repository.init(tmp_path_factory.mktemp("held-back") / "repo")
    for number in range(FILES):
        (repo.root / "main" / f"{number}").touch()
    repo.snapshot("one", lock=True)
    return repo


@pytest.mark.parametrize("name", ACTS)
def test_no_collection_finds_the_entries_of_a_tree(repository: Repository, name: str) -> None:
    young: list[int] = []

    def begins(phase: str, _about: object) -> None:
        if phase == "start":
            young.append(len(gc.get_objects(generation=0)))

    Path(repository.root / "main" / "0").write_text(name)
    ACTS[name](repository)  # what is imported and built the first time counts as nothing
    before = gc.get_threshold()
    Path(repository.root / "main" / "0").write_text(f"{name}, again")
    if name == "restore":
        repository.worktrees.remove("back", force=True)
    gc.collect()
    gc.callbacks.append(begins)
    gc.set_threshold(100)
    try:
        ACTS[name](repository)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(begins)
    assert max(young, default=0) < FILES + FILES // 2  # a manifest that was read may be remembered
