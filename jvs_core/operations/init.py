"""Making a repository.

Its steps: ``control`` (the control plane), ``clone``, ``settle`` (durable), ``register`` (worktree ``main``), ``audit``,
``publish`` (the name), ``adopt`` (a folder that was there). Until ``publish`` it lies under a temporary name beside its place, locked by who builds it: one
that nobody locks is left of a process that died, and the next ``init`` of the same name removes it.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jvs_core import files, syncing
from jvs_core.control import control_folders
from jvs_core.control.audit import writer
from jvs_core.control.control_folders import CONTROL_FOLDERS
from jvs_core.control.discovery import repository_around
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.names import MAIN, check_name
from jvs_core.control.records import worktree
from jvs_core.errors import AlreadyExists, InputError, JvsError, PathNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.model import FORMAT_VERSION
from jvs_core.operations import adoption
from jvs_core.operations.context import Context, step
from jvs_core.payload.engines import select
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.progress import Progress
from jvs_core.results import Initialized
from jvs_core.settings import NO_EXCLUSION, ExcludeConfig, RepositoryConfig, Settings, render_config

_SETTLING_S = 60.0


def create(
    path: Path,
    settings: Settings,
    *,
    source: Path | None,
    adopted: Path | None = None,
    engine: str | None,
    shared: bool,
    exclude: ExcludeConfig = NO_EXCLUSION,
    progress: Progress,
) -> list[str]:
    """Make a repository at ``path``, with ``source`` cloned into its ``main``, or ``adopted`` as it, when one is given.

    It is built under a temporary name beside its place and renamed when it is complete: a crash leaves nothing of
    the name ``path``, and what it leaves beside it the next call for that name removes. Returns what of ``source`` could not be kept or not be shared, one line each.

    Raises
    ------
    NameInvalid, AlreadyExists
        The last part of ``path`` is no name, or something is there.
    PathNotFound
        The folder for it, or ``source``, is no folder.
    EngineUnavailable, InputError
        The engine asked for cannot work there, or is none; or ``path`` lies in a worktree or ``.jvs`` of another repository.
    """
    target = place_of(path)
    name, parent = target.name, target.parent
    if adopted is not None:
        adopted = adoption.require_adoptable(adopted, target)
        if adoption.complete(adopted, target, settings):
            return []
    if os.path.lexists(target):
        raise AlreadyExists(
            f"{target} already exists", hint="choose another name, or: jvs init NAME --from DIR"
        )
    if source is not None:
        source = _source(source, target)
    site = _building_site(parent, target, source)
    select.choose(engine or settings.engine, site)  # what cannot work is refused before anything is made
    _remove_abandoned(site, name)
    layout = Layout(site / f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}", shared)
    config = RepositoryConfig(engine=engine, shared=shared, exclude=exclude)
    try:
        make_lock(layout)
        with critical.exclusive(layout.repository_lock, mode=layout.lock_mode, lasting=True):
            return _build(layout, target, source, adopted, config, settings, progress)
    except BaseException:
        _remove(layout)
        raise


def place_of(path: Path) -> Path:
    """Return where a new repository ``path`` lies, links in its parents resolved.

    Raises NameInvalid, PathNotFound (there is no folder for it), InputError (it would lie inside another repository).
    """
    name = check_name(path.name, "repository")
    parent = Path(os.path.realpath(path.parent))
    target = parent / name
    if not parent.is_dir():
        raise PathNotFound(f"{parent} is not a folder", hint=f"mkdir -p {parent}")
    around = repository_around(target)
    if around is not None:
        raise InputError(
            f"{target} would be inside the repository {around}; its snapshots do not hold other repositories",
            hint=f"make a worktree there (jvs worktree create), or make the new repository outside of {around}",
        )
    return target


def _build(
    layout: Layout,
    target: Path,
    source: Path | None,
    adopted: Path | None,
    config: RepositoryConfig,
    settings: Settings,
    progress: Progress,
) -> list[str]:
    with step(progress, "control"):
        _make_control_plane(layout, config)
        engine = select.choose(config.engine or settings.engine or "auto", layout.control)
    degraded: list[str] = []
    if adopted is None:
        degraded = _make_main(layout, engine, source, progress)
    else:
        adoption.leave_link(layout, adopted, target)
    control_folders.close(layout, adopted or layout.worktree(MAIN))
    with step(progress, "register"):
        record = worktree.register(layout, MAIN, base=None, operation="init")
    with step(progress, "audit"):
        writer.append(
            layout,
            settings,
            "init",
            worktree=MAIN,
            worktree_id=record.worktree_id,
            target=target.name,
            details={
                "engine": engine.name,
                "head": record.head.to_json(),
                **({"degraded": degraded} if degraded else {}),
                **({"adopted": os.fspath(adopted)} if adopted else {}),
            },
        )
    with step(progress, "publish"):
        files.rename_durable(layout.root, target)
    if adopted is not None:
        with step(progress, "adopt"):
            _adopt(layout, adopted, target)
    return degraded


def _adopt(layout: Layout, adopted: Path, target: Path) -> None:
    """Move the folder into the published repository; on failure that gets its temporary name back, to be removed."""
    with uninterrupted():
        try:
            adoption.exchange(adopted, target)
        except BaseException:
            if not adoption.is_done(target):
                files.rename_durable(target, layout.root)
            raise


def make_lock(layout: Layout) -> None:
    """Make the folder that a repository is built in, and in it the lock that shows that it is being built."""
    files.make_folder(layout.root, mode=layout.worktree_mode)
    files.make_folder(layout.control, mode=layout.folder_mode)
    files.make_folder(layout.repository_lock.parent, mode=layout.folder_mode)
    files.write_new(layout.repository_lock, b"", mode=layout.lock_mode)
    syncing.sync_folder(layout.repository_lock.parent)


def _remove(layout: Layout) -> None:
    if layout.control.is_dir():
        with suppress(JvsError):
            select.for_removal(layout.control).remove(layout.root)
    with suppress(JvsError, OSError):
        files.remove_any(layout.root)


def _remove_abandoned(site: Path, name: str) -> None:
    """Remove what dead processes left of building a repository called ``name``; what cannot be removed stays."""
    pattern = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}{re.escape(files.TEMPORARY_SUFFIX)}")
    for found in os.listdir(site):
        if pattern.fullmatch(found) is None:
            continue
        layout = Layout(site / found)
        with suppress(JvsError, OSError):
            if layout.repository_lock.is_file() and not layout.root.is_symlink():
                with critical.exclusive(layout.repository_lock, wait_s=0):
                    _remove(layout)
            elif (
                time.time() > layout.root.lstat().st_mtime + _SETTLING_S
            ):  # nobody takes that long to lock it
                _remove_unlocked(layout)


def _remove_unlocked(layout: Layout) -> None:
    """Remove the first folders of a repository; a folder that holds anything else is not one of ours, and stays."""
    for folder in (layout.repository_lock.parent, layout.control, layout.root):
        with suppress(FileNotFoundError):
            files.remove_folder(folder)


def describe(ctx: Context, degraded: Sequence[str] = ()) -> Initialized:
    """Return what ``init`` reports of a repository; ``degraded`` is what ``create`` returned."""
    return Initialized(
        repo_root=str(ctx.layout.root),
        repo_id=ctx.repo_id,
        format_version=FORMAT_VERSION,
        main_path=str(ctx.layout.worktree(MAIN)),
        snapshot_engine=ctx.engine_name(),
        degraded=tuple(degraded),
    )


def _source(source: Path, target: Path) -> Path:
    if not source.is_dir():
        raise PathNotFound(f"{source} is not a folder", hint="give an existing folder after --from")
    return Path(os.path.realpath(source))


def _building_site(parent: Path, target: Path, source: Path | None) -> Path:
    """Return the folder to build in: beside ``target``; beside ``source`` when ``target`` will lie inside it.

    No engine clones a tree into itself.
    """
    if source is None or not target.is_relative_to(source):
        return parent
    beside = source.parent
    if source.stat().st_dev != beside.stat().st_dev or not os.access(beside, os.W_OK):
        raise InputError(
            f"{target} would be inside {source}, from which it is made, and JVS cannot build it in {beside}",
            hint="run it in a folder outside of {source}",
        )
    return beside


def _make_control_plane(layout: Layout, config: RepositoryConfig) -> None:
    for folder in CONTROL_FOLDERS:
        files.make_folder(layout.control / folder, mode=layout.folder_mode, exist_ok=True)
    files.make_folder(layout.root / "worktrees", mode=layout.worktree_mode)
    for name, text in (
        ("format_version", f"{FORMAT_VERSION}\n"),
        ("repo_id", f"{uuid.uuid4()}\n"),
        ("config.toml", render_config(config)),
    ):
        files.write_new(layout.control / name, text.encode(), mode=layout.file_mode)
    syncing.sync_folder(layout.control)


def _make_main(layout: Layout, engine: SnapshotEngine, source: Path | None, progress: Progress) -> list[str]:
    main = layout.worktree(MAIN)
    degraded: list[str] = []
    with step(progress, "clone"):
        if source is None:
            engine.make_worktree(main)
            if layout.worktree_mode is not None:
                files.set_mode(main, layout.worktree_mode)
        else:
            degraded = engine.adopt(source, main, progress=progress)
    with step(progress, "settle"):
        if source is not None:
            engine.settle(main)
        syncing.sync_folder(layout.root)
    return degraded
