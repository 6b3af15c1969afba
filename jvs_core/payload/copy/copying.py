"""Copying one batch of files; runs in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from jvs_core.payload.changes.writeback_time import WritebackTime
from jvs_core.payload.copy.transfer import Item, Outcome, Transfer
from jvs_core.payload.tree.content import Changed, Method
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders

Batch = list[tuple[bytes, list[tuple[Any, ...]]]]
"""Folders, and in each the fields of items in the order of ``Item``: plain tuples, which cost a fifth to pickle."""

Answer = list[bytes | Outcome]
"""Parallel to a batch's items in order, as ``Transfer.bring`` has it."""


@dataclass(frozen=True)
class CopyJob:
    """Copies batches of items between three trees given by absolute paths; the folders of ``target`` exist.

    ``seal`` is for the payload of a snapshot, whose files nobody may write; the modes in answers are those outside of
    it. A failure leaves the items done so far. Raises UnsupportedFile, NoSpace or EngineFailed, with the path.
    """

    source: bytes
    target: bytes
    method: Method
    writeback: WritebackTime
    previous: bytes | None = None
    held: bool = False
    seal: bool = False

    @contextmanager
    def open(self) -> Iterator[Callable[[Batch], Answer]]:
        """Open the trees; yield the function that does a batch."""
        with ExitStack() as stack:
            source = stack.enter_context(Folders(self.source))
            target = stack.enter_context(Folders(self.target))
            previous = stack.enter_context(Folders(self.previous)) if self.previous else None
            yield _Copier(self, source, target, previous).batch


class _Copier:
    def __init__(self, job: CopyJob, source: Folders, target: Folders, previous: Folders | None) -> None:
        self.transfer = Transfer(job.method, job.writeback, hidden=True, held=job.held, seal=job.seal)
        self.sources, self.targets, self.previous = source, target, previous

    def batch(self, batch: Batch) -> Answer:
        answers: Answer = []
        bring = self.transfer.bring
        for folder, items in batch:
            target = self.targets.at(folder)
            previous = self._previous_folder(folder)
            try:
                source = self.sources.at(folder)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, folder, reading=True) from error
                answers.extend([Outcome(gone=True, changed=True)] * len(items))
                continue
            for item in map(Item._make, items):
                try:
                    answers.append(bring(item, source, target, item.name, folder, previous))
                except Changed:
                    answers.append(Outcome(gone=True, changed=True))
                except OSError as error:
                    raise translate(error, folder + b"/" + item.name if folder else item.name) from error
        return answers

    def _previous_folder(self, path: bytes) -> int:
        if self.previous is not None:
            try:
                return self.previous.at(path)
            except OSError:
                pass  # copied then, as any file that cannot be linked
        return -1
