"""What is lost is told after a second look only, while nobody is changing anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.audit import ledger
from jvs_core.control.layout import Layout
from jvs_core.errors import JvsError
from jvs_core.operations.context import Context
from jvs_core.operations.log import lost
from jvs_core.settings import Settings


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    repo.snapshot("one", lock=True)
    repo.refs.create("name", "HEAD")
    repo.pins.create("HEAD")
    repo.worktrees.create("w", from_="HEAD")
    return repo


def context(repo: Repository) -> Context:
    return Context.open(Layout(repo.root), Settings.from_environment())


CHANGES: dict[str, Callable[[Repository], object]] = {
    "ref": lambda repo: repo.refs.delete("name"),
    "pin": lambda repo: repo.pins.delete(repo.pins.all()[0].pin_id),
    "worktree": lambda repo: repo.worktrees.remove("w"),
    "renamed": lambda repo: repo.worktrees.rename("w", "v"),
    "head": lambda repo: repo.snapshot("two", lock=True),
    "annotation": lambda repo: repo.annotate("HEAD", note="x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_the_log_was_read_is_not_lost(repo: Repository, change: str) -> None:
    before = ledger.read(Layout(repo.root))
    CHANGES[change](repo)
    assert lost.find(context(repo), before) == []
    lost.require_none(context(repo), before)


LOSSES: dict[str, Callable[[Path], object]] = {
    "ref": lambda control: (control / "refs/name.json").unlink(),
    "pin": lambda control: next((control / "gc/pins").iterdir()).unlink(),
    "worktree": lambda control: (control / "worktrees/w").rename(control.parent / "aside"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_gone_without_a_record_is_lost(repo: Repository, loss: str) -> None:
    LOSSES[loss](repo.root / ".jvs")
    before = ledger.read(Layout(repo.root))
    assert len(lost.find(context(repo), before)) == 1
    with pytest.raises(JvsError):
        lost.require_none(context(repo), before)
