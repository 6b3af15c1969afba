"""Values of a capture: what is asked for, and what was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jvs_core.errors import ConsistencyUnavailable
from jvs_core.payload.changes.index import StatIndex
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.exclude_rules import NOTHING, ExcludeRules
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.walk import Scan, require_readable, scan
from jvs_core.progress import SILENT, Progress

EngineName = Literal["juicefs-clone", "btrfs-snapshot", "reflink-copy", "copy"]
Consistency = Literal["quiesced", "best_effort"]


@dataclass(frozen=True)
class PreviousSnapshot:
    """The snapshot whose unchanged files the next one may share by hard link.

    ``lines`` reads the lines of its manifest: an equal line is an unchanged file. ``files`` is their number, which
    tells how many processes are worth while.
    """

    payload: Path
    files: int
    lines: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class CaptureRequest:
    """What an engine is to capture: the worktree ``source``, to the new folder ``target``.

    ``index`` is the worktree's, ``previous`` the snapshot to share files with. ``found`` is a scan of ``source`` made
    just now, which may save another; all of it is looked at again. ``exclude`` is what no snapshot is to keep.
    """

    source: Path
    target: Path
    index: StatIndex
    previous: PreviousSnapshot | None = None
    consistency: Consistency = "quiesced"
    progress: Progress = SILENT
    found: Scan | None = None
    exclude: ExcludeRules = NOTHING

    def scan(self) -> Scan:
        """Return ``found``, its files known to be readable, or else a new scan. Raises UnsupportedFile."""
        if self.found is not None:
            return require_readable(self.found)
        return scan(self.source, self.progress, exclude=self.exclude)


@dataclass(frozen=True)
class Capture:
    """What a capture produced.

    ``entries`` is the manifest of the target, complete with digests, sorted by path, the top folder first.
    ``engine`` is the engine that really ran. ``degraded`` says in words what could not be kept, one line each.
    ``changed_meanwhile`` names the files that changed while they were read (always empty in ``quiesced``). ``lines``,
    parallel to ``entries`` where given, holds the manifest's lines that are made already.
    """

    engine: EngineName
    entries: Sequence[Entry]
    degraded: Sequence[str] = ()
    changed_meanwhile: Sequence[bytes] = ()
    left_out: Sequence[bytes] = field(default=())
    lines: Sequence[bytes | None] = ()


def unavailable(changed: Sequence[bytes]) -> ConsistencyUnavailable:
    """Return the error for a ``quiesced`` capture of a worktree in which the files ``changed`` kept changing."""
    return ConsistencyUnavailable(
        f"changed while the snapshot was taken: {listed(changed)}",
        hint="stop the program that writes there, or use --consistency best_effort",
        paths=list(changed),
    )
