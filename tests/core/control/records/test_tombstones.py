"""Tombstones: a batch is durable at one sync, and before anybody sees one of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import files, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.records import tombstones
from jvs_core.errors import DescriptorCorrupt
from jvs_core.model import Tombstone


def tombstone(number: int, plan: str = "a" * 12) -> Tombstone:
    return Tombstone(
        snapshot_id=f"1700000000000-{number:08x}",
        plan_id=plan,
        removed_at="2026-01-01T00:00:00.000Z",
        removed_by="ada@here",
        stub=False,
        descriptor={"note": f"{number}"},
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the list of what is synced and renamed from now on."""
    made: list[tuple[str, str]] = []

    def noted(name: str, function: Callable[..., None]) -> Callable[..., None]:
        def call(path: Path | int, *others: Path) -> None:
            function(path, *others)
            made.append((name, path.name if isinstance(path, Path) else ""))

        return call

    for name in ("sync_file", "sync_folder", "_syncfs"):
        monkeypatch.setattr(syncing, name, noted(name, getattr(syncing, name)))
    monkeypatch.setattr(files, "rename_new", noted("rename_new", files.rename_new))
    return made


def test_a_batch_is_written_whole_and_read_back(real_layout: Layout) -> None:
    wanted = [tombstone(number) for number in range(40)]
    tombstones.write(real_layout, wanted)
    assert set(tombstones.TOMBSTONES.keys(real_layout)) == {found.snapshot_id for found in wanted}
    assert [tombstones.TOMBSTONES.find(real_layout, found.snapshot_id) for found in wanted] == wanted
    assert len(os.listdir(real_layout.gc / "tombstones")) == 40


def test_one_sync_is_enough_for_a_batch_and_comes_before_the_first_name(
    layout: Layout, calls: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "syncfs_works", lambda path: True)
    tombstones.write(layout, [tombstone(number) for number in range(40)])
    assert [name for name, _ in calls if name != "sync_folder"] == ["_syncfs", *["rename_new"] * 40]
    assert calls[-1] == ("sync_folder", "tombstones")


def test_where_syncfs_does_nothing_every_file_is_synced_before_the_first_name(
    layout: Layout, calls: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "syncfs_works", lambda path: False)
    wanted = [tombstone(number) for number in range(40)]
    tombstones.write(layout, wanted)
    temporary = {("sync_file", f"{found.snapshot_id}.json.tmp") for found in wanted}
    assert set(calls[:40]) == temporary
    assert [name for name, _ in calls[40:80]] == ["rename_new"] * 40


def test_one_that_stands_is_left_and_what_a_crash_left_is_replaced(layout: Layout) -> None:
    first = tombstone(1)
    tombstones.write(layout, [first])
    left = layout.gc / "tombstones" / f"{tombstone(2).snapshot_id}.json.tmp"
    left.write_text("half")
    tombstones.write(layout, [tombstone(1, plan="b" * 12), tombstone(2)])
    assert tombstones.TOMBSTONES.find(layout, first.snapshot_id) == first
    assert tombstones.TOMBSTONES.find(layout, tombstone(2).snapshot_id) == tombstone(2)
    assert not left.exists()


def test_a_batch_that_cannot_be_synced_leaves_no_name(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path | int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(syncing, "_syncfs", refuse)
    monkeypatch.setattr(syncing, "sync_file", refuse)
    with pytest.raises(OSError, match="Input/output"):
        tombstones.write(layout, [tombstone(number) for number in range(5)])
    assert os.listdir(layout.gc / "tombstones") == []


def test_a_damaged_one_is_listed_and_not_read(layout: Layout) -> None:
    tombstones.write(layout, [tombstone(1)])
    tombstones.TOMBSTONES.place(layout, tombstone(1).snapshot_id).write_text("{")
    assert set(tombstones.TOMBSTONES.keys(layout)) == {tombstone(1).snapshot_id}
    with pytest.raises(DescriptorCorrupt):
        tombstones.TOMBSTONES.find(layout, tombstone(1).snapshot_id)
