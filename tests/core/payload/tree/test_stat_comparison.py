"""A quick look names what is not as expected, each path once, and follows no link."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core.payload.tree.entry import FOLDER, SYMLINK
from jvs_core.payload.tree.stat_comparison import FORMS, Differences, look
from jvs_core.payload.tree.walk import Scan, scan


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(20):
        (root / f"d{number:02}" / "inner").mkdir(parents=True)
        (root / f"d{number:02}" / "inner" / "file").write_text(str(number))
    (root / "link").symlink_to("d00")
    os.mkfifo(root / "pipe")
    return root


def looked(known: Scan, threads: int, seen: list[int] | None = None) -> Differences:
    """Look at the tree again; size and kind say what is the same."""

    def same(position: int, status: os.stat_result) -> bool:
        if seen is not None:
            seen.append(position)
        entry = known.entries[position]
        return status.st_mode & 0o170000 == FORMS[entry.kind] and (
            entry.kind in (FOLDER, SYMLINK) or status.st_size == entry.size
        )

    return look(known.root, known.entries, same, threads=threads)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_tree_that_is_as_it_was_is_looked_at_once(tree: Path, threads: int) -> None:
    known = scan(tree)
    seen: list[int] = []
    assert looked(known, threads, seen).paths() == []
    assert sorted(seen) == list(range(len(known.entries)))


def change_file(tree: Path) -> None:
    (tree / "d03/inner/file").write_text("longer")


def remove_folder(tree: Path) -> None:
    shutil.rmtree(tree / "d03")


def add_folder(tree: Path) -> None:
    (tree / "d03/new/deep").mkdir(parents=True)


def folder_to_link(tree: Path) -> None:
    shutil.rmtree(tree / "d03")
    (tree / "d03").symlink_to("d04")


def file_to_folder(tree: Path) -> None:
    (tree / "d03/inner/file").unlink()
    (tree / "d03/inner/file/x").mkdir(parents=True)


CHANGES: list[tuple[Callable[[Path], None], list[bytes], list[bytes], list[bytes]]] = [
    (change_file, [b"d03/inner/file"], [], []),
    (remove_folder, [], [b"d03", b"d03/inner", b"d03/inner/file"], []),
    (add_folder, [], [], [b"d03/new"]),
    (folder_to_link, [b"d03"], [b"d03/inner", b"d03/inner/file"], []),
    (file_to_folder, [b"d03/inner/file"], [], []),
]


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    ("change", "changed", "missing", "extra"), CHANGES, ids=[change.__name__ for change, *_ in CHANGES]
)
def test_what_differs_is_named_once(
    tree: Path,
    threads: int,
    change: Callable[[Path], None],
    changed: list[bytes],
    missing: list[bytes],
    extra: list[bytes],
) -> None:
    known = scan(tree)
    change(tree)
    found = looked(known, threads)
    assert (found.changed, found.missing, list(found.extra)) == (changed, missing, extra)
    assert found.paths() == sorted([*changed, *missing, *extra])


def test_a_judge_that_fails_ends_the_look(tree: Path) -> None:
    known = scan(tree)

    def fail(position: int, _status: os.stat_result) -> bool:
        if position > 5:
            raise ZeroDivisionError("no judgement")
        return True

    with pytest.raises(ZeroDivisionError, match="no judgement"):
        look(tree, known.entries, fail, threads=4)
