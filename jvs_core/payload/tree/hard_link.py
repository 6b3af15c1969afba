"""One further name for a file of another folder of the same file system."""

from __future__ import annotations

import errno
import os

NO_MORE_NAMES = (
    errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOENT, errno.EACCES, errno.EOPNOTSUPP,
)  # fmt: skip


def link(previous: int, name: bytes, target: int) -> bool:
    """Link ``name`` of the folder ``previous`` into the folder ``target``; False where the system refuses."""
    try:
        os.link(name, name, src_dir_fd=previous, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno in NO_MORE_NAMES:
            return False
        raise
    return True
