"""What the parts of a snapshot cost by themselves, done by the plainest program for each."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.contender import Operation, checksums
from tests.bench.process import Command, shell
from tests.bench.stage import Stage


@dataclass
class Floor:
    """A script with the tree as ``$1`` and a new folder as ``$2``, measured in turn with the first snapshots."""

    stage: Stage
    name: str
    script: str = ""
    processes: int = 0

    def prepare(self, operation: Operation) -> Command | None:
        """Return the script, for first snapshots only."""
        if operation != "first":
            return None
        if self.processes:
            return checksums(self.stage, self.stage.tree, self.processes)
        target = self.stage.base / "floor"
        self.stage.remove(target)
        return shell(self.script, self.stage.tree, target, folder=self.stage.base)


def floors(stage: Stage) -> list[Floor]:
    """Return the floors of the stage's file system."""
    kind = stage.filesystem.kind
    sums = 16 if kind == "juicefs" else 2
    found = [Floor(stage, f"reading: sha256sum, {sums} processes", processes=sums)]
    if kind != "juicefs":
        found.append(
            Floor(stage, "copying alone: cp -a --reflink=auto, no sync", 'cp -a --reflink=auto "$1" "$2"')
        )
    if kind in ("xfs", "ext4"):
        found.append(Floor(stage, "hard-linking alone: cp -al, sync -f", 'cp -al "$1" "$2"; sync -f "$2"'))
    if kind == "btrfs":
        script = 'btrfs subvolume snapshot -r "$1" "$2"; sync -f "$2"'
        found.append(Floor(stage, "btrfs subvolume snapshot, sync -f", script))
    return found
