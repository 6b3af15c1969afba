"""What a contender is, and the one that all others are compared with: a plain copy."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from tests.bench.process import Command, shell
from tests.bench.stage import Stage
from tests.support.filesystems import juicefs_client

Operation = Literal["first", "changed", "unchanged", "restore", "inplace", "verify"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)

MEANINGS: dict[Operation, str] = {
    "first": "first snapshot",
    "changed": "snapshot after 10 changes",
    "unchanged": "snapshot with no change",
    "restore": "safe restore",
    "inplace": "in-place restore of 10 changes",
    "verify": "verify",
}


class Contender(Protocol):
    """One way to do the operations. They are asked for in their order, each as often as there are runs."""

    @property
    def name(self) -> str:
        """The name in the tables."""

    def prepare(self, operation: Operation) -> Command | None:
        """Bring everything into the state before ``operation``, unmeasured, and return what is to be measured.

        None where the contender has nothing of the kind.
        """


class Copy:
    """The reference: the tree copied as a whole. What has no counterpart stands beside the copy all the same.

    ``inplace`` is that copy too, and ``verify`` a SHA-256 of each file of it, by two processes.
    """

    name = "cp -a --reflink=auto, sync -f"
    script = 'cp -a --reflink=auto "$1" "$2"; sync -f "$2"'

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.copy = stage.base / "copy"
        self.back = stage.base / "copied-back"

    def prepare(self, operation: Operation) -> Command | None:
        """Return the copy to or from the copy's place."""
        if operation == "verify":
            return checksums(self.stage, self.copy)
        if operation == "restore":
            self.stage.remove(self.back)
            return self._command(self.copy, self.back)
        if operation in ("changed", "inplace"):
            self.stage.change()
        self.stage.remove(self.back)
        self.stage.remove(self.copy)
        return self._command(self.stage.tree, self.copy)

    def _command(self, *places: object) -> Command:
        return shell(self.script, *map(str, places), folder=self.stage.base)


class JuicefsClone(Copy):
    """The reference on JuiceFS: the client's own clone, whose metadata is committed when it returns."""

    name = "juicefs clone -p"
    script = '"$3" clone -p "$1" "$2"'

    def _command(self, *places: object) -> Command:
        return super()._command(*places, juicefs_client() or "juicefs")


def reference(stage: Stage) -> Copy:
    """Return what is the reference on the stage's file system."""
    return JuicefsClone(stage) if stage.filesystem.kind == "juicefs" else Copy(stage)


def checksums(stage: Stage, tree: object, processes: int = 2) -> Command:
    """Return a SHA-256 of each file of ``tree`` by ``processes`` processes at once."""
    share = min(100, max(1, stage.workload.files // (4 * processes)))
    return shell(
        'find "$1" -type f -print0 | xargs -0 -P "$2" -n "$3" sha256sum',
        str(tree), str(processes), str(share), folder=stage.base,
    )  # fmt: skip
