"""What a capture starts from and what it produced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jvs_core.payload.tree.entry import Entry

EngineName = Literal["juicefs-clone", "btrfs-snapshot", "reflink-copy", "copy"]
Consistency = Literal["quiesced", "best_effort"]


@dataclass(frozen=True)
class PreviousSnapshot:
    """The snapshot whose unchanged files the next one may share by hard link.

    ``lines`` reads those of its manifest, which tell that a file is unchanged without being parsed; ``files`` is how many
    there are, to judge the work by.
    """

    payload: Path
    files: int
    lines: Callable[[], Iterator[bytes]]


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
