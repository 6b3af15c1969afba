"""The register of worktrees: one record each, made and moved whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jvs_core import files, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.records import worktree
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, WorktreeNotFound
from jvs_core.model import Worktree

ONE, TWO = "1700000000000-00000001", "1700000000000-00000002"


def register(layout: Layout, name: str, *, base: str | None) -> Worktree:
    return worktree.register(layout, name, base=base, operation="worktree_create")


def test_a_worktree_is_registered_changed_renamed_and_gone(layout: Layout) -> None:
    made = register(layout, "w", base=ONE)
    assert (made.base_snapshot_id, made.head_snapshot_id) == (ONE, ONE)
    assert worktree.get(layout, "w") == made
    assert layout.locks(made.worktree_id).is_dir()
    worktree.move(layout, "w", made, operation="snapshot", token=7, snapshot_id=TWO, undo=[])
    worktree.rename(layout, "w", "v")
    found = worktree.get(layout, "v")
    assert (found.worktree_id, found.base_snapshot_id, found.head_snapshot_id) == (made.worktree_id, ONE, TWO)
    with pytest.raises(WorktreeNotFound, match="'w'"):
        worktree.get(layout, "w")
    worktree.unregister(layout, "v")
    assert worktree.names(layout) == []
    assert os.listdir(layout.control / "worktrees") == []


def test_a_name_is_given_once_and_a_failure_leaves_nothing(layout: Layout) -> None:
    first = register(layout, "w", base=None)
    register(layout, "v", base=None)
    with pytest.raises(AlreadyExists):
        register(layout, "w", base=ONE)
    with pytest.raises(AlreadyExists):
        worktree.rename(layout, "v", "w")
    assert worktree.get(layout, "w") == first
    assert sorted(os.listdir(layout.control / "worktrees")) == ["v", "w"]


@pytest.mark.parametrize("failing", ["the register", "the leases"])
def test_a_device_that_fails_leaves_no_worktree_of_that_name(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def refuse(path: Path, **_: object) -> None:
        if path.parent.name == "locks" or (path.name == "worktrees" and failing == "the register"):
            raise OSError(errno.EIO, "Input/output error", str(path))
        real(path, **_)

    module, name = (syncing, "sync_folder") if failing == "the register" else (files, "make_folder")
    real = getattr(module, name)
    monkeypatch.setattr(module, name, refuse)
    with pytest.raises(OSError, match="Input/output"):
        register(layout, "w", base=ONE)
    monkeypatch.setattr(module, name, real)
    assert worktree.names(layout) == []
    assert os.listdir(layout.control / "worktrees") == []
    register(layout, "w", base=ONE)


def test_an_id_is_never_used_again(layout: Layout) -> None:
    ids = set()
    for _ in range(5):
        ids.add(register(layout, "w", base=None).worktree_id)
        worktree.unregister(layout, "w")
    assert len(ids) == 5


def test_main_is_listed_first_and_foreign_names_not_at_all(layout: Layout) -> None:
    for name in ("z", "main", "a"):
        register(layout, name, base=None)
    (layout.control / "worktrees" / ".x.tmp").mkdir()
    (layout.control / "worktrees" / "file").write_text("")
    assert worktree.names(layout) == ["main", "a", "z"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "no", "main\n", "../worktrees/w"])
def test_a_name_that_is_none_is_not_found(layout: Layout, name: str) -> None:
    register(layout, "w", base=None)
    with pytest.raises(WorktreeNotFound):
        worktree.get(layout, name)


def test_a_damaged_record_is_named(layout: Layout) -> None:
    register(layout, "w", base=None)
    layout.worktree_config("w").write_text("{}")
    with pytest.raises(DescriptorCorrupt, match="'w'"):
        worktree.get(layout, "w")
    layout.worktree_config("w").unlink()
    with pytest.raises(DescriptorCorrupt, match="'w'"):
        worktree.get(layout, "w")
