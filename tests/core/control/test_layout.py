"""Where a repository is, and what is not one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from jvs_core import regular
from jvs_core.control import control_folders, identity
from jvs_core.control.control_folders import CONTROL_FOLDERS
from jvs_core.control.discovery import find_root
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, FormatUnsupported, NotARepository, PathEscape


def test_the_nearest_repository_above_is_found(layout: Layout, tmp_path: Path) -> None:
    deep = layout.root / "main" / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == find_root(layout.root) == layout.root
    inner = layout.root / "main" / "a" / "inner"
    (inner / ".jvs").mkdir(parents=True)
    (inner / "main").mkdir()
    assert find_root(inner / "main") == inner
    (tmp_path / "alias").symlink_to(deep)
    assert find_root(tmp_path / "alias") == layout.root
    for path in (tmp_path, tmp_path / "missing", layout.root / "main" / "none"):
        with pytest.raises(NotARepository):
            find_root(path)
    (tmp_path / ".jvs").write_text("a file is no repository")
    with pytest.raises(NotARepository):
        find_root(tmp_path)


def test_a_path_lies_in_a_worktree_or_counts_as_main(layout: Layout, tmp_path: Path) -> None:
    for path, name in (
        ("main/x", "main"),
        ("worktrees/w/x/y", "w"),
        ("worktrees/w", "w"),
        ("worktrees", "main"),
        ("", "main"),
        ("worktrees/.w.tmp/x", "main"),
    ):
        (layout.root / path).mkdir(parents=True, exist_ok=True)
        assert layout.worktree_at(layout.root / path) == name
    assert layout.worktree_at(tmp_path) == "main"
    (tmp_path / "alias").symlink_to(layout.root / "worktrees/w")
    assert layout.worktree_at(tmp_path / "alias") == "w"


def test_missing_folders_are_made_and_a_link_is_not_followed(layout: Layout, tmp_path: Path) -> None:
    for name in ("refs", "intents"):
        (layout.control / name).rmdir()
    assert layout.listing(layout.refs) == []
    control_folders.complete(layout)
    assert all((layout.control / name).is_dir() for name in CONTROL_FOLDERS)
    (layout.refs).rmdir()
    (tmp_path / "outside").mkdir()
    layout.refs.symlink_to(tmp_path / "outside")
    for use in (lambda: control_folders.complete(layout), lambda: layout.listing(layout.refs)):
        with pytest.raises(PathEscape):
            use()
    layout.refs.unlink()
    layout.refs.write_text("")
    with pytest.raises(DescriptorCorrupt, match="is not a folder"):
        control_folders.complete(layout)


def test_a_worktree_s_folder_is_no_link(layout: Layout) -> None:
    assert layout.worktree("main") == layout.root / "main"
    (layout.root / "worktrees").mkdir(exist_ok=True)
    (layout.root / "worktrees" / "w").symlink_to("/tmp")
    with pytest.raises(PathEscape):
        layout.worktree("w")


@pytest.mark.parametrize("content", [b"", b"1", b"02", b"2.0", b"two", b"\xff", b"3"])
def test_only_format_2_is_read(layout: Layout, content: bytes) -> None:
    path = layout.control / "format_version"
    for fine in (b"2", b"2\n", b" 2 \n"):
        path.write_bytes(fine)
        identity.check_format(layout)
    path.write_bytes(content)
    with pytest.raises(FormatUnsupported):
        identity.check_format(layout)
    path.unlink()
    with pytest.raises(FormatUnsupported, match="missing"):
        identity.check_format(layout)


def test_an_identity_is_a_uuid(layout: Layout) -> None:
    assert len(identity.repo_id(layout)) == 36
    for content in ("", "no uuid", "../../etc"):
        (layout.control / "repo_id").write_text(content)
        with pytest.raises(DescriptorCorrupt, match="repo_id"):
            identity.repo_id(layout)


def test_a_shared_repository_is_its_group_s(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "repo", shared=True)
    layout.root.mkdir()
    before = os.umask(0o077)
    try:
        layout.control.mkdir(mode=0o755)
        control_folders.complete(layout)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((layout.control / name).stat().st_mode) for name in CONTROL_FOLDERS}
    assert modes == {0o2770}
    (layout.root / "worktrees").chmod(
        0o3755
    )  # sticky by an admin's wish, the group's write access gone in a crash
    control_folders.complete(layout)
    assert stat.S_IMODE((layout.root / "worktrees").stat().st_mode) == 0o3775
    assert (layout.file_mode, Layout(layout.root).file_mode) == (0o660, None)


@pytest.mark.parametrize("gone", [True, False])
def test_a_file_that_another_client_removes_while_it_is_read_is_gone(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    path = layout.intents / "some.json"
    path.write_bytes(b"{}")
    assert layout.read(path) == b"{}"

    def fails(path: Path) -> tuple[bytes, os.stat_result]:
        if gone:
            path.unlink()
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(regular, "read_with_status", fails)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - which one is what this is about
        layout.read(path)
    assert isinstance(caught.value, FileNotFoundError) is gone
