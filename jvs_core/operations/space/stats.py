"""What takes the space of a repository, put together: snapshots, worktrees, kept copies, trash, records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.records import kept, pins, refs, tombstones, worktree
from jvs_core.errors import EngineFailed, IntegrityError, JvsError, NotFound
from jvs_core.model import SNAPSHOT_ID
from jvs_core.operations import change_index, stored
from jvs_core.operations.change_index import ChangeIndex
from jvs_core.operations.context import Context, step
from jvs_core.operations.space import shares
from jvs_core.operations.space.measured import Working, taken, working
from jvs_core.payload.tree.entry import FILE, Entry, text
from jvs_core.progress import Progress
from jvs_core.results import PathSpace, SnapshotSpace, SpaceUse, Stats, WorktreeSpace
from jvs_core.wording import counted

# The only one of the engines that gives every tree blocks of its own.
_COPYING = "copy"
_ID = re.compile(SNAPSHOT_ID[1:-1].encode())


def of_repository(ctx: Context, progress: Progress) -> Stats:
    """Return what takes the space of a repository. See ``Repository.stats``."""
    problems: list[str] = []
    needed: dict[str, list[str]] = {}
    with change_index.opened(ctx, progress) as index:
        problems += index.unreadable
        with step(progress, "count"):
            found = shares.shares(index)
        is_copying = ctx.engine_name() == _COPYING
        with step(progress, "measure"):
            places = _worktrees(ctx, needed, problems)
            use: dict[SpaceUse, int] = {
                "snapshots": found.written_bytes if is_copying else found.stored_bytes,
                "worktrees": sum(place.own_bytes for place in places),
                "kept_copies": _kept_copies(ctx, index, problems, shared=not is_copying),
                **_control(ctx.layout, problems),
            }
        _name(ctx, needed, problems)
        return Stats(
            total_bytes=sum(use.values()),
            distinct_bytes=found.distinct_bytes,
            contents=found.contents,
            by_use=use,
            snapshots=[
                SnapshotSpace(
                    snapshot_id=each, unique_bytes=found.alone.get(each, 0), needed_for=needed.get(each, [])
                )
                for each in sorted(index.bases, reverse=True)
            ],
            worktrees=places,
            largest=[
                PathSpace(path=text(each.path), bytes=each.bytes, versions=each.versions)
                for each in found.largest
            ],
            expired=len(index.about.keys() & set(tombstones.TOMBSTONES.keys(ctx.layout))),
            unreadable=problems,
        )


def of_snapshot(ctx: Context, snapshot_id: str, progress: Progress) -> Stats:
    """Return what one snapshot holds, and holds alone. Raises what ``stored.load`` does."""
    files = [entry for entry in stored.look(ctx.layout, snapshot_id).entries if entry.kind == FILE]
    contents = {entry.sha256: entry.size for entry in files}
    with change_index.opened(ctx, progress) as index:
        own = shares.alone(index, snapshot_id) if snapshot_id in index.bases else {}
        problems = list(index.unreadable)
    needed: dict[str, list[str]] = {}
    for name in worktree.names(ctx.layout):
        _head(ctx, name, needed, problems)
    _name(ctx, needed, problems)
    largest = sorted(files, key=lambda entry: (-own.get(entry.path, 0), -entry.size, entry.path))
    return Stats(
        total_bytes=sum(entry.size for entry in files),
        distinct_bytes=sum(contents.values()),
        contents=len(contents),
        snapshots=[
            SnapshotSpace(
                snapshot_id=snapshot_id,
                unique_bytes=sum(own.values()),
                needed_for=needed.get(snapshot_id, []),
            )
        ],
        largest=[
            PathSpace(
                path=text(entry.path),
                bytes=entry.size,
                versions=1,
                unique_bytes=own.get(entry.path, 0),
            )
            for entry in largest[: shares.LARGEST]
        ],
        unreadable=problems,
    )


def _worktrees(ctx: Context, needed: dict[str, list[str]], problems: list[str]) -> list[WorktreeSpace]:
    places = []
    for name in worktree.names(ctx.layout):
        newest, is_sharing = _newest(ctx, _head(ctx, name, needed, problems), problems)
        try:
            found = working(ctx.layout.worktree(name), newest, shares=is_sharing)
        except JvsError as error:
            problems.append(error.message)
            found = Working()
        _note_closed(found.closed, f"worktree {name}", problems)
        places.append(WorktreeSpace(worktree=name, bytes=found.bytes, own_bytes=found.own_bytes))
    return places


def _head(ctx: Context, name: str, needed: dict[str, list[str]], problems: list[str]) -> str | None:
    try:
        head = ctx.worktree(name).head_snapshot_id
    except JvsError as error:
        problems.append(error.message)
        return None
    if head is not None:
        needed.setdefault(head, []).append(f"head of {name}")
    return head


def _newest(ctx: Context, head: str | None, problems: list[str]) -> tuple[Sequence[Entry], bool]:
    """Return the manifest of a worktree's head, and whether its engine shares blocks; nothing where it is not there."""
    if head is None or catalog.is_expired(ctx.layout, head):
        return [], False
    try:
        found = stored.look(ctx.layout, head)
    except (IntegrityError, NotFound, EngineFailed) as error:
        problems.append(error.message)
        return [], False
    return found.entries, found.descriptor.engine != _COPYING


def _kept_copies(ctx: Context, index: ChangeIndex, problems: list[str], *, shared: bool) -> int:
    """Return what kept copies take, but for contents that snapshots hold where the engine shares blocks."""
    measured = taken(ctx.layout.kept())
    _note_closed(measured.closed, "the kept copies", problems)
    records = []
    for each in kept.worktrees(ctx.layout):
        found, broken = kept.readable(ctx.layout, each)
        records += found
        problems += [error.message for error in broken.values()]
    if not records or not shared:
        return measured.own_bytes
    held = index.held_elsewhere(bytes.fromhex(record.sha256) for record in records)
    twice = sum(shares.in_blocks(each.size) for each in records if bytes.fromhex(each.sha256) in held)
    return max(measured.own_bytes - twice, 0)


def _control(layout: Layout, problems: list[str]) -> Mapping[SpaceUse, int]:
    """Return what is in ``.jvs`` beside payloads and kept copies."""
    trash = taken(layout.trash())
    unfinished = [
        taken(layout.snapshots / name) for name in layout.listing(layout.snapshots) if not catalog.is_id(name)
    ]
    records = taken(layout.control, leave_out=_is_no_record)
    closed = trash.closed + records.closed + sum(each.closed for each in unfinished)
    _note_closed(closed, ".jvs", problems)
    return {
        "trash": trash.own_bytes,
        "unfinished": sum(each.own_bytes for each in unfinished),
        "records": records.own_bytes,
    }


def _is_no_record(folder: bytes) -> bool:
    """Return whether a folder of ``.jvs`` holds what is counted apart."""
    if folder in (b"kept", b"gc/trash"):
        return True
    first, *rest = folder.split(b"/")
    if first != b"snapshots" or not rest:
        return False
    return _ID.fullmatch(rest[0]) is None or rest[1:] == [b"payload"]


def _name(ctx: Context, needed: dict[str, list[str]], problems: list[str]) -> None:
    found, broken = refs.REFS.readable(ctx.layout)
    problems += [error.message for error in broken.values()]
    for ref in found:
        needed.setdefault(ref.snapshot_id, []).append(f"ref {ref.name}")
    for pin in pins.read_all(ctx.layout, problems):
        if not pins.has_expired(pin):
            needed.setdefault(pin.snapshot_id, []).append("pin")


def _note_closed(count: int, what: str, problems: list[str]) -> None:
    if count:
        problems.append(f"{counted(count, 'folder')} of {what} cannot be read and are not counted")
