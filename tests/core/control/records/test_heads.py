"""Heads: of any number of writers that saw the same one, one moves it."""

from __future__ import annotations

import os
import threading

import pytest

from jvs_core.control.layout import Layout
from jvs_core.control.records import heads, worktree
from jvs_core.errors import DescriptorCorrupt, FencingMismatch
from jvs_core.model import Worktree

IDS = [f"170000000000{number}-0000000{number}" for number in range(8)]


def made(layout: Layout) -> Worktree:
    return worktree.register(layout, "w", base=None, operation="worktree_create")


def move(layout: Layout, seen: Worktree, snapshot_id: str) -> Worktree:
    head = worktree.move(layout, "w", seen, operation="snapshot", token=1, snapshot_id=snapshot_id, undo=())
    return Worktree(seen.config, head)


def test_the_highest_number_counts_and_the_two_newest_are_kept(layout: Layout) -> None:
    seen = made(layout)
    for number, snapshot_id in enumerate(IDS, 2):
        seen = move(layout, seen, snapshot_id)
        assert worktree.get(layout, "w").head_snapshot_id == snapshot_id
        assert heads.numbers(layout, "w") == [number - 1, number]


def test_of_two_that_saw_the_same_head_one_moves_it(layout: Layout) -> None:
    seen = made(layout)
    move(layout, seen, IDS[0])
    with pytest.raises(FencingMismatch):
        move(layout, seen, IDS[1])
    assert worktree.get(layout, "w").head_snapshot_id == IDS[0]


def test_one_that_slept_until_its_number_was_free_again_moves_nothing(layout: Layout) -> None:
    late = made(layout)
    seen = late
    for snapshot_id in IDS[:4]:
        seen = move(layout, seen, snapshot_id)
    assert not (layout.heads("w") / "2").exists()
    with pytest.raises(FencingMismatch):
        move(layout, late, IDS[7])
    assert heads.numbers(layout, "w") == [4, 5]
    assert worktree.get(layout, "w").head_snapshot_id == IDS[3]


def test_of_many_at_once_exactly_one_wins(real_layout: Layout) -> None:
    seen = made(real_layout)
    won: list[str] = []

    def contend(snapshot_id: str) -> None:
        try:
            move(real_layout, seen, snapshot_id)
        except FencingMismatch:
            return
        won.append(snapshot_id)

    threads = [threading.Thread(target=contend, args=(each,)) for each in IDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [worktree.get(real_layout, "w").head_snapshot_id] == won
    assert [name for name in os.listdir(real_layout.heads("w")) if name.startswith(".")] == []


@pytest.mark.parametrize("damage", ["gone", "torn", "number", "worktree", "link"])
def test_a_head_that_is_none_is_named(layout: Layout, damage: str) -> None:
    seen = made(layout)
    head = layout.heads("w") / "1"
    if damage == "gone":
        head.unlink()
    elif damage == "torn":
        head.write_bytes(head.read_bytes()[:30])
    elif damage == "number":
        head.write_bytes(heads.encode(seen.head.changed(number=3)))
    elif damage == "worktree":
        head.write_bytes(heads.encode(seen.head.changed(worktree_id="00000000-0000-4000-8000-000000000001")))
    else:
        head.rename(layout.root / "elsewhere")
        head.symlink_to(layout.root / "elsewhere")
    with pytest.raises(DescriptorCorrupt):
        worktree.get(layout, "w")
    if damage == "link":
        assert (layout.root / "elsewhere").exists()
