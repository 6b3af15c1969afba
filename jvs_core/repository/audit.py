"""``repository.audit``: the audit log, and checkpoints of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.model import AuditRecord, Checkpoint
    from jvs_core.operations.context import Context
    from jvs_core.results import AuditReport


class Audit:
    """A repository's audit log: one record for each operation that changed something, each bound to the one before.

    A checkpoint kept elsewhere shows later whether somebody cut, rolled back or rewrote the log.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @translated
    def log(self, limit: int | None = None) -> list[AuditRecord]:
        """Return the newest ``limit`` records (None: all), newest first. Raises AuditChainBroken."""
        return operations.log.report.log(self._context, limit)

    @translated
    def mark(self) -> tuple[int, ...]:
        """Return a value that changes with every new record; it costs one look at a file, and reads nothing."""
        from jvs_core.control.audit import log_file

        return log_file.mark(self._context.layout)

    @translated
    def checkpoint(self, key: str | os.PathLike[str] | None = None) -> Checkpoint:
        """Return a checkpoint of the log as it is, signed with the private key in the file ``key`` if one is given.

        Raises AuditChainBroken (no readable head), InputError (no key, or one inside the repository), PathNotFound.
        """
        return operations.log.report.make_checkpoint(self._context, _path(key))

    @translated
    def check(
        self, since: Checkpoint | None = None, *, key: str | os.PathLike[str] | None = None
    ) -> AuditReport:
        """Walk the log and return what was found; it must extend ``since``, signed by the public key ``key``.

        ``Repository.verify`` does this too, and checks snapshots and refs against the log.
        """
        return operations.log.report.check(self._context, since=since, key=_path(key))

    @staticmethod
    def parse(text: str) -> Checkpoint:
        """Return the checkpoint that was printed as ``text``. Raises InputError."""
        from jvs_core.control.audit import checkpoint  # as above

        return checkpoint.read(text)

    @staticmethod
    @translated
    def keygen(path: str | os.PathLike[str]) -> Path:
        """Write a new private key to ``path``, for its owner only, and return the path of its public key beside it.

        Raises AlreadyExists, PathNotFound (no such folder), InputError (inside a repository).
        """
        from jvs_core.control.audit import checkpoint  # as above

        return checkpoint.keygen(Path(path))


def _path(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)
