"""What imports of repositories of an older JVS have in common, whoever wrote them."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jvs_core.control import control_folders
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.model import Worktree
from jvs_core.operations.context import Context
from jvs_core.operations.moving.arriving import Arriving, Incoming
from jvs_core.operations.moving.records import Records
from jvs_core.progress import Progress
from jvs_core.results import ImportedSnapshot


@dataclass
class OldImport(ABC):
    """An import under way, of the repository at ``root`` into ``new``; ``lines`` are what could not be kept."""

    root: Path
    new: Context
    progress: Progress
    undo: ExitStack
    came: dict[str, ImportedSnapshot] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arriving = Arriving(self.layout, self.new.engine(), self.progress)

    @property
    def layout(self) -> Layout:
        """Where the new repository is put together."""
        return self.new.layout

    @abstractmethod
    def wanted(self) -> list[str]:
        """Return the snapshots to bring, parents before their children."""

    @abstractmethod
    def incoming(self, key: str) -> Incoming:
        """Return a snapshot as it will lie here. What was made for the one before is removed first."""

    @abstractmethod
    def worktrees(self) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree of the folder that it is there, and yield its record."""

    @abstractmethod
    def records(self, worktrees: Mapping[str, Worktree]) -> Records:
        """Return the records to write. What leads to a snapshot that did not come is left out, and named."""

    @abstractmethod
    def parent(self, key: str) -> str | None:
        """Return the parent that the source names of a snapshot; None where it does not know it."""

    def describe(self) -> dict[str, Any]:
        """Return what else the new log says of the source."""
        return {}

    def require_still(self) -> None:
        """Raise LockConflict where somebody worked in the source meanwhile, and it tells."""
        return

    def standing(self, key: str | None) -> str | None:
        """Return the nearest of a snapshot and its ancestors that came along."""
        seen = set[str]()
        while key is not None and key not in self.arriving.arrived:
            if key in seen:
                return None
            seen.add(key)
            key = self.parent(key)
        return key

    def stand(self, name: str, head: str | None) -> str | None:
        """Return where a worktree stands here, and say so where that is another snapshot."""
        found = self.standing(head)
        if found != head:
            self.lines.append(
                f"worktree {name!r} has the head {found or 'no snapshot'}: {head} could not be imported"
            )
        return found

    def make_worktree(self, name: str) -> None:
        """Make a worktree of the folder that it is in the source, as that lies there."""
        folder = self.root / MAIN if name == MAIN else self.root / "worktrees" / name
        place, engine = self.layout.worktree(name), self.arriving.engine
        if os.path.lexists(place):  # of an earlier try; the folder may have changed since
            engine.remove(place)
        if _is_folder(folder) and _is_folder(folder.parent):
            lines: Sequence[str] = engine.adopt(folder, place, progress=self.progress)
            self.lines += [f"worktree {name!r}: {line}" for line in lines]
        else:
            self.lines.append(f"worktree {name!r} has no folder")
            engine.make_worktree(place)
        engine.settle(place)
        if name == MAIN:
            control_folders.close(self.layout, place)


def in_order(parents: Mapping[str, str | None]) -> tuple[list[str], list[str]]:
    """Return the snapshots with parents before their children, and those whose lineage runs in a circle."""
    ordered: dict[str, None] = {}
    circles: dict[str, None] = {}
    for start in parents:
        line: dict[str, None] = {}
        here: str | None = start
        while here is not None and here in parents and here not in ordered and here not in circles:
            if here in line:
                keys = list(line)
                circles.update(dict.fromkeys(keys[keys.index(here) :]))
                line = dict.fromkeys(keys[: keys.index(here)])
                break
            line[here] = None
            here = parents[here]
        ordered.update(dict.fromkeys(reversed(line)))
    return list(ordered), list(circles)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
