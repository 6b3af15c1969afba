"""``with`` blocks of a repository raise what its methods raise, and leave alone what the caller's lines raise."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineFailed
from jvs_core.operations import locking, sandbox, temporary_worktrees
from jvs_core.repository.blocks import Translated


def refused(*_args: object, **_options: object) -> None:
    """Be the file system that is mounted read-only."""
    raise OSError(errno.EROFS, "Read-only file system", "/place")


@contextmanager
def block(*, begins: bool = True, ends: bool = True) -> Iterator[str]:
    """Be a block that may fail at its beginning and at its end."""
    if not begins:
        refused()
    yield "inside"
    if not ends:
        refused()


def test_the_beginning_and_the_end_are_translated() -> None:
    with pytest.raises(EngineFailed, match="/place: Read-only"), Translated(block(begins=False)):
        pytest.fail("it began")
    with pytest.raises(EngineFailed, match="/place: Read-only"), Translated(block(ends=False)) as found:
        assert found == "inside"


def test_what_the_callers_lines_raise_stays() -> None:
    with pytest.raises(FileNotFoundError, match="mine"), Translated(block()):
        raise FileNotFoundError("mine")
    with pytest.raises(ZeroDivisionError), Translated(block()):
        raise ZeroDivisionError


def test_every_block_of_a_repository_is_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repository.init(tmp_path / "repo", engine="copy")
    repo.snapshot("one", lock=True)

    def failing(*_args: object, **_options: object) -> AbstractContextManager[str]:
        return block(begins=False)

    monkeypatch.setattr(locking, "hold", failing)
    monkeypatch.setattr(sandbox, "sandbox", failing)
    monkeypatch.setattr(temporary_worktrees, "isolated_run", failing)
    for made in (repo.hold(), repo.sandbox(), repo.worktrees.isolated_run("run-a", from_="HEAD")):
        with pytest.raises(EngineFailed, match="/place: Read-only"):
            made.__enter__()
