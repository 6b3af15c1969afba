"""Where contenders work: one tree on one file system, and the clearing away between runs."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.workload import Workload
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem, juicefs_client

_QUIET_S = 0.15


@dataclass
class Stage:
    """A workload's one ``tree``, which all contenders read and change, so that its pages are equally warm for all.

    ``base`` lies on the measured file system; ``aside`` on another one, for caches and user state.
    """

    filesystem: FileSystem
    workload: Workload
    base: Path
    aside: Path
    tree: Path
    _generation: int = 0

    def fill(self) -> None:
        """Make the tree: on btrfs a subvolume, as a repository has it."""
        if self.filesystem.kind == "btrfs":
            subprocess.run(["btrfs", "subvolume", "create", self.tree], capture_output=True, check=True)
        else:
            self.tree.mkdir()
        self.workload.make(self.tree)

    def change(self) -> None:
        """Make the next ten changes, always in the same files: equally many for whoever looks next."""
        self._generation += 1
        self.workload.change(self.tree, self._generation)

    def remove(self, path: Path) -> None:
        """Remove what an earlier run made."""
        if not os.path.lexists(path):
            return
        client = juicefs_client()
        if self.filesystem.kind == "juicefs" and client is not None:
            subprocess.run([client, "rmr", path], capture_output=True, check=False)
        remove_directory(self.filesystem, path)

    def quieten(self) -> None:
        """Let what earlier runs left to write be written."""
        subprocess.run(["sync", "--file-system", self.base], check=True)
        time.sleep(_QUIET_S)
