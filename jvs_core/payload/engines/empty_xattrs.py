"""Finding extended attributes without a value, which ``juicefs clone`` (1.4) cannot copy."""

from __future__ import annotations

import os
from pathlib import Path

from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import SYMLINK
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.stat_comparison import place
from jvs_core.payload.tree.walk import scan


def with_valueless_xattrs(root: Path) -> list[bytes]:
    """Return the paths in the tree ``root``, itself included, that have an extended attribute with an empty value."""
    found = []
    entries = scan(root, must_read=False).entries
    with Folders(root) as folders:
        for entry in entries:
            if entry.kind == SYMLINK:
                continue
            try:
                if _has_one(attributes.below(*place(folders, entry.path)) if entry.path else folders.top):
                    found.append(entry.path)
            except OSError as error:
                if error.errno not in (*GONE, *attributes.NO_XATTRS):
                    raise translate(error, entry.path, reading=True) from error
    return found


def _has_one(target: int | bytes) -> bool:
    follow = isinstance(target, int)
    return any(
        not os.getxattr(target, name, follow_symlinks=follow)
        for name in os.listxattr(target, follow_symlinks=follow)
    )
