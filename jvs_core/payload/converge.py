"""Making an existing worktree equal to a snapshot in place, and taking single paths out of a snapshot."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from jvs_core.errors import AlreadyExists, EngineFailed, PathNotFound
from jvs_core.payload import attributes, pool
from jvs_core.payload.batches import cut
from jvs_core.payload.capture import owned, whole_groups
from jvs_core.payload.entry import FOLDER, SYMLINK, Entry, printable
from jvs_core.payload.faults import GONE, listed, translate
from jvs_core.payload.folders import Folders, split
from jvs_core.payload.materialize import check as check_payload
from jvs_core.payload.materialize import mismatch as payload_mismatch
from jvs_core.payload.put import LEFTOVER_PREFIX, PutJob, mismatch, put, temporary_name
from jvs_core.payload.removal import remove_tree
from jvs_core.payload.replica import Plan, make_top, replicate
from jvs_core.payload.steps import Link, Steps, plan
from jvs_core.payload.tree import Stamp
from jvs_core.progress import SILENT, Progress

__all__ = ["LEFTOVER_PREFIX", "Steps", "apply", "extract", "is_leftover", "plan", "remove_leftover"]

SET = 500

T = TypeVar("T")


def apply(
    worktree: Path,
    payload: Path,
    steps: Steps,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress = SILENT,
) -> list[str]:
    """Carry out ``steps`` in ``worktree``; return what could not be kept, one line each.

    ``check`` is called before each set of changes and stops the work by raising. Every file arrives by rename, after
    its content was held against the manifest, so each is whole at any time; a crash or failure leaves some of the
    steps undone and perhaps temporary names, which planning again finds. Sockets and devices stay, and so do the
    folders they are in.

    Raises PayloadHashMismatch, NoSpace or EngineFailed, with the path.
    """
    progress.started("converge", len(steps.fill) + len(steps.link) + len(steps.mend) + len(steps.remove))
    refused: list[bytes] = []
    with Folders(worktree) as folders, Folders(worktree) as firsts, Folders(payload) as payloads:
        _apply_each(steps.open_up, check, lambda path: os.fchmod(folders.at(path), 0o700))
        _apply_each(steps.clear, check, lambda entry: _remove(folders, entry, must=True))
        _apply_each(steps.make, check, lambda entry: _make_folder(folders, entry))
        refused += _fill(worktree, payload, steps.fill, check, progress)
        _apply_each(steps.link, check, lambda link: _link(firsts, folders, link))
        _apply_each(steps.mend, check, lambda entry: _mend(folders, payloads, entry, refused))
        _apply_each(steps.remove, check, lambda entry: _remove(folders, entry, must=False))
        _apply_each(steps.settle, check, lambda entry: _settle(folders, payloads, entry, refused))
    progress.advanced(len(steps.link) + len(steps.mend) + len(steps.remove))
    progress.finished("converge")
    if not refused:
        return []
    return [f"attributes refused by the file system on {len(refused)} entries: {listed(sorted(refused))}"]


def _apply_each(items: Sequence[T], check: Callable[[], None], act: Callable[[T], object]) -> None:
    for number, item in enumerate(items):
        if number % SET == 0:
            check()
        try:
            act(item)
        except OSError as error:
            raise translate(error, _path_of(item)) from error


def _path_of(item: object) -> bytes:
    if isinstance(item, Link):
        return item.entry.path
    return item.path if isinstance(item, Entry) else bytes(item) if isinstance(item, bytes) else b""


def _fill(
    worktree: Path, payload: Path, entries: Sequence[Entry], check: Callable[[], None], progress: Progress
) -> list[bytes]:
    if not entries:
        return []
    refused: list[bytes] = []

    def done(batch: list[Entry], answer: list[bytes]) -> None:
        refused.extend(answer)
        progress.advanced(len(batch))

    sizes = [entry.size for entry in entries]
    job = PutJob(os.path.abspath(os.fsencode(payload)), os.path.abspath(os.fsencode(worktree)), "reflink")
    batches = ([entries[position] for position in part] for part in cut(sizes))
    pool.run(job, batches, count=pool.processes(len(entries), sum(sizes)), done=done, before=check)
    return refused


def _make_folder(folders: Folders, entry: Entry) -> None:
    folder, name = split(entry.path)
    parent = folders.at(folder)
    with suppress(FileNotFoundError):  # a socket or device may stand here, which no plan lists
        if not _is_folder(parent, name):
            os.unlink(name, dir_fd=parent)
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)


def _is_folder(parent: int, name: bytes) -> bool:
    return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o170000 == 0o040000


def _remove(folders: Folders, entry: Entry, *, must: bool) -> None:
    """Remove one entry that may be gone; a folder that holds something else by now stays, unless it is in the way."""
    folder, name = split(entry.path)
    try:
        parent = folders.at(folder)
        if entry.kind == FOLDER:
            folders.forget(entry.path)
            os.rmdir(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
            if must:
                raise EngineFailed(
                    f"{printable(entry.path)} is to be replaced, but holds what no snapshot keeps (a socket, device or mount)",
                    hint="move it away and run the command again",
                    path=entry.path,
                ) from error
        elif error.errno not in GONE:
            raise


def _link(firsts: Folders, folders: Folders, link: Link) -> None:
    """Give a file one more name, over whatever stands there."""
    folder, name = split(link.entry.path)
    first_folder, first_name = split(link.first)
    target = folders.at(folder)
    temporary = temporary_name()
    os.link(
        first_name, temporary, src_dir_fd=firsts.at(first_folder), dst_dir_fd=target, follow_symlinks=False
    )
    try:
        os.rename(temporary, name, src_dir_fd=target, dst_dir_fd=target)
    finally:
        with suppress(FileNotFoundError):  # renaming one name of a file over another of the same does nothing
            os.unlink(temporary, dir_fd=target)


def _mend(folders: Folders, payloads: Folders, entry: Entry, refused: list[bytes]) -> None:
    """Give an entry with the right content its attributes, without opening it: its mode may forbid that."""
    folder, name = split(entry.path)
    parent = folders.at(folder)
    if entry.kind == SYMLINK:
        attributes.apply_to_name(parent, name, None, entry.uid, entry.gid, entry.mtime_ns)
        return
    xattrs: attributes.Xattrs = ()
    if entry.xattrs:
        xattrs = attributes.read_xattrs(attributes.below(payloads.at(folder), name))
        if attributes.digest(xattrs) != entry.xattrs:
            raise mismatch(entry)
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if os.fstat(fd).st_mode & 0o170000 == 0o120000:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if attributes.apply_to_handle(fd, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs):
            refused.append(entry.path)
    finally:
        os.close(fd)


def _settle(folders: Folders, payloads: Folders, entry: Entry, refused: list[bytes]) -> None:
    xattrs = attributes.read_xattrs(payloads.at(entry.path)) if entry.xattrs else ()
    target = folders.at(entry.path)
    if attributes.apply_to_fd(target, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs, clear=True):
        refused.append(entry.path)


def is_leftover(path: bytes) -> bool:
    """Say whether ``path`` is, or lies in, something that an interrupted restore left under a temporary name."""
    prefix = os.fsencode(LEFTOVER_PREFIX)
    return any(name.startswith(prefix) for name in path.split(b"/"))


def remove_leftover(parent: Path, name: str) -> None:
    """Remove the temporary ``name`` in ``parent``; no error when it is gone already."""
    remove_tree(parent / name)


def extract(
    payload: Path, entries: Sequence[Entry], path: bytes, target: Path, *, progress: Progress = SILENT
) -> list[str]:
    """Make the new ``target`` from one file or folder ``path`` of a snapshot; return what could not be kept.

    Every byte is held against the manifest. A failure may leave an incomplete ``target``: give a temporary name and
    remove it then.

    Raises PathNotFound, AlreadyExists, PayloadHashMismatch, NoSpace or EngineFailed.
    """
    prefix = path + b"/" if path else b""
    chosen = [
        entry._replace(path=entry.path[len(prefix) :] if entry.path != path else b"")
        for entry in entries
        if entry.path == path or entry.path.startswith(prefix)
    ]
    if not chosen:
        raise PathNotFound(f"no {printable(path)!r} in the snapshot", path=path)
    wanted, lost = owned(whole_groups(chosen))
    if chosen[0].kind != FOLDER:
        return [*lost, *_extract_one(payload, wanted[0], path, target)]
    source = payload / os.fsdecode(path)
    found = check_payload(source, chosen, progress)
    make_top(target)
    stamps = [Stamp(stamp.dev, stamp.ino, -1) for stamp in found.stamps]
    made = replicate(Plan(source, target, wanted, stamps, "reflink"), progress)
    damaged = [
        prefix + was.path
        for was, now in zip(wanted, made.entries, strict=True)
        if now is None or now.sha256 != was.sha256 or was.path in made.changed
    ]
    if damaged:
        raise payload_mismatch(damaged)
    return [*lost, *made.losses()]


def _extract_one(payload: Path, entry: Entry, path: bytes, target: Path) -> list[str]:
    folder, name = split(path)
    try:
        with Folders(payload) as payloads, Folders(target.parent) as targets:
            refused = put(
                payloads.at(folder),
                name,
                targets.top,
                os.fsencode(target.name),
                entry._replace(path=path),
                "reflink",
            )
    except FileExistsError as error:
        raise AlreadyExists(f"{target} exists already", path=str(target)) from error
    except OSError as error:
        raise translate(error, path) from error
    return [f"extended attributes refused by the file system: {', '.join(refused)}"] if refused else []
