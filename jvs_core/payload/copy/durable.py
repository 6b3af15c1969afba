"""Making a whole tree durable."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jvs_core import syncing
from jvs_core.payload.tree.content import READ_FLAGS
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import scan

FSYNC_THREADS = 16


def sync_tree(tree: Path, *, whole_file_system: bool = True) -> None:
    """Make everything below ``tree`` durable, its own name in the parent too.

    One ``syncfs``, which also writes back what others wrote to that file system. With ``whole_file_system`` false (for
    file systems whose ``syncfs`` does nothing, as JuiceFS) an ``fsync`` of every file and folder instead.
    """
    try:
        if whole_file_system:
            syncing.sync_file_system(tree)
        else:
            sync_each(tree)
            syncing.sync_folder(tree.parent)
    except OSError as error:
        raise translate(error, os.fsencode(tree)) from error


def sync_each(tree: Path) -> None:
    """Call ``fsync`` on every file and folder below ``tree``, from many threads: each is a round trip."""
    entries = scan(tree).entries
    share = max(1, -(-len(entries) // FSYNC_THREADS))
    slices = [entries[start : start + share] for start in range(0, len(entries), share)]
    with ThreadPoolExecutor(FSYNC_THREADS) as threads:
        for _ in threads.map(lambda part: _sync_all(tree, part), slices):
            pass


def _sync_all(tree: Path, entries: list[Entry]) -> None:
    with Folders(tree) as folders:
        for entry in entries:
            if entry.kind == FOLDER:
                os.fsync(folders.at(entry.path))
            elif entry.kind == FILE:
                folder, name = split(entry.path)
                fd = os.open(name, READ_FLAGS, dir_fd=folders.at(folder))
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
