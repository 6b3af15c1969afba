"""Fresh directories on a mounted file system, and their removal whatever a test left in them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.filesystems import FileSystem


@contextlib.contextmanager
def fresh_directory(filesystem: FileSystem) -> Iterator[Path]:
    """Yield an empty directory on the file system and remove it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="t-", dir=filesystem.mount))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        remove_directory(filesystem, directory)


def remove_directory(filesystem: FileSystem, directory: Path) -> None:
    """Remove a directory with everything below it: btrfs subvolumes, read-only snapshots, any name and depth."""
    if filesystem.kind == "btrfs":
        _delete_subvolumes(filesystem.mount, directory)
    if os.geteuid() != 0:
        subprocess.run(["chmod", "-R", "u+rwX", "--", directory], capture_output=True, check=False)
    # On JuiceFS the other client's last changes may still be on their way to this one.
    deadline = time.monotonic() + 5
    while True:
        done = subprocess.run(
            ["rm", "-rf", "--one-file-system", "--", directory], capture_output=True, text=True, check=False
        )
        if not os.path.lexists(directory):
            return
        if time.monotonic() > deadline:
            raise OSError(f"cannot remove {directory}: {done.stderr.strip()}")
        time.sleep(0.1)


def _delete_subvolumes(mount: Path, directory: Path) -> None:
    listing = subprocess.run(["btrfs", "subvolume", "list", mount], capture_output=True, check=True).stdout
    top = os.fsencode(directory.relative_to(mount))
    inside = [
        path
        for line in listing.splitlines()
        if (path := line.partition(b" path ")[2]) == top or path.startswith(top + b"/")
    ]
    subvolumes = [os.path.join(os.fsencode(mount), path) for path in sorted(inside, key=len, reverse=True)]
    if not subvolumes or _quietly("btrfs", "subvolume", "delete", *subvolumes):
        return
    # A read-only snapshot keeps what is nested in it.
    for subvolume in subvolumes:
        _quietly("btrfs", "property", "set", "-f", "-ts", subvolume, "ro", "false")
    _quietly("btrfs", "subvolume", "delete", *subvolumes)


def _quietly(*command: str | bytes) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
