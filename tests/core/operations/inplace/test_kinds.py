"""A path is restored whatever kind of thing it was, and whatever has its name now, also after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.operations.inplace import path_restore
from tests.crash import children
from tests.support.metadata import but_times, metadata_of


def _folder(path: Path, text: str) -> None:
    path.mkdir()
    (path / "in.txt").write_text(text)
    (path / "link").symlink_to(text)


KINDS: dict[str, Callable[[Path, str], object]] = {
    "file": lambda path, text: path.write_text(text),
    "folder": _folder,
    "link": lambda path, text: path.symlink_to(text),
    "link to a folder": lambda path, text: path.symlink_to("elsewhere" if text == "old" else "."),
    "fifo": lambda path, text: os.mkfifo(path, 0o600 if text == "old" else 0o640),
}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _changed(tmp_path: Path, was: str, now: str) -> tuple[Repository, Path]:
    """Return a repository with a snapshot of one kind of thing at ``thing``, which is another by now."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    main = repo.root / "main"
    (main / "elsewhere").mkdir()
    KINDS[was](main / "thing", "old")
    repo.snapshot("one", lock=True)
    _remove(main / "thing")
    KINDS[now](main / "thing", "new")
    return repo, main


@pytest.mark.parametrize("now", KINDS)
@pytest.mark.parametrize("was", KINDS)
def test_a_path_of_any_kind_takes_the_place_of_any_other(tmp_path: Path, was: str, now: str) -> None:
    repo, main = _changed(tmp_path, was, now)
    before = metadata_of(main)
    repo.restore_path("HEAD", "thing", inplace=True, reason="test", lock=True)
    wanted = metadata_of(repo.root / ".jvs/snapshots" / repo.resolve("HEAD~1") / "payload")
    assert repo.compare("HEAD~1").modified == []
    assert wanted.keys() == metadata_of(main).keys()
    repo.undo(lock=True)
    assert but_times(metadata_of(main)) == but_times(before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_of_any_kind_whose_restore_was_killed_is_in_nobodys_way(tmp_path: Path, kind: str) -> None:
    repo, main = _changed(tmp_path, kind, kind)
    again = Repository.open(main)

    def killed_before_the_exchange() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(path_restore, "require_unchanged", lambda *_: children.die())
            again.restore_path("HEAD", "thing", inplace=True, reason="test", lock=True)

    assert children.run(killed_before_the_exchange) == children.KILLED
    assert any(name.startswith(".jvs-restore-") for name in os.listdir(main))
    repo.snapshot("two", lock=True)
    assert sorted(os.listdir(main)) == ["elsewhere", "thing"]
    assert repo.doctor(strict=True).healthy
