"""Making a repository."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from jvs_core import files
from jvs_core.control import audit, worktree
from jvs_core.control.layout import CONTROL_FOLDERS, Layout
from jvs_core.control.names import MAIN, check_name
from jvs_core.errors import AlreadyExists, InputError, PathNotFound
from jvs_core.model import FORMAT_VERSION
from jvs_core.operations.context import Context
from jvs_core.payload.engines import select
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.progress import Progress
from jvs_core.results import Initialized
from jvs_core.settings import RepositoryConfig, Settings, render_config


def create(
    path: Path,
    settings: Settings,
    *,
    source: Path | None,
    engine: str | None,
    shared: bool,
    progress: Progress,
) -> list[str]:
    """Make a repository at ``path``, with ``source`` cloned into its ``main`` when one is given.

    It is built under a temporary name beside its place and renamed when it is complete: a crash leaves nothing of
    the name ``path``. Returns what of ``source`` could not be kept or not be shared, one line each.

    Raises
    ------
    NameInvalid, AlreadyExists
        The last part of ``path`` is no name, or something is there.
    PathNotFound
        The folder for it, or ``source``, is no folder.
    EngineUnavailable, InputError
        The engine asked for cannot work there, or is none.
    """
    name = check_name(path.name, "repository")
    parent = Path(os.path.realpath(path.parent))
    target = parent / name
    if not parent.is_dir():
        raise PathNotFound(f"{parent} is no folder", hint=f"mkdir -p {parent}")
    if os.path.lexists(target):
        raise AlreadyExists(
            f"{target} exists already", hint="choose another name, or: jvs init NAME --from DIR"
        )
    if source is not None:
        source = _source(source, target)
    site = _building_site(parent, target, source)
    select.choose(engine or settings.engine, site)  # what cannot work is refused before anything is made
    temporary = site / f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}"
    layout = Layout(temporary, shared)
    made_by: SnapshotEngine | None = None
    try:
        files.make_folder(temporary, mode=layout.folder_mode)
        _make_control_plane(layout, RepositoryConfig(engine=engine, shared=shared))
        made_by = select.choose(engine or settings.engine or "auto", layout.control)
        degraded = _make_main(layout, made_by, source, settings, progress)
        details = {"engine": made_by.name, **({"degraded": degraded} if degraded else {})}
        audit.append(layout, settings, "init", worktree=MAIN, target=name, details=details)
        files.rename_durable(temporary, target)
    except BaseException:
        if made_by is not None:
            made_by.remove(temporary)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return degraded


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
        raise PathNotFound(f"{source} is no folder", hint="name an existing folder after --from")
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
            f"{target} would lie inside {source}, which it is made from, and it cannot be built in {beside}",
            hint="run it in a folder outside of that one",
        )
    return beside


def _make_control_plane(layout: Layout, config: RepositoryConfig) -> None:
    files.make_folder(layout.control, mode=layout.folder_mode)
    for folder in CONTROL_FOLDERS:
        files.make_folder(layout.control / folder, mode=layout.folder_mode)
    files.make_folder(layout.root / "worktrees", mode=layout.folder_mode)
    for name, text in (
        ("format_version", f"{FORMAT_VERSION}\n"),
        ("repo_id", f"{uuid.uuid4()}\n"),
        ("config.toml", render_config(config)),
    ):
        files.write_new(layout.control / name, text.encode(), mode=layout.file_mode)
    files.write_new(layout.repository_lock, b"", mode=layout.file_mode)
    files.sync_folder(layout.control)
    files.sync_folder(layout.repository_lock.parent)


def _make_main(
    layout: Layout, engine: SnapshotEngine, source: Path | None, settings: Settings, progress: Progress
) -> list[str]:
    main = layout.worktree(MAIN)
    degraded: list[str] = []
    if source is None:
        engine.make_worktree(main)
        if layout.folder_mode is not None:
            os.chmod(main, layout.folder_mode)
    else:
        degraded = engine.adopt(source, main, progress=progress)
        engine.settle(main)
    worktree.register(layout, MAIN, base=None)
    files.sync_folder(layout.root)
    return degraded
