"""The register of worktrees. Each has a ``config.json``, which says what it is, and heads, which say where it stands."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress

from jvs_core import canonical, clock, files, regular, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.names import MAIN
from jvs_core.control.records import heads
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, JvsError, WorktreeNotFound
from jvs_core.model import NAME, Head, UndoPoint, Worktree, WorktreeConfig
from jvs_core.piecemeal import target_of


def names(layout: Layout) -> list[str]:
    """Return the names of all registered worktrees, ``main`` first."""
    folder = layout.control / "worktrees"
    found = [n for n in layout.listing(folder) if re.fullmatch(NAME[1:-1], n) and (folder / n).is_dir()]
    return sorted(found, key=lambda name: (name != MAIN, name))


def get(layout: Layout, name: str) -> Worktree:
    """Return what a worktree is and where it stands.

    Raises WorktreeNotFound, or DescriptorCorrupt when one of its records is unreadable.
    """
    config = get_config(layout, name)
    return Worktree(config, heads.read(layout, name, config.worktree_id))


def get_config(layout: Layout, name: str) -> WorktreeConfig:
    """Return what a worktree is. Raises WorktreeNotFound, DescriptorCorrupt."""
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
        data = regular.read_replaced(path, most=regular.LONGEST_PLAIN)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DescriptorCorrupt(f"worktree {name!r} has no config.json", hint="jvs doctor") from error
    return WorktreeConfig.parse(data, f"the configuration of worktree {name!r}")


def register(
    layout: Layout, name: str, *, base: str | None, operation: str, labels: Mapping[str, str] | None = None
) -> Worktree:
    """Register a new worktree whose base and head are ``base``, durable; a failure leaves none of that name.

    The caller is in the critical section. Raises AlreadyExists.
    """
    critical.require(layout.repository_lock)
    worktree_id = str(uuid.uuid4())
    config = WorktreeConfig(
        worktree_id=worktree_id,
        created_at=clock.timestamp(),
        base_snapshot_id=base,
        labels=dict(labels or {}),
    )
    head = Head(
        number=1,
        worktree_id=worktree_id,
        snapshot_id=base,
        base_snapshot_id=base,
        fencing_token=None,
        operation=operation,
    )
    return take_over(layout, name, config, head)


def take_over(layout: Layout, name: str, config: WorktreeConfig, head: Head) -> Worktree:
    """Register a worktree as another repository has it, durable; a failure leaves none of that name.

    The caller is in the critical section. Raises AlreadyExists.
    """
    critical.require(layout.repository_lock)
    folder = layout.worktree_config(name).parent
    temporary = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}")
    named = False
    try:
        files.make_folder(temporary, mode=layout.folder_mode, durable=False)
        files.make_folder(temporary / "heads", mode=layout.folder_mode, durable=False)
        first, about = temporary / "heads" / str(head.number), temporary / "config.json"
        files.write_new(first, heads.encode(head), mode=layout.file_mode, durable=False)
        files.write_new(about, _encode(config), mode=layout.file_mode, durable=False)
        syncing.sync_together([first, first.parent, about, temporary])
        files.rename_new(temporary, folder)
        named = True
        syncing.sync_folder(folder.parent)
        files.make_folder(layout.locks(config.worktree_id), mode=layout.folder_mode)
    except BaseException as error:
        if named:
            with suppress(OSError, JvsError):
                files.rename(folder, temporary)
        with suppress(OSError, JvsError):
            files.remove_any(temporary)
        if isinstance(error, AlreadyExists) and not named:
            raise AlreadyExists(f"worktree {name!r} already exists", hint="jvs worktree list") from error
        raise
    return Worktree(config, head)


def move(
    layout: Layout,
    name: str,
    seen: Worktree,
    *,
    operation: str,
    token: int | None,
    snapshot_id: str | None,
    undo: Sequence[UndoPoint],
    redo: Sequence[UndoPoint] = (),
) -> Head:
    """Give worktree ``name``, which the caller saw as ``seen``, its next head, durable, and return it.

    The caller is in the critical section. Raises FencingMismatch when the head moved since, or another worktree has the
    name now; DescriptorCorrupt when its number is one that JVS never gave.
    """
    require_room(name, seen)
    head = Head(
        number=seen.head.number + 1,
        worktree_id=seen.worktree_id,
        snapshot_id=snapshot_id,
        base_snapshot_id=seen.base_snapshot_id,
        undo=tuple(undo),
        redo=tuple(redo),
        fencing_token=token,
        operation=operation,
    )
    heads.advance(layout, name, head)
    return head


def require_room(name: str, seen: Worktree) -> None:
    """Raise DescriptorCorrupt where the head of worktree ``name`` has the highest number, so that no next one is left."""
    if seen.head.number >= heads.LAST:
        raise DescriptorCorrupt(
            f"no head of worktree {name!r} can follow number {seen.head.number}", hint="jvs doctor"
        )


def relabel(layout: Layout, name: str, seen: Worktree, labels: Mapping[str, str]) -> None:
    """Replace a worktree's labels, durable. ``seen`` was read in the same critical section."""
    critical.require(layout.repository_lock)
    config = seen.config.changed(labels=dict(labels), base_snapshot_id=seen.base_snapshot_id)
    files.write_atomic(layout.worktree_config(name), _encode(config), mode=layout.file_mode)


def unregister(layout: Layout, name: str) -> None:
    """Remove a worktree's record, durable; the payload folder is the caller's."""
    critical.require(layout.repository_lock)
    folder = layout.worktree_config(name).parent
    gone = folder.with_name(f".{name}.{uuid.uuid4().hex[:8]}{files.TEMPORARY_SUFFIX}")
    files.rename_durable(folder, gone)
    with suppress(OSError, JvsError):
        files.remove_any(gone, durable=False)  # what comes back after a power cut is what doctor clears away


def rename(layout: Layout, old: str, new: str) -> None:
    """Give a worktree's record another name, durable. Raises AlreadyExists."""
    critical.require(layout.repository_lock)
    try:
        files.rename_durable(layout.worktree_config(old).parent, layout.worktree_config(new).parent)
    except AlreadyExists as error:
        raise AlreadyExists(f"worktree {new!r} already exists", hint="jvs worktree list") from error


def finish_rename(layout: Layout, old: str, new: str) -> None:
    """Complete what a crash left of ``rename`` in pieces; nothing where it left none."""
    files.finish_rename(layout.worktree_config(old).parent, layout.worktree_config(new).parent)


def undo_unregister(layout: Layout, name: str) -> None:
    """Put the record of worktree ``name`` together again that a crash of ``unregister`` left in pieces."""
    folder = layout.worktree_config(name).parent
    for found in _pieces(layout, name):
        files.undo_rename(folder, folder.with_name(target_of(found)))


def finish_unregister(layout: Layout, name: str) -> None:
    """Remove what a crash of ``unregister`` left of the record of worktree ``name``, which is registered no more."""
    for found in _pieces(layout, name):
        files.remove_any(layout.worktree_config(name).parent.with_name(found))


def _pieces(layout: Layout, name: str) -> list[str]:
    own = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}{re.escape(files.TEMPORARY_SUFFIX)}")
    names = layout.listing(layout.worktree_config(name).parent.parent)
    return [found for found in names if target_of(found) != found and own.fullmatch(target_of(found))]


def _encode(config: WorktreeConfig) -> bytes:
    return canonical.dumps(config.to_json()) + b"\n"
