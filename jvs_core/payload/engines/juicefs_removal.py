"""Removing a tree on JuiceFS: a large one by the client, inside the serving process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jvs_core.errors import EngineFailed
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.removal import remove_tree, require_unmounted

FEW_ENTRIES = 64
FORGET_SECONDS = 3.0


def remove(client: Path, tree: Path) -> None:
    """Remove ``tree``, in which nothing is mounted; a large one by ``juicefs rmr``, inside the serving process."""
    require_unmounted(tree)
    if _is_large(tree):
        try:
            juicefs.remove(client, tree)
        except EngineFailed:
            pass  # modes in the tree may forbid it: the other way sets them first
        else:
            _wait_until_gone(tree)
    remove_tree(tree)


def _is_large(tree: Path) -> bool:
    """Tell whether ``tree`` holds more than a few entries, without counting them all."""
    count = 0
    pending = [os.fsencode(tree)]
    while pending and count <= FEW_ENTRIES:
        try:
            with os.scandir(pending.pop()) as listing:
                for item in listing:
                    count += 1
                    if item.is_dir(follow_symlinks=False):
                        pending.append(item.path)
        except OSError:
            return False
    return count > FEW_ENTRIES


def _wait_until_gone(tree: Path) -> None:
    """Wait until the kernel, too, knows that ``tree`` was removed behind its back."""
    until = time.monotonic() + FORGET_SECONDS
    while os.path.lexists(tree) and time.monotonic() < until:
        time.sleep(0.02)
