"""A look at a worktree that needs nothing but a walk, while the worktree is as it was when it last was as its head."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from jvs_core.errors import WorktreeNotFound
from jvs_core.operations import stored
from jvs_core.payload.changes.last_clean import LastClean
from jvs_core.payload.tree import attributes, juicefs
from jvs_core.payload.tree.walk import CAP_SETFCAP, Scan, has_capability, scan
from jvs_core.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from jvs_core.model import Worktree
    from jvs_core.operations.context import Context
    from jvs_core.payload.changes.index import StatIndex
    from jvs_core.progress import Progress

# What was asked: whether ``status`` shows nothing, or whether a snapshot would hold anything else.
Asked = Literal["status", "differs"]


class CleanLook:
    """One look at worktree ``name``, whose record is ``record``, to find out what is ``asked``.

    First ``is_clean``; where that is False, ``described`` gives the worktree as it is, from the same walk, and whoever
    finds no difference to the head of ``record`` says so with ``was_clean``. Raises WorktreeNotFound when the worktree's
    folder is missing, and what ``stored.descriptor_of`` does where the head is damaged.
    """

    def __init__(self, ctx: Context, name: str, record: Worktree, asked: Asked, progress: Progress) -> None:
        self.root = ctx.layout.worktree(name)
        if not self.root.is_dir():
            raise WorktreeNotFound(f"the folder of worktree {name!r} is missing", hint="jvs doctor")
        self._ctx, self._worktree_id, self._progress = ctx, record.worktree_id, progress
        self._with_attributes = asked == "differs"
        self._head_ns, question = _question(ctx, record, asked)
        self._last = LastClean(self._place(asked), question, ctx.layout.control)
        self.found = scan(self.root, progress, must_read=False, exclude=ctx.exclude)
        self._index: StatIndex | None = None

    def is_clean(self) -> bool:
        """Return whether there is no difference, if that is known from a look before; False says nothing."""
        return self._last.is_still(self.found)

    def described(self) -> Scan:
        """Return the worktree as it is, as ``describe`` does."""
        from jvs_core.payload.changes.describe import complete  # where nothing changed no file is read

        self._index = self._ctx.index(self._worktree_id)
        return complete(
            self.found,
            self._index,
            clock_folder=self._ctx.layout.control,
            with_attributes=self._with_attributes,
            progress=self._progress,
        )

    def was_clean(self) -> None:
        """Keep for the next look that there was no difference, if nothing can change from now on without a trace."""
        if self._index is not None and self._last.is_after(self._head_ns):
            self._last.keep(self.found, self._index, with_attributes=self._with_attributes)

    def _place(self, asked: Asked) -> Path | None:
        if self._with_attributes and juicefs.mount_at(self.root) is not None:
            return None  # there a change of extended attributes moves no time
        folder = self._ctx.index_folder()
        return None if folder is None else folder / f"{self._worktree_id}.{asked}"


def _question(ctx: Context, record: Worktree, asked: Asked) -> tuple[int, bytes]:
    """Return all that the answer rests on but the worktree itself, and when the head's manifest was last touched."""
    head: tuple[object, ...] = ()
    head_ns = 0
    if (head_id := record.head_snapshot_id) is not None:
        descriptor = stored.descriptor_of(ctx.layout, head_id)
        file = os.lstat(ctx.layout.manifest(head_id))
        head_ns = file.st_ctime_ns
        about = file.st_dev, file.st_ino, file.st_mode, file.st_size, file.st_mtime_ns, head_ns
        head = (head_id, descriptor.manifest_hash.value, about)
    rights = attributes.ownership()
    who = (rights._replace(groups=frozenset()), sorted(rights.groups), has_capability(CAP_SETFCAP))
    rules = (ctx.exclude.patterns, ctx.exclude.caches)
    return head_ns, repr((asked, __version__, ctx.repo_id, record.worktree_id, head, rules, who)).encode()
