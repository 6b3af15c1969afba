"""The register of worktrees: one ``config.json`` each, the only truth about it."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress

from jvs_core import canonical, clock, files, regular
from jvs_core.control.layout import Layout
from jvs_core.control.names import MAIN
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, WorktreeNotFound
from jvs_core.model import NAME, Worktree


def names(layout: Layout) -> list[str]:
    """Return the names of all registered worktrees, ``main`` first."""
    folder = layout.control / "worktrees"
    found = [n for n in layout.listing(folder) if re.fullmatch(NAME[1:-1], n) and (folder / n).is_dir()]
    return sorted(found, key=lambda name: (name != MAIN, name))


def get(layout: Layout, name: str) -> Worktree:
    """Return a worktree's record.

    Raises WorktreeNotFound, or DescriptorCorrupt when its file is unreadable.
    """
    if re.fullmatch(NAME[1:-1], name) is None:
        raise WorktreeNotFound(f"no worktree {name!r}", hint="jvs worktree list")
    path = layout.worktree_config(name)
    # On JuiceFS, listing a folder refreshes the names in it that another client replaced: first config.json, then,
    # where the folder itself was replaced and its old self is empty, the folder.
    if path.name not in layout.listing(path.parent):
        if name not in layout.listing(path.parent.parent):
            raise WorktreeNotFound(f"no worktree {name!r}", hint="jvs worktree list")
        layout.listing(path.parent)
    try:
        data = regular.read_replaced(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DescriptorCorrupt(f"worktree {name!r} has no config.json", hint="jvs doctor") from error
    return Worktree.parse(data, f"the configuration of worktree {name!r}")


def register(
    layout: Layout, name: str, *, base: str | None, labels: Mapping[str, str] | None = None
) -> Worktree:
    """Register a new worktree whose base and head are ``base``, durable; a failure leaves none of that name.

    Raises AlreadyExists.
    """
    worktree = Worktree(
        worktree_id=str(uuid.uuid4()),
        created_at=clock.timestamp(),
        base_snapshot_id=base,
        head_snapshot_id=base,
        labels=dict(labels or {}),
    )
    folder = layout.worktree_config(name).parent
    temporary = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}")
    named = False
    try:
        files.make_folder(temporary, mode=layout.folder_mode)
        files.write_new(temporary / "config.json", _encode(worktree), mode=layout.file_mode)
        files.sync_folder(temporary)
        files.rename_new(temporary, folder)
        named = True
        files.sync_folder(folder.parent)
        files.make_folder(layout.locks(worktree.worktree_id), mode=layout.folder_mode)
    except BaseException as error:
        if named:
            with suppress(OSError):
                os.rename(folder, temporary)
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, AlreadyExists) and not named:
            raise AlreadyExists(f"worktree {name!r} exists already", hint="jvs worktree list") from error
        raise
    return worktree


def update(layout: Layout, name: str, worktree: Worktree) -> None:
    """Replace a worktree's record, durable. The caller holds the repository's critical section."""
    files.write_atomic(layout.worktree_config(name), _encode(worktree), mode=layout.file_mode)


def unregister(layout: Layout, name: str) -> None:
    """Remove a worktree's record, durable; the payload folder is the caller's."""
    folder = layout.worktree_config(name).parent
    gone = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}")
    files.rename_durable(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def rename(layout: Layout, old: str, new: str) -> None:
    """Give a worktree's record another name, durable. Raises AlreadyExists."""
    try:
        files.rename_durable(layout.worktree_config(old).parent, layout.worktree_config(new).parent)
    except AlreadyExists as error:
        raise AlreadyExists(f"worktree {new!r} exists already", hint="jvs worktree list") from error


def _encode(worktree: Worktree) -> bytes:
    return canonical.dumps(worktree.to_json()) + b"\n"
