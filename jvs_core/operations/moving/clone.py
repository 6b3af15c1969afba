"""Cloning a repository to another place or file system of this machine.

Its steps: ``read`` (what is unsaved in the source), ``hold`` (what it has, at one moment), for each snapshot ``clone``, for many together ``settle`` and
``catalog``, ``worktrees``, ``records``, ``audit``, ``publish``. Until the last the clone lies in the hidden folder
``.NAME.unfinished``; the same command goes on with it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jvs_core import files, syncing
from jvs_core.control.audit import checkpoint, log_file, writer
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.errors import DescriptorCorrupt, InputError, JvsError, UnsavedChanges
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Descriptor
from jvs_core.operations import cells, compare, stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.init import place_of
from jvs_core.operations.moving import configured, site
from jvs_core.operations.moving import cut as cuts
from jvs_core.operations.moving.arriving import Arriving, Incoming
from jvs_core.operations.moving.cut import Cut
from jvs_core.operations.moving.resulting import Resulting
from jvs_core.payload.tree.entry import printable
from jvs_core.progress import Progress
from jvs_core.results import Cloned
from jvs_core.settings import RepositoryConfig


def clone(
    ctx: Context, path: Path, *, only: Sequence[str] | None, same_id: bool, progress: Progress
) -> Cloned:
    """Clone the repository ``ctx`` to the new repository ``path``; with ``only`` some snapshots of it.

    Raises
    ------
    NameInvalid, AlreadyExists, PathNotFound, InputError
        ``path`` cannot become a repository, or a part is to keep the identity.
    SnapshotNotFound, SnapshotAmbiguous, SnapshotExpired
        ``only`` names something else than one whole snapshot.
    UnsavedChanges
        The identity is to move, and something would stay behind: changes of a worktree, or what was done meanwhile. What has
        arrived waits for the next call.
    AuditChainBroken
        The log of the source is damaged.
    LockConflict
        The same clone is under way.
    """
    if only is not None and not only:
        only = None
    if same_id and only is not None:
        raise InputError(
            "--same-id moves a whole repository, but --only takes a part of it", hint="leave one of them out"
        )
    target = place_of(path)
    what = site.Undertaking(
        operation="clone",
        source=printable(os.fsencode(ctx.layout.root)),
        source_identity=ctx.repo_id,
        only=None if only is None else tuple(sorted(only)),
        same_identity=same_id,
    )
    site.require_free(target)
    with step(progress, "read"):
        unsaved = _unsaved(ctx, progress)
        if same_id and unsaved:
            raise UnsavedChanges(
                f"changes in {', '.join(unsaved)} are in no snapshot, so the clone would not have them",
                hint=f"jvs snapshot --lock --worktree {unsaved[0]}, then run jvs clone again",
            )
    with (
        cuts.taken(ctx, only, target, progress) as (cut, lines),
        site.site(target, ctx.layout.shared, what) as layout,
    ):
        repo_id = ctx.repo_id if same_id else str(uuid.uuid4())
        work = Resulting(
            ctx, cut, Context(layout, ctx.settings, _config(ctx, layout, repo_id, lines), repo_id), lines
        )
        arriving = Arriving(layout, work.new.engine(), progress)
        arriving.bring({key: partial(_incoming, ctx, cut.descriptors[key]) for key in cut.whole})
        lines.extend(arriving.losses)
        with step(progress, "worktrees"):
            worktrees = dict(work.worktrees(set(arriving.arrived), progress))
            if same_id:
                _require_still(ctx, cut, progress)
        records = work.records(set(arriving.arrived), worktrees)
        refused = sorted([*cut.refused, *arriving.refused], key=lambda each: each.snapshot_id)
        with step(progress, "records"):
            records.write(layout)
            if same_id:
                _copy_log(ctx, cut, layout)
        with step(progress, "audit"):
            main = worktrees[MAIN]
            writer.append(
                layout,
                ctx.settings,
                "clone",
                worktree=MAIN,
                worktree_id=main.worktree_id,
                target=target.name,
                details={
                    "source": {
                        "root": printable(os.fsencode(ctx.layout.root)),
                        "checkpoint": cut.checkpoint.to_json(),
                    },
                    "same_id": same_id,
                    "engine": work.new.engine_name(),
                    "refused": [each.to_json() for each in refused],
                    **({"degraded": lines} if lines else {}),
                    **records.details(),
                },
            )
        with uninterrupted(), step(progress, "publish"):
            site.publish(layout, target)
    return Cloned(
        repo_root=str(target),
        repo_id=repo_id,
        snapshots=len(arriving.arrived),
        refused=refused,
        unsaved=unsaved,
        degraded=tuple(lines),
    )


def _unsaved(ctx: Context, progress: Progress) -> list[str]:
    """Return the worktrees that hold changes which no snapshot has, or that cannot be looked at."""
    found = []
    for name in cuts.worktrees(ctx):
        try:
            is_saved = not compare.unsaved(ctx, name, progress).paths
        except JvsError:
            is_saved = False
        if not is_saved:
            found.append(name)
    return found


def _require_still(ctx: Context, cut: Cut, progress: Progress) -> None:
    """Raise UnsavedChanges where the source is not what the cut saw."""
    changed = _unsaved(ctx, progress)
    if changed or checkpoint.create(ctx.layout).seq != cut.checkpoint.seq:
        where = f" in {', '.join(changed)}" if changed else ""
        raise UnsavedChanges(
            f"somebody worked{where} during the clone, and the clone would not have that work",
            hint="take a snapshot of the unsaved changes and run the same command again: it continues",
        )


def _config(ctx: Context, layout: Layout, repo_id: str, lines: list[str]) -> RepositoryConfig:
    _, data = configured.of(ctx.layout)
    return configured.take_over(layout, repo_id, data, ctx.config, lines)


def _incoming(ctx: Context, descriptor: Descriptor) -> Incoming:
    """Read the records of a snapshot of the source. Raises what ``stored.load`` does."""
    layout, key = ctx.layout, descriptor.snapshot_id
    if stored.descriptor_of(layout, key) != descriptor:
        raise DescriptorCorrupt(f"the descriptor of {key} was changed in the meantime")
    return Incoming(
        descriptor=descriptor,
        ready=layout.read(layout.ready(key)),
        manifest=layout.read(layout.manifest(key)),
        payload=layout.payload(key),
        cells=cells.checked(layout, descriptor),
    )


def _copy_log(ctx: Context, cut: Cut, layout: Layout) -> None:
    """Copy the source's log as far as the cut saw it; what follows there is not of this repository."""
    place = log_file.log_path(layout)
    fd = files.open_file(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with open(fd, "wb") as log:
        for line in log_file.lines(ctx.layout):
            log.write(line)
            if log_file.claims(line)[0] == cut.checkpoint.seq:
                break
        log.flush()
        os.fsync(log.fileno())
    if layout.file_mode is not None:
        files.set_mode(place, layout.file_mode)
    syncing.sync_folder(place.parent)
