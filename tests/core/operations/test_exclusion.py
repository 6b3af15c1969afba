"""A lock held against everybody is taken as any other one: above what was published, told where it is stolen."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.control.lock import lease_files, slots
from jvs_core.operations import locking
from jvs_core.operations.context import Context
from jvs_core.operations.exclusion import excluded
from jvs_core.settings import Settings


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    repo.snapshot("one", lock=True)
    repo.snapshot("two", lock=True)
    return Context.open(Layout(repo.root), Settings.from_environment())


def test_its_token_is_above_what_was_published(ctx: Context) -> None:
    published = ctx.worktree("main").head.fencing_token
    assert published == 2
    shutil.rmtree(ctx.layout.locks(ctx.worktree("main").worktree_id))
    with excluded(ctx, "main", "rename") as held:
        assert held.lease.token == published + 1


def test_one_taken_over_from_somebody_is_logged(ctx: Context) -> None:
    other = replace(ctx, settings=replace(ctx.settings, session="another"))
    lease = locking.acquire(other, "main", by_hand=False)
    path = ctx.layout.locks(lease.record.worktree_id) / str(lease.token)
    past = {"last_renewed_at": "2026-01-01T00:00:00.000Z", "lease_expires_at": "2026-01-01T00:00:01.000Z"}
    slots.update(path, lambda value: {**value, **past, "holder_id": "bob@there"})
    with excluded(ctx, "main", "rename"):
        pass
    stolen = [each for each in Repository.open(ctx.layout.root).audit.log() if each.operation == "lock_steal"]
    assert [each.details["from"] for each in stolen] == ["bob@there"]


def test_an_interrupted_one_is_given_back(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    tidy = lease_files.remove_superseded

    def interrupted(*args: Any, **named: Any) -> None:
        tidy(*args, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(lease_files, "remove_superseded", interrupted)
    with pytest.raises(KeyboardInterrupt), excluded(ctx, "main", "rename"):
        pass
    assert locking.status(ctx, "main").state != "held"
