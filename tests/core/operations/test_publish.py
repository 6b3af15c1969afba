"""A snapshot whose head was moved by somebody else is never published, however late that is noticed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository, files, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records import journal, worktree
from jvs_core.errors import FencingMismatch
from jvs_core.operations import publish
from tests.support.suspension import Stopped
from tests.support.walk import walk


class At(Stopped):
    """Does something when a step begins, and keeps the names of all steps."""

    def __init__(self, step: str, act: Callable[[], object]) -> None:
        super().__init__(step)
        self.act = act
        self.steps: list[str] = []

    def started(self, step: str, total: int | None = None) -> None:
        self.steps.append(step)
        if step == self.step and not self.there.is_set():
            self.there.set()
            self.act()


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main" / "notes.txt").write_text("notes")
    repo.snapshot("one", lock=True)
    return repo


def move(layout: Layout, name: str = "main") -> None:
    """Give a worktree its next head, as a restore does."""
    with critical.exclusive(layout.repository_lock):
        seen = worktree.get(layout, name)
        worktree.move(
            layout, name, seen, operation="restore", token=seen.head.fencing_token,
            snapshot_id=seen.head_snapshot_id, undo=(),
        )  # fmt: skip


def made(repo: Repository) -> set[bytes]:
    """Return what lies in the repository but for locks and heads, which belong to who was faster."""
    control = repo.root / ".jvs"
    ours = (b"snapshots", b"descriptors", b"intents", b"audit")
    return {found.path for found in walk(control) if found.path.split(b"/")[0] in ours}


@pytest.mark.parametrize("step", ["intent", "clone", "manifest", "ready"])
def test_a_snapshot_whose_head_moved_is_not_put_in_place(repo: Repository, step: str) -> None:
    before, log = made(repo), (repo.root / ".jvs/audit/audit.jsonl").read_bytes()
    at = At(step, lambda: move(Layout(repo.root)))
    with pytest.raises(FencingMismatch, match="while JVS took this snapshot"):
        repo.snapshot("two", lock=True, progress=at)
    assert "publish" not in at.steps
    assert made(repo) == before
    assert (repo.root / ".jvs/audit/audit.jsonl").read_bytes() == log


def test_a_snapshot_of_a_worktree_whose_name_is_another_s_by_now_is_not_put_in_place(
    repo: Repository,
) -> None:
    repo.worktrees.create("w", from_="HEAD")
    layout = Layout(repo.root)

    def meanwhile() -> None:
        with critical.exclusive(layout.repository_lock):
            worktree.rename(layout, "w", "elsewhere")
            worktree.register(layout, "w", base=None, operation="worktree_create")

    before = os.listdir(layout.snapshots)
    with pytest.raises(FencingMismatch, match="while JVS took this snapshot"):
        repo.snapshot("two", worktree="w", lock=True, progress=At("clone", meanwhile))
    assert os.listdir(layout.snapshots) == before
    assert worktree.get(layout, "w").head_snapshot_id is None
    assert worktree.get(layout, "w").head.number == 1


def test_a_head_that_moves_at_the_last_moment_takes_the_snapshot_back(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made(repo)
    layout = Layout(repo.root)

    def meanwhile() -> None:
        seen = worktree.get(layout, "main")
        worktree.move(
            layout, "main", seen, operation="restore", token=seen.head.fencing_token,
            snapshot_id=seen.head_snapshot_id, undo=(),
        )  # fmt: skip

    with pytest.raises(FencingMismatch, match="JVS published nothing"):
        repo.snapshot("two", lock=True, progress=At("catalog", meanwhile))
    assert made(repo) == before


def test_a_snapshot_whose_intent_was_cleared_away_is_not_put_in_place(repo: Repository) -> None:
    layout = Layout(repo.root)

    def meanwhile() -> None:
        for name in os.listdir(layout.intents):
            (layout.intents / name).unlink()

    before = os.listdir(layout.snapshots)
    at = At("fence", meanwhile)
    with pytest.raises(FencingMismatch, match="treated it as dead"):
        repo.snapshot("two", lock=True, progress=at)
    assert "publish" not in at.steps
    assert os.listdir(layout.snapshots) == before


@pytest.mark.parametrize("step", ["ready", "catalog"])
def test_a_lease_that_was_taken_over_publishes_nothing(repo: Repository, step: str) -> None:
    layout = Layout(repo.root)
    before = made(repo)

    def taken_over() -> None:
        folder = layout.locks(worktree.get(layout, "main").worktree_id)
        (folder / str(max(int(name) for name in os.listdir(folder)) + 1)).touch()

    at = At(step, taken_over)
    with pytest.raises(FencingMismatch, match="was taken over"):
        repo.snapshot("two", lock=True, progress=at)
    assert ("publish" in at.steps) == (step == "catalog")
    assert made(repo) == before


def test_what_the_log_knows_by_now_is_not_taken_back(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever completed the snapshot meanwhile has logged it; its own process, fenced at the head, leaves it."""
    log, move_head = publish._log, publish._move_head

    def completed(ctx: object, name: object, record: object, descriptor: object) -> None:
        log(ctx, name, descriptor, None)  # type: ignore[arg-type]  # passed on as they came
        raise FencingMismatch("the head moved")

    monkeypatch.setattr(publish, "_move_head", completed)
    with pytest.raises(FencingMismatch):
        repo.snapshot("two", lock=True)
    monkeypatch.setattr(publish, "_move_head", move_head)
    assert len(os.listdir(repo.root / ".jvs/snapshots")) == 2
    assert len(list((repo.root / ".jvs/descriptors").glob("*.json"))) == 2


def test_the_draft_is_durable_before_it_is_put_in_place(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    syncfs, rename_new, sync_folder = syncing._syncfs, files.rename_new, syncing.sync_folder
    snapshots = repo.root / ".jvs/snapshots"

    def whole(fd: int) -> None:
        told.append("content")
        syncfs(fd)

    def renamed(source: Path, target: Path) -> None:
        told.append("put in place" if target.parent == snapshots else "")
        rename_new(source, target)

    def synced(folder: Path) -> None:
        told.append("name" if folder == snapshots else "")
        sync_folder(folder)

    monkeypatch.setattr(syncing, "_syncfs", whole)
    monkeypatch.setattr(files, "rename_new", renamed)
    monkeypatch.setattr(syncing, "sync_folder", synced)
    repo.snapshot("two", lock=True, progress=At("ready", lambda: told.append("written")))
    told = [what for what in told if what]
    assert told[told.index("put in place") - 1] == "content"
    assert told[told.index("put in place") - 2] == "written"
    assert told[told.index("put in place") + 1] == "name"
    assert journal.pending(Layout(repo.root)) == ([], [])
