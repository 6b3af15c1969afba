"""Two slots in one file: the newest whole value is read, whatever a torn write left."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from jvs_core.control.lock import slots
from jvs_core.control.lock.slots import SLOT_BYTES
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, InputError, LockConflict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "slots"
    slots.create(found, {"n": 0})
    return found


def test_each_value_replaces_the_one_before_in_place(path: Path) -> None:
    inode = path.stat().st_ino
    for number in range(1, 6):
        slots.write(path, {"n": number})
        assert slots.read(path) == {"n": number}
    assert (path.stat().st_ino, path.stat().st_size) == (inode, 2 * SLOT_BYTES)


@pytest.mark.parametrize("written", [1, 2])
def test_a_torn_write_at_any_byte_leaves_the_value_before(path: Path, written: int) -> None:
    for number in range(1, written + 1):
        slots.write(path, {"n": number})
    before = path.read_bytes()
    slots.write(path, {"n": 99})
    after = path.read_bytes()
    start = ((written + 1) % 2) * SLOT_BYTES
    end = start + len(after[start : start + SLOT_BYTES].rstrip(b"\n\0"))
    for cut in range(start, end):
        path.write_bytes(before[:start] + after[start:cut] + before[cut:])
        assert slots.read(path) == {"n": written}, cut
    path.write_bytes(before[:start] + after[start:])
    assert slots.read(path) == {"n": 99}


def test_a_file_with_no_whole_slot_is_refused(path: Path) -> None:
    for data in (b"", b"\0" * 2 * SLOT_BYTES, b"x" * 2 * SLOT_BYTES, path.read_bytes()[10:]):
        path.write_bytes(data)
        with pytest.raises(DescriptorCorrupt, match="no readable record"):
            slots.read(path)
        with pytest.raises(DescriptorCorrupt):
            slots.update(path, lambda value: value)
    slots.write(path, {"n": 1})
    assert slots.read(path) == {"n": 1}


def test_creating_never_overwrites_and_a_value_must_fit(path: Path, tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists):
        slots.create(path, {"n": 1})
    with pytest.raises(InputError, match="longer than 4096"):
        slots.create(tmp_path / "long", {"text": "x" * SLOT_BYTES})
    with pytest.raises(InputError):
        slots.write(path, {"text": "x" * SLOT_BYTES})
    assert slots.read(path) == {"n": 0}
    assert not (tmp_path / "long").exists()


def test_updates_wait_for_each_other_and_a_refused_one_writes_nothing(path: Path) -> None:
    def count() -> None:
        for _ in range(20):
            slots.update(path, lambda value: {"n": value["n"] + 1})

    def refuse(value: dict[str, int]) -> dict[str, int]:
        raise ValueError("no")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slots.read(path) == {"n": 80}
    with pytest.raises(ValueError, match="no"):
        slots.update(path, refuse)
    assert slots.read(path) == {"n": 80}


def test_a_link_in_the_place_of_the_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(DescriptorCorrupt, match="symbolic link"):
        slots.read(tmp_path / "link")
    with pytest.raises(AlreadyExists):
        slots.create(tmp_path / "link", {})


def test_who_keeps_the_file_locked_holds_nobody_up_for_long(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may read a record may lock its file."""
    monkeypatch.setattr(slots, "_WAIT_S", 0.1)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LockConflict, match="did not end"):
            slots.update(path, lambda value: value)
        fcntl.flock(other, fcntl.LOCK_UN)
        slots.update(path, lambda value: {"n": value["n"] + 1})
    assert slots.read(path) == {"n": 1}
