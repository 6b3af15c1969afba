"""Ways in which a file of a payload ceases to be what was stored."""

from __future__ import annotations

import mmap
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jvs_core import Repository


def payload_file(repo: Repository, snapshot: str, path: str) -> Path:
    """Return where a file of a snapshot lies."""
    return Path(repo.show(snapshot).path) / path


@contextmanager
def unsealed(file: Path) -> Iterator[None]:
    """Let a file of a payload be written in the block, as its owner can; its mode is as before then."""
    mode = stat.S_IMODE(file.stat().st_mode)
    file.chmod(mode | 0o200)
    yield
    file.chmod(mode)


def overwrite(file: Path, data: str | bytes) -> None:
    """Write other content into a file of a payload."""
    with unsealed(file):
        file.write_bytes(data.encode() if isinstance(data, str) else data)


def rot(file: Path, at: int = 0) -> None:
    """Turn one byte over; size and time of modification stay."""
    st = file.stat()
    with unsealed(file), file.open("r+b") as data:
        data.seek(at)
        byte = data.read(1)[0]
        data.seek(at)
        data.write(bytes([byte ^ 1]))
    os.utime(file, ns=(st.st_atime_ns, st.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (st.st_size, st.st_mtime_ns)


def rot_below(file: Path, at: int = 0) -> None:
    """Turn one byte over so that no field of the inode shows it, as a store to a mapped file does on tmpfs; not of a sealed one."""
    before = file.stat()
    with file.open("r+b") as data, mmap.mmap(data.fileno(), 0) as mapped:
        mapped[at] ^= 1
    after = file.stat()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


def truncate(file: Path) -> None:
    """Cut off the last byte; the time of modification stays."""
    st = file.stat()
    with unsealed(file):
        os.truncate(file, st.st_size - 1)
    os.utime(file, ns=(st.st_atime_ns, st.st_mtime_ns))


def grow(file: Path) -> None:
    """Add a byte."""
    with unsealed(file), file.open("ab") as data:
        data.write(b"x")


def link(file: Path) -> None:
    """Put a link to a file of the very same content in its place."""
    elsewhere = file.with_name("elsewhere")
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def fifo(file: Path) -> None:
    """Put a FIFO that nobody writes to in its place."""
    file.unlink()
    os.mkfifo(file)


def folder(file: Path) -> None:
    """Put a folder in its place."""
    file.unlink()
    file.mkdir()


def link_above(file: Path) -> None:
    """Put a link to the very same folder in the place of the one that it lies in."""
    elsewhere = file.parent.with_name("elsewhere")
    file.parent.rename(elsewhere)
    file.parent.symlink_to(elsewhere)


def fifo_above(file: Path) -> None:
    """Put a FIFO in the place of the folder that it lies in."""
    shutil.rmtree(file.parent)
    os.mkfifo(file.parent)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "rot": rot,
    "truncated": truncate,
    "grown": grow,
    "missing": Path.unlink,
    "link": link,
    "fifo": fifo,
    "folder": folder,
    "link above": link_above,
    "fifo above": fifo_above,
}
