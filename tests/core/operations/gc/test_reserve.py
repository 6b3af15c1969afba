"""The space that a collection gives up when there is no other."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.errors import NoSpace
from jvs_core.operations.gc import reserve


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(Repository.init(tmp_path / "repo").root, False)


def test_a_collection_makes_it_and_a_new_repository_has_none(layout: Layout) -> None:
    assert not layout.gc_reserve.exists()
    Repository(layout.root).gc.plan()
    assert layout.gc_reserve.stat().st_size == reserve.SIZE
    Repository(layout.root).gc.reserve()
    assert layout.gc_reserve.stat().st_size == reserve.SIZE
    assert Repository(layout.root).doctor(strict=True).healthy


@pytest.mark.parametrize(
    "full", [NoSpace("full"), OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "full")], ids=str
)
def test_without_space_the_work_is_done_once_more_without_it(layout: Layout, full: Exception) -> None:
    reserve.keep(layout)
    seen = []

    def work() -> int:
        seen.append(layout.gc_reserve.exists())
        if seen[-1]:
            raise full
        return 7

    assert reserve.spending(layout, work) == 7
    assert seen == [True, False]
    assert not layout.gc_reserve.exists()


def test_where_it_is_gone_or_something_else_is_wrong_the_error_is_told(layout: Layout) -> None:
    tries = []

    def work(error: Exception) -> None:
        tries.append(error)
        raise error

    with pytest.raises(NoSpace):
        reserve.spending(layout, lambda: work(NoSpace("full")))
    reserve.keep(layout)
    with pytest.raises(PermissionError):
        reserve.spending(layout, lambda: work(PermissionError(errno.EACCES, os.strerror(errno.EACCES))))
    assert len(tries) == 2
    assert layout.gc_reserve.exists()
