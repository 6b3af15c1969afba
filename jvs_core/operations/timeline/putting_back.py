"""Putting a lost file back, from a snapshot or a kept copy: where it was, or beside what is there now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from jvs_core import clock, syncing
from jvs_core.control import catalog
from jvs_core.control.records import kept
from jvs_core.errors import AlreadyExists, PathNotFound, PayloadHashMismatch, SnapshotNotFound
from jvs_core.model import KeptCopy
from jvs_core.operations.context import Context, step
from jvs_core.operations.inplace import path_restore, targets
from jvs_core.operations.locking import Locking
from jvs_core.operations.timeline import keeping
from jvs_core.payload.copy.single import extract
from jvs_core.payload.tree.entry import FILE, printable, text
from jvs_core.progress import Progress
from jvs_core.results import PutBack

_MOST_NAMES = 1000


def put_back(ctx: Context, name: str, file: str, source: str, to: str | None, progress: Progress) -> PutBack:
    """Put the file ``file`` of worktree ``name`` back. See ``Timeline.put_back``."""
    copy = keeping.find(ctx, name, source)
    root = ctx.layout.worktree(name)
    inner = targets.payload_path(file)
    snapshot_id = None if copy is not None else _snapshot(ctx, name, source)
    if copy is not None and kept.path_of(copy) != inner:
        raise PathNotFound(
            f"the kept copy {source} is of {printable(kept.path_of(copy))}, not of {printable(inner)}"
        )
    at = copy.kept_at if copy is not None else clock.timestamp(int(str(snapshot_id)[:13]))
    wanted = os.fsdecode(inner) if to is None else to
    for candidate in _names(wanted, at):
        target = targets.target_of(root, candidate)
        try:
            if os.path.lexists(target):
                raise AlreadyExists(f"{target} already exists")
            degraded = (
                _bring(ctx, name, copy, target, progress)
                if copy is not None
                else _restored(ctx, name, str(snapshot_id), file, candidate, progress)
            )
        except AlreadyExists:
            continue
        return PutBack(
            file=text(inner),
            path=text(os.fsencode(target.relative_to(root))),
            renamed=candidate != wanted,
            snapshot_id=snapshot_id,
            copy_id=None if copy is None else copy.copy_id,
            degraded=tuple(degraded),
        )
    raise AlreadyExists(f"{wanted} and all similar names beside it already exist", hint="give another path")


def _restored(
    ctx: Context, name: str, snapshot_id: str, file: str, target: str, progress: Progress
) -> Sequence[str]:
    return path_restore.path(
        ctx,
        name,
        snapshot_id,
        file,
        to=None if target == file else target,
        replace=False,
        reason="",
        locking=Locking(),
        progress=progress,
    ).degraded


def _snapshot(ctx: Context, name: str, source: str) -> str:
    try:
        return ctx.resolve(source, name)
    except SnapshotNotFound as error:
        if not catalog.is_id(source):
            raise
        raise SnapshotNotFound(f"no snapshot or kept copy {source}", hint="jvs find --deleted '*'") from error


def _names(wanted: str, at: str) -> Iterator[str]:
    """Yield the path ``wanted``, then names beside it that say of when the file is, in local time."""
    yield wanted
    path = PurePosixPath(wanted)
    moment = datetime.fromtimestamp(clock.parse(at) / 1000).astimezone()
    suffix = "".join(re.findall(r"(?:\.tar)?\.[^. ]{1,15}$", path.name[1:]))
    stem = path.name.removesuffix(suffix)
    for number in range(1, _MOST_NAMES):
        more = "" if number == 1 else f" {number}"
        yield str(path.with_name(f"{stem} ({moment:%H.%M}){more}{suffix}"))


def _bring(ctx: Context, name: str, copy: KeptCopy, target: Path, progress: Progress) -> list[str]:
    """Make ``target`` of a kept copy, every byte checked against its record. Raises AlreadyExists, PayloadHashMismatch."""
    root = ctx.layout.worktree(name)
    relative = os.fsencode(target.relative_to(root))
    targets.require_no_repository(relative, FILE)
    made = targets.make_parents(root, target, [])

    def bring(temporary: Path) -> list[str]:
        entry = keeping.entry_of(copy)
        folder = ctx.layout.kept(copy.worktree_id, copy.copy_id)
        try:
            with syncing.watching(temporary.parent) as sync:
                with step(progress, "clone"), ctx.bringing():
                    degraded = extract(folder, [entry], entry.path, temporary)
                with step(progress, "settle"):
                    sync([temporary])
        except PayloadHashMismatch as error:
            raise keeping.damaged(copy) from error
        return degraded

    def log() -> None:
        ctx.audit(
            "restore",
            worktree=name,
            worktree_id=copy.worktree_id,
            target=printable(relative),
            details={"path": printable(kept.path_of(copy)), "copy_id": copy.copy_id, "inplace": False},
        )

    return path_restore.bring_new(ctx, name, target, bring, log, made)
