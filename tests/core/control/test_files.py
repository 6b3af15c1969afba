"""Regular files are read, and nothing else in their place is followed, waited for or read without end."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import files, regular
from jvs_core.errors import DescriptorCorrupt

pytestmark = pytest.mark.timeout(30)


def make_socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def link_to_a_file(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"elsewhere")
    path.symlink_to("elsewhere")


def make_longer(path: Path) -> None:
    path.touch()
    os.truncate(path, 4 << 40)


IN_ITS_PLACE: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "folder": os.mkdir,
    "socket": make_socket,
    "loop": lambda path: path.symlink_to(path.name),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "link": link_to_a_file,
    "longer": make_longer,
}


@pytest.mark.parametrize("make", IN_ITS_PLACE.values(), ids=IN_ITS_PLACE)
def test_what_is_no_file_of_its_kind_is_damage_with_its_path(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "record")
    for read in (regular.read_regular, regular.read_replaced):
        with pytest.raises(DescriptorCorrupt, match=str(tmp_path / "record")) as found:
            read(tmp_path / "record")
        assert found.value.hint


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 1])
def test_a_file_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    assert regular.read_regular(tmp_path / "file") == data
    assert regular.read_regular(tmp_path / "file", most=size) == data
    if size:
        with pytest.raises(DescriptorCorrupt, match=f"longer than {size - 1} bytes"):
            regular.read_regular(tmp_path / "file", most=size - 1)


def test_a_file_whose_size_says_nothing_is_read_to_its_end() -> None:
    found = regular.read_regular(Path("/proc/self/status"))
    assert found.startswith(b"Name:")
    with pytest.raises(DescriptorCorrupt):
        regular.read_regular(Path("/proc/self/status"), most=10)


def test_only_where_it_is_asked_for_a_link_is_followed_to_a_file(tmp_path: Path) -> None:
    link_to_a_file(tmp_path / "link")
    assert regular.read_regular(tmp_path / "link", follow=True) == b"elsewhere"
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "other").symlink_to("fifo")
    with pytest.raises(DescriptorCorrupt):
        regular.read_regular(tmp_path / "other", follow=True)


def test_a_fifo_that_the_caller_names_is_read_where_somebody_writes_to_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert regular.read_named(tmp_path / "fifo", 100) == b""
    reading, writing = os.pipe()

    def write() -> None:
        os.write(writing, b"late")
        os.close(writing)

    later = threading.Timer(0.2, write)
    later.start()
    assert regular.read_named(f"/proc/self/fd/{reading}", 100) == b"late"
    later.join()
    os.close(reading)
    assert regular.read_named("/dev/zero", 100) == b"\0" * 100


def test_of_a_link_only_the_link_is_removed(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "kept").touch()
    (tmp_path / "link").symlink_to("folder")
    files.remove_any(tmp_path / "link")
    assert os.listdir(tmp_path) == ["folder"]
    files.remove_any(tmp_path / "folder")
    files.remove_any(tmp_path / "folder")
    assert os.listdir(tmp_path) == []
