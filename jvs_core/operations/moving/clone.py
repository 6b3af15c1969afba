"""Cloning a repository to another place or file system of this machine.

Its steps: ``read`` (what is unsaved in the source), ``hold`` (what it has, at one moment), for each snapshot ``clone``, for many together ``settle`` and
``catalog``, ``worktrees``, ``records``, ``audit``, ``publish``. Until the last the clone lies in the hidden folder
``.NAME.unfinished``; the same command goes on with it.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jvs_core import clock, files, regular, syncing
from jvs_core.control import catalog, control_folders
from jvs_core.control.audit import log_file, writer
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.control.records import tombstones
from jvs_core.errors import DescriptorCorrupt, EngineUnavailable, InputError, JvsError, UnsavedChanges
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Descriptor, Head, Tombstone, Worktree
from jvs_core.operations import cells, status, stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.init import place_of
from jvs_core.operations.moving import cut as cuts
from jvs_core.operations.moving import site
from jvs_core.operations.moving.arriving import Arriving, Incoming
from jvs_core.operations.moving.cut import Cut
from jvs_core.operations.moving.records import Records
from jvs_core.payload.engines import select
from jvs_core.progress import Progress
from jvs_core.results import Cloned
from jvs_core.settings import RepositoryConfig, parse_config

_MOST_CONFIG = 1 << 20
_ENGINE = re.compile(rb"^engine\s*=.*$", re.MULTILINE)


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
        The identity is to move, and a worktree has changes that would stay behind.
    AuditChainBroken
        The log of the source is damaged.
    LockConflict
        The same clone is under way.
    """
    if only is not None and not only:
        only = None
    if same_id and only is not None:
        raise InputError(
            "--same-id moves a whole repository, and --only takes a part of one", hint="leave one of them out"
        )
    target = place_of(path)
    what = site.Undertaking(
        operation="clone",
        source=str(ctx.layout.root),
        source_id=ctx.repo_id,
        only=None if only is None else tuple(sorted(only)),
        same_id=same_id,
    )
    site.require_free(target)
    with step(progress, "read"):
        unsaved = _unsaved(ctx, progress)
        if same_id and unsaved:
            raise UnsavedChanges(
                f"changes in {', '.join(unsaved)} are in no snapshot, and would stay behind",
                hint=f"jvs snapshot --lock --worktree {unsaved[0]}, then clone again",
            )
    with (
        cuts.taken(ctx, only, target, progress) as (cut, lines),
        site.site(target, ctx.layout.shared, what) as layout,
    ):
        repo_id = ctx.repo_id if same_id else str(uuid.uuid4())
        work = _Clone(
            ctx, cut, Context(layout, ctx.settings, _config(ctx, layout, repo_id, lines), repo_id), lines
        )
        arriving = Arriving(layout, work.new.engine(), progress)
        arriving.bring({key: partial(_incoming, ctx, cut.descriptors[key]) for key in cut.whole})
        lines.extend(arriving.losses)
        with step(progress, "worktrees"):
            worktrees = dict(work.worktrees(set(arriving.arrived), progress))
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
                    "source": {"root": str(ctx.layout.root), "checkpoint": cut.checkpoint.to_json()},
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
            clean = status.status(ctx, name, progress).clean
        except JvsError:
            clean = False
        if not clean:
            found.append(name)
    return found


def _config(ctx: Context, layout: Layout, repo_id: str, lines: list[str]) -> RepositoryConfig:
    """Write identity and configuration; an engine that cannot work here is not asked for any more, and named."""
    try:
        data = regular.read_regular(ctx.layout.config, most=_MOST_CONFIG, follow=True)
    except FileNotFoundError:
        data = b""
    config = ctx.config
    if config.engine is not None:
        try:
            select.choose(config.engine, layout.control)
        except EngineUnavailable as error:
            lines.append(f"{error.message}; the clone takes the best engine that works there")
            data = _ENGINE.sub(rb"# \g<0>", data, count=1)
            config = parse_config(data, layout.config)
    site.describe(layout, repo_id, data)
    return config


def _incoming(ctx: Context, descriptor: Descriptor) -> Incoming:
    """Read the records of a snapshot of the source. Raises what ``stored.load`` does."""
    layout, key = ctx.layout, descriptor.snapshot_id
    if stored.descriptor_of(layout, key) != descriptor:
        raise DescriptorCorrupt(f"the descriptor of {key} was changed meanwhile")
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


@dataclass(frozen=True)
class _Clone:
    """A clone under way, of the source ``ctx`` as it was at the ``cut``; ``new`` is what it becomes."""

    ctx: Context
    cut: Cut
    new: Context
    lines: list[str]

    def worktrees(self, arrived: set[str], progress: Progress) -> Iterator[tuple[str, Worktree]]:
        """Make every worktree as its head has it, and yield its record."""
        for name, found in self.cut.worktrees.items():
            head = self._head(name, found, arrived)
            self._make(name, head.snapshot_id, progress)
            base = head.base_snapshot_id
            yield name, Worktree(found.config.changed(base_snapshot_id=base), head)

    def _head(self, name: str, found: Worktree, arrived: set[str]) -> Head:
        """Return the head of a worktree: its own, or where that did not arrive the nearest ancestor that did."""
        here, seen = found.head_snapshot_id, set[str]()
        while here is not None and here not in arrived and here not in seen:
            seen.add(here)
            here = self._parent(here)
        base = found.base_snapshot_id if found.base_snapshot_id in self.cut.descriptors else None
        undo, redo = (
            tuple(
                point
                for point in points
                if {point.snapshot_id, point.restored_snapshot_id, point.head_snapshot_id} - {None} <= arrived
            )
            for points in (found.undo, found.redo)
        )
        here = here if here in arrived else None
        if (here, base, undo, redo) == (
            found.head_snapshot_id,
            found.base_snapshot_id,
            found.undo,
            found.redo,
        ):
            return found.head
        if here != found.head_snapshot_id:
            self.lines.append(
                f"worktree {name!r} stands at {here or 'no snapshot'}, since {found.head_snapshot_id} is not in the clone"
            )
        return Head(
            number=found.head.number + 1,
            worktree_id=found.worktree_id,
            snapshot_id=here,
            base_snapshot_id=base,
            undo=undo,
            redo=redo,
            fencing_token=found.head.fencing_token,
            operation="clone",
        )

    def _parent(self, snapshot_id: str) -> str | None:
        """Return the parent of a snapshot of the source, whose descriptor perhaps does not come along."""
        with suppress(JvsError):
            return catalog.read(self.ctx.layout, snapshot_id).parent_snapshot_id
        return None

    def _make(self, name: str, snapshot_id: str | None, progress: Progress) -> None:
        layout, engine = self.new.layout, self.new.engine()
        place = layout.worktree(name)
        if os.path.lexists(place):
            if site.is_made(layout, name, str(snapshot_id)):
                return
            engine.remove(place)
        if snapshot_id is None:
            engine.make_worktree(place)
            if name == MAIN and layout.worktree_mode is not None:
                files.set_mode(place, layout.worktree_mode)
        else:
            found = stored.load(layout, snapshot_id)
            with found.read(), self.new.bringing():
                self.lines.extend(
                    f"worktree {name!r}: {line}"
                    for line in engine.materialize(
                        found.payload,
                        found.entries,
                        place,
                        since_ns=clock.parse(found.descriptor.created_at) * 1_000_000,
                        progress=progress,
                    )
                )
        engine.settle(place)
        if name == MAIN:
            control_folders.close(layout, place)
        site.note_made(layout, name, str(snapshot_id))

    def records(self, arrived: set[str], worktrees: Mapping[str, Worktree]) -> Records:
        """Return the records to write: what leads to snapshots that did not arrive stays behind, and is named."""
        cut = self.cut
        stubs = {key: self._stub(taken) for key, taken in cut.descriptors.items() if key not in arrived}
        refs = [ref for ref in cut.refs if ref.snapshot_id in arrived]
        left = [ref.name for ref in cut.refs if ref.snapshot_id not in arrived]
        if left:
            self.lines.append(f"left out, since their snapshots are not in the clone: refs {', '.join(left)}")
        pins = [pin for pin in cut.pins if pin.snapshot_id in arrived]
        return Records(
            descriptors=cut.descriptors,
            worktrees=worktrees,
            stubs=stubs,
            refs=refs,
            pins=pins,
            logged_pins=frozenset(cut.ledger.pins),
            annotations=cut.annotations,
            runs=cut.runs,
        )

    def _stub(self, taken: Descriptor) -> Tombstone:
        """Return the tombstone of a snapshot whose payload is not here: that of the source, or a new one."""
        known = tombstones.TOMBSTONES.find(self.ctx.layout, taken.snapshot_id)
        if known is not None:
            return known.changed(stub=True)
        return Tombstone(
            snapshot_id=taken.snapshot_id,
            plan_id=uuid.uuid4().hex[:12],
            removed_at=clock.timestamp(),
            removed_by=self.ctx.settings.holder_id,
            stub=True,
            descriptor=taken.to_json(),
        )
