"""Work in several threads, where one piece of it brings forth more: all of it is done once, and failures are raised."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from jvs_core import anchored
from jvs_core.errors import PathNotFound
from jvs_core.payload.tree import juicefs, walk
from jvs_core.payload.tree.stat_comparison import look
from jvs_core.payload.work.threads import unfold
from jvs_core.progress import Silent


class Heard(Silent):
    """Counts what is advanced, and in which threads."""

    def __init__(self) -> None:
        self.amount = 0
        self.threads: set[int] = set()

    def advanced(self, amount: int = 1) -> None:
        """Count."""
        self.amount += amount
        self.threads.add(threading.get_ident())


@pytest.mark.parametrize("count", [1, 2, 8])
def test_all_that_comes_is_done_once(count: int) -> None:
    done: list[int] = []

    @contextmanager
    def opened() -> Iterator[Callable[[int], Sequence[int]]]:
        def work(item: int) -> Sequence[int]:
            done.append(item)
            return [n for n in (2 * item, 2 * item + 1) if n < 1000]

        yield work

    unfold(1, opened, count)
    assert sorted(done) == list(range(1, 1000))


@pytest.mark.parametrize("count", [1, 4])
def test_the_first_failure_is_raised_and_ends_the_work(count: int) -> None:
    @contextmanager
    def opened() -> Iterator[Callable[[int], Sequence[int]]]:
        def work(item: int) -> Sequence[int]:
            if item == 50:
                raise LookupError(item)
            return [item + 1]  # without end

        yield work

    with pytest.raises(LookupError):
        unfold(1, opened, count)


def test_a_walk_in_many_threads_finds_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "tree"
    for number in range(40):
        (root / str(number % 7) / str(number)).mkdir(parents=True)
        (root / str(number % 7) / str(number) / "file").write_text(str(number))
    (root / "again").hardlink_to(root / "3" / "3" / "file")
    (root / "link").symlink_to("3")
    alone, together = Heard(), Heard()
    found = walk.scan(root, alone)
    assert alone.amount == len(found.entries)
    monkeypatch.setattr(juicefs, "mount_at", lambda directory: object())
    assert walk.scan(root, together) == found
    assert together.threads <= {threading.get_ident()}
    with pytest.raises(PathNotFound):
        walk.scan(root / "none")


def test_walks_in_many_threads_open_the_top_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        (tmp_path / str(number)).mkdir()
    opened: list[object] = []
    really = anchored.open_folder

    def open_folder(path: str | bytes | Path, flags: int = os.O_PATH) -> int:
        opened.append(path)
        return really(path, flags)

    monkeypatch.setattr(anchored, "open_folder", open_folder)
    monkeypatch.setattr(juicefs, "mount_at", lambda directory: object())
    found = walk.scan(tmp_path)
    assert opened == [tmp_path]
    look(tmp_path, found.entries, lambda position, status: True, threads=juicefs.THREADS)
    assert opened == [tmp_path] * 2


def test_threads_begin_when_there_is_work_for_them() -> None:
    entered: list[int] = []

    @contextmanager
    def opened() -> Iterator[Callable[[int], Sequence[int]]]:
        entered.append(threading.get_ident())
        yield lambda item: [item - 1] if item else ()

    unfold(50, opened, 16)
    assert entered == [threading.get_ident()]
