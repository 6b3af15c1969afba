"""One path of a worktree as it is now: what stands there, and a file open for reading."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from jvs_core.errors import PathNotFound
from jvs_core.operations.browse import shown
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry, printable
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.regular import IN_THE_WAY
from jvs_core.results import TreeEntry

_KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: SYMLINK, stat.S_IFIFO: FIFO}


def stat_now(ctx: Context, name: str, path: str) -> TreeEntry:
    """Return what stands at a path of worktree ``name``; see ``Repository.stat_now``."""
    with _folder(ctx, name, path) as (folder, last, inner):
        st = os.stat(last, dir_fd=folder, follow_symlinks=False)
        kind = _KINDS.get(stat.S_IFMT(st.st_mode))
        if kind is None:
            raise FileNotFoundError(errno.ENOENT, "a socket or device")
        target = os.readlink(last, dir_fd=folder) if kind == SYMLINK else b""
        size = st.st_size if kind == FILE else 0
        entry = Entry(
            inner, kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, size, st.st_mtime_ns, target
        )
    return shown(entry).model_copy(update={"sha256": None})


def open_now(ctx: Context, name: str, path: str) -> io.BufferedReader:
    """Open a regular file of worktree ``name``; see ``Repository.open_now``."""
    with _folder(ctx, name, path) as (folder, last, _):
        fd, _ = content.open_regular(last, folder)
    return os.fdopen(fd, "rb")


@contextmanager
def _folder(ctx: Context, name: str, path: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Open the folder of a path; PathNotFound is raised for what is missing there, also in the block."""
    inner = payload_path(path)
    missing = PathNotFound(
        f"no {printable(inner)!r} in worktree {name!r}",
        hint="JVS does not follow links; jvs status lists what changed",
    )
    ctx.worktree(name)
    folder, last = split(inner)
    try:
        with Folders(ctx.layout.worktree(name)) as folders:
            yield folders.at(folder), last or b".", inner
    except Changed as error:
        raise missing from error
    except OSError as error:
        if error.errno in (*GONE, *IN_THE_WAY, errno.ENAMETOOLONG):
            raise missing from error
        raise translate(error, inner, reading=True) from error
