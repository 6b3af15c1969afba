"""The log is found wrong only where it still is while nobody is writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.control.records import refs
from jvs_core.operations.at_rest import at_rest
from jvs_core.operations.context import Context
from jvs_core.operations.log import report
from jvs_core.settings import Settings


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    repo.snapshot("one", lock=True)
    return repo


def context(repo: Repository) -> Context:
    return Context.open(Layout(repo.root), Settings.from_environment())


def before_rest(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have ``act`` done by somebody who holds the repository's lock until it is done."""

    @contextmanager
    def waited_for(ctx: Context) -> Iterator[None]:
        act()
        with at_rest(ctx):
            yield

    monkeypatch.setattr(report, "at_rest", waited_for)


def test_a_ref_whose_record_is_yet_to_come_is_no_error(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(repo)
    kept = repo.history()[0].descriptor.snapshot_id
    with ctx.critical():
        refs.create(ctx.layout, "name", kept, note="", by="ada")
    assert "E_REF_BROKEN" in str(report.check(ctx, refs_too=True).error)

    def publish() -> None:
        with ctx.critical():
            ctx.audit("ref_create", snapshot_id=kept, target="name")

    before_rest(monkeypatch, publish)
    assert report.check(ctx, refs_too=True).ok


def test_a_log_that_is_mended_while_it_is_read_is_no_error(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(repo)
    log = log_file.log_path(ctx.layout)
    sound = log.read_bytes()
    log.write_bytes(sound.replace(b"one", b"two"))
    assert not report.check(ctx).ok
    before_rest(monkeypatch, lambda: log.write_bytes(sound))
    assert report.check(ctx).ok
