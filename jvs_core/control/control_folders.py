"""The folders of the control plane: making those that are missing, and who may look into them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jvs_core import files
from jvs_core.control.layout import Layout
from jvs_core.control.names import inside
from jvs_core.errors import AlreadyExists, DescriptorCorrupt

CONTROL_FOLDERS = (
    "worktrees",
    "snapshots",
    "descriptors",
    "annotations",
    "refs",
    "locks",
    "intents",
    "audit",
    "runs",
    "damage",
    "kept",
    "gc",
    "gc/plans",
    "gc/pins",
    "gc/tombstones",
    "gc/trash",
)


def complete(layout: Layout) -> None:
    """Make the folders that are missing: empty and runtime ones are lost when a repository is moved.

    Raises PathEscape for a symbolic link in the place of one.
    """
    if not layout.shared and _is_complete(layout):  # in a shared one a crash may have left a mode to mend
        return
    folders = dict.fromkeys((layout.control / name for name in CONTROL_FOLDERS), layout.folder_mode)
    for folder, mode in {**folders, layout.root / "worktrees": layout.worktree_mode}.items():
        try:
            files.make_folder(folder, mode=mode, exist_ok=True)
        except AlreadyExists as error:
            inside(layout.root, folder)
            raise DescriptorCorrupt(f"{folder} is not a folder", hint="jvs doctor") from error


def _is_complete(layout: Layout) -> bool:
    there = {f"{above}{entry.name}" for above in ("", "gc/") for entry in _folders(layout, above)}
    return there.issuperset(CONTROL_FOLDERS) and _is_folder(layout.root / "worktrees")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _folders(layout: Layout, below: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(layout.control / below) as found:
            return [entry for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def close(layout: Layout, worktree: Path) -> None:
    """Take from others the rights in ``.jvs`` that they do not have in ``worktree``; a shared one keeps the group's.

    Records in ``.jvs`` reveal what the worktree holds. Only the owner of ``.jvs`` can do this; for others it does
    nothing.
    """
    now = os.lstat(layout.control)
    wanted = stat.S_IMODE(now.st_mode) & (os.stat(worktree).st_mode | ~0o077)
    wanted = (wanted | 0o2070) & ~0o007 if layout.shared else wanted & ~0o022
    if wanted != stat.S_IMODE(now.st_mode) and now.st_uid == os.geteuid():
        files.set_mode(layout.control, wanted)
