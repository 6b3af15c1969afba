"""Making an existing worktree equal to a snapshot, by the steps of a plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jvs_core.errors import JvsError, PayloadHashMismatch, StorageError
from jvs_core.payload.copy.transfer import attribute_losses
from jvs_core.payload.inplace import taking
from jvs_core.payload.inplace.guarded import Guarded
from jvs_core.payload.inplace.placing import Placed, PutJob
from jvs_core.payload.inplace.steps import Link, Steps, plan
from jvs_core.payload.inplace.taking import Taken
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.progress import SILENT, Progress

__all__ = ["FAILURES", "Applied", "Steps", "apply", "plan"]

FAILURES = (StorageError, PayloadHashMismatch, OSError)
"""What ends the work and leaves the right to take it back: not the loss of the lock."""

SET = 500

T = TypeVar("T")


@dataclass
class Applied:
    """The result of steps: entries that lost attributes, and paths that were edited after the plan was made."""

    refused: list[bytes] = field(default_factory=list)
    drifted: list[bytes] = field(default_factory=list)
    overtaken: list[bytes] = field(default_factory=list)

    def losses(self) -> list[str]:
        """Return what could not be kept, one line each."""
        return attribute_losses(self.refused, self.drifted)


def apply(
    worktree: Path,
    payload: Path,
    steps: Steps,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress = SILENT,
) -> Applied:
    """Carry out ``steps`` in ``worktree``; return what did not go as planned.

    ``check`` is called before each set of changes and stops the work by raising. Every file arrives by rename, after
    its content was checked against the manifest, so each is whole at any time. What it replaces is kept to the end,
    and put back after a failure; a crash leaves some of the steps undone and temporary names, which planning again
    finds. A file that was written or made since the steps were planned stays as it is and is named: then
    look, plan and apply again. Sockets, devices and repositories stay, and so do the folders they are in.

    Raises PayloadHashMismatch, NoSpace or EngineFailed, with the path.
    """
    progress.started("converge", len(steps.fill) + len(steps.link) + len(steps.mend) + len(steps.remove))
    done = Applied()
    taken: dict[bytes, list[Taken]] = {}
    with Folders(worktree) as folders, Folders(worktree) as firsts, Folders(payload) as payloads:
        guarded = Guarded(folders, steps.seen, done.overtaken, done.refused, done.drifted, taken)
        try:
            _apply_each(steps.open_up, check, done, lambda path: os.fchmod(folders.at(path), 0o700))
            _apply_each(steps.clear, check, done, lambda entry: guarded.remove(entry, must=True))
            _apply_each(steps.make, check, done, guarded.make_folder)
            if not done.overtaken:  # else it stands where a folder is to be
                _fill(worktree, payload, steps, check, progress, done, taken)
                _apply_each(steps.link, check, done, lambda link: guarded.link(firsts, link))
                _apply_each(steps.mend, check, done, lambda entry: guarded.mend(payloads, entry))
                _apply_each(steps.remove, check, done, lambda entry: guarded.remove(entry, must=False))
        except FAILURES:
            with suppress(JvsError):
                check()
                taking.take_back(folders, _flat(taken))
            raise
        _apply_each(list(taken.values()), check, done, lambda each: _give_up(folders, each, done))
        if not done.overtaken:
            _apply_each(steps.settle, check, done, lambda entry: guarded.settle(payloads, entry))
    progress.advanced(len(steps.link) + len(steps.mend) + len(steps.remove))
    progress.finished("converge")
    return done


def _flat(taken: dict[bytes, list[Taken]]) -> list[Taken]:
    return [each for inside in taken.values() for each in inside]


def _give_up(folders: Folders, taken: Sequence[Taken], done: Applied) -> None:
    done.overtaken += taking.give_up(folders, taken)


def _apply_each(
    items: Sequence[T], check: Callable[[], None], done: Applied, act: Callable[[T], object]
) -> None:
    for number, item in enumerate(items):
        if number % SET == 0:
            check()
        try:
            act(item)
        except OSError as error:
            path = _path_of(item)
            if error.errno not in GONE or not path:
                raise translate(error, path) from error
            done.overtaken.append(path)


def _path_of(item: object) -> bytes:
    if isinstance(item, Link):
        return item.entry.path
    return item.path if isinstance(item, Entry) else bytes(item) if isinstance(item, bytes) else b""


def _fill(
    worktree: Path,
    payload: Path,
    steps: Steps,
    check: Callable[[], None],
    progress: Progress,
    applied: Applied,
    taken: dict[bytes, list[Taken]],
) -> None:
    if not steps.fill:
        return
    entries, seen = steps.fill, steps.seen

    def done(batch: list[tuple[Entry, FileState | None]], placed: Placed) -> None:
        applied.refused.extend(placed.refused)
        applied.drifted.extend(placed.drifted)
        applied.overtaken.extend(placed.overtaken)
        for each in placed.taken:
            taken.setdefault(split(each.path)[0], []).append(each)
        progress.advanced(len(batch))

    sizes = [entry.size for entry in entries]
    job = PutJob(os.path.abspath(os.fsencode(payload)), os.path.abspath(os.fsencode(worktree)), "reflink")
    batches = (
        [(entries[position], seen.get(entries[position].path)) for position in part] for part in cut(sizes)
    )
    pool.run(job, batches, count=pool.processes(len(entries), sum(sizes)), done=done, before=check)
