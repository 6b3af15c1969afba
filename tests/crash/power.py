"""Cut power: images of a mounted file system, each as the device was at one moment.

The file system lies in a file on another one that can share blocks, so an image of it is one atomic call and takes
no time; nothing is synced or frozen for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.filesystems import FileSystem
from tests.support.ledger import ledger_entry, unmount

_FICLONE = 0x40049409
# Copies carry the identity of the original, which XFS refuses to mount twice.
_OPTIONS = {"xfs": "loop,nouuid", "btrfs": "loop", "ext4": "loop"}


def copy_image(image: Path, target: Path) -> None:
    """Make ``target`` what a power cut at this moment would leave of the device behind ``image``."""
    with image.open("rb") as source, target.open("wb") as copy:
        fcntl.ioctl(copy, _FICLONE, source.fileno())


@contextlib.contextmanager
def mounted(kind: str, image: Path, mount: Path) -> Iterator[FileSystem]:
    """Mount an image on the folder ``mount``, journal replayed, for the block."""
    with ledger_entry() as undo:
        undo.callback(unmount, mount, patience=10)
        command = ["mount", "-t", kind, "-o", _OPTIONS[kind], str(image), str(mount)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield FileSystem(kind, mount, image=image)
