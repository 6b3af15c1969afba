"""Quotas on JuiceFS: on the folder, set by the client in the volume's metadata engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jvs_core import JvsError


def limit(folder: Path, metadata: str, gib: int, files: int) -> None:
    """Let a folder hold ``gib`` GiB and so many files, 0: no limit; the clients know it within some ten seconds.

    ``metadata`` is the address of the volume's metadata engine. Its password belongs into ``META_PASSWORD``, not into
    the address, which other users can see. Can be set again. Raises JvsError with what the JuiceFS client said.
    """
    beside = str(Path(sys.executable).parent)
    client = shutil.which("juicefs", path=os.pathsep.join([os.environ.get("PATH", ""), beside]))
    if client is None:
        raise JvsError("a quota is configured, but there is no JuiceFS client", hint="install juicefs")
    words = ["--capacity", str(gib), "--inodes", str(files)] if gib or files else []
    command = [client, "quota", "set" if words else "delete", metadata, "--path", _inside(folder), *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise JvsError(f"JVS could not set a quota on {folder}: {done.stderr.strip()[-300:]}")


def _inside(folder: Path) -> str:
    """Return where the volume itself has a folder, below its mount point."""
    mount = folder
    while not os.path.ismount(mount):
        mount = mount.parent
    return "/" + str(folder.relative_to(mount))
