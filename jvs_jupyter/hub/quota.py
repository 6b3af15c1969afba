"""Directory quotas, where the file system has them: on JuiceFS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from jvs_core import JvsError


@dataclass(frozen=True)
class Quota:
    """How much one worktree may hold; ``metadata`` is the address of the volume's metadata engine.

    Its password belongs into ``META_PASSWORD``, not into the address, which other users can see.
    """

    metadata: str
    gib: int = 0
    files: int = 0

    def apply(self, folder: Path) -> None:
        """Set the quota of ``folder``; the volume's clients know it within some ten seconds. Can be set again.

        Raises JvsError with what the JuiceFS client said.
        """
        client = shutil.which("juicefs", path=os.pathsep.join([os.environ.get("PATH", ""), _beside()]))
        if client is None:
            raise JvsError("a quota is configured and there is no JuiceFS client", hint="install juicefs")
        limits = [("--capacity", self.gib), ("--inodes", self.files)]
        words = [word for name, limit in limits if limit for word in (name, str(limit))]
        command = [client, "quota", "set", self.metadata, "--path", _inside(folder), *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise JvsError(f"no quota on {folder}: {done.stderr.strip()[-300:]}")


def _beside() -> str:
    return str(Path(sys.executable).parent)


def _inside(folder: Path) -> str:
    """Return where the volume itself has a folder, below its mount point."""
    mount = folder
    while not os.path.ismount(mount):
        mount = mount.parent
    return "/" + str(folder.relative_to(mount))
