"""A folder that cannot be renamed whole: all of it arrives, nothing is gone over, and a crash is finished or undone."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from jvs_core import files, piecemeal, renames
from jvs_core.errors import AlreadyExists
from tests.support.metadata import metadata_of


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def no_folder_is_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the file system behave as overlayfs does with folders of a lower layer: those that the test makes."""
    real = renames._rename

    def refused(old: renames.Name, new: renames.Name, flag: int) -> None:
        here, name = old[0], os.fsdecode(old[1])
        if not name.endswith(".moving") and os.path.isdir(f"/proc/self/fd/{here}/{name}"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(old, new, flag)

    monkeypatch.setattr(renames, "_rename", refused)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "here" / "source"
    (source / "inner" / "most").mkdir(parents=True)
    (source / "empty").mkdir()
    for path in ("a", "inner/b", "inner/most/c"):
        (source / path).write_text(path)
    os.symlink("nowhere", source / "link")
    os.mkfifo(source / "pipe")
    os.setxattr(source / "inner", "user.colour", b"red")
    (source / "inner").chmod(0o2751)
    for path in ("inner/most", "inner", "empty", ""):
        os.utime(source / path, ns=(1, 10**18 + len(path)))
    (tmp_path / "there").mkdir()
    return source


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "there" / "target"


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Let the process end before the renaming or removal ``number``; nothing cleans up."""
    left = [number]

    def dying(real: object) -> object:
        def act(*arguments: object, **options: object) -> object:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*arguments, **options)  # type: ignore[operator]

        return act

    with suppress(Killed), monkeypatch.context() as patch:
        patch.setattr(renames, "_rename", dying(renames._rename))
        patch.setattr(os, "rmdir", dying(os.rmdir))
        patch.setattr(piecemeal, "give_back", lambda *_: None)
        yield


def test_all_of_it_arrives_as_it_was(source: Path, target: Path) -> None:
    before = metadata_of(source)
    files.rename_durable(source, target)
    assert metadata_of(target) == before
    assert (os.listdir(target.parent), os.listdir(source.parent)) == (["target"], [])


def test_it_goes_over_nothing(source: Path, target: Path) -> None:
    target.mkdir()
    before = metadata_of(source)
    with pytest.raises(AlreadyExists):
        files.rename_new(source, target)
    assert metadata_of(source) == before
    assert os.listdir(target) == []


def test_what_is_saved_meanwhile_is_kept_and_the_folder_stays(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = piecemeal._dress

    def late(*arguments: object) -> None:
        (source / "inner").mkdir(exist_ok=True)
        (source / "inner" / "saved").write_text("saved")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(piecemeal, "_dress", late)
    with pytest.raises(OSError, match="not empty"):
        files.rename_new(source, target)
    assert (source / "inner" / "saved").read_text() == "saved"
    assert (source / "inner" / "b").read_text() == "inner/b"
    assert not target.exists()


def test_a_name_that_was_saved_again_is_never_gone_over(source: Path, target: Path) -> None:
    stage = target.with_name(".target.moving")
    stage.mkdir()
    (stage / "a").write_text("moved already")
    with pytest.raises(AlreadyExists):
        files.rename_new(source, target)
    assert {(source / "a").read_text(), (stage / "a").read_text()} == {"a", "moved already"}


@pytest.mark.parametrize("back", [True, False], ids=["undone", "finished"])
def test_a_crash_at_any_point_is_finished_or_undone(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    content = {path.relative_to(source) for path in source.rglob("*")}
    for number in range(100):
        with killed_at(monkeypatch, number):
            files.rename_new(source, target)
        if target.exists():
            break
        if back:
            files.undo_rename(source, target)
            assert {path.relative_to(source) for path in source.rglob("*")} == content
        else:
            files.finish_rename(source, target)
            if target.exists():
                files.rename_new(target, source)
            assert {path.relative_to(source) for path in source.rglob("*")} == content
        assert os.listdir(target.parent) == []
    else:
        pytest.fail("it never came to an end")
    assert number > 8
    assert {path.relative_to(target) for path in target.rglob("*")} == content


def test_nothing_is_finished_or_undone_where_nothing_was_begun(source: Path, target: Path) -> None:
    before = metadata_of(source)
    files.finish_rename(source, target)
    files.undo_rename(source, target)
    assert metadata_of(source) == before
    assert not target.exists()


@pytest.mark.parametrize("back", [True, False], ids=["undone", "finished"])
def test_the_further_name_of_a_file_that_a_crash_left_goes(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    with killed_at(monkeypatch, 4):
        files.rename_new(source, target)
    stage = target.with_name(f".{target.name}.moving")
    whole = next(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    os.link(whole, stage / ".jvs-joined.moving")
    (files.undo_rename if back else files.finish_rename)(source, target)
    top = source if back else target
    assert top.is_dir()
    assert not list(top.rglob(".jvs-joined.moving"))
