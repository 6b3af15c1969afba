"""The place where a repository is put together that comes from elsewhere: unmistakably unfinished until all is there.

It is the hidden folder ``.NAME.unfinished`` beside the repository's place, without a format marker, so no command takes it
for a repository. Who works there holds its lock. It stays after a failure or a crash, and the same command goes on with
what has arrived; nothing else in it is believed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from jvs_core import anchored, canonical, files, regular, syncing
from jvs_core.control import control_folders
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, NoSpace
from jvs_core.model import FORMAT_VERSION, Record
from jvs_core.model.forms import Line

_NOTE = "unfinished.json"
_LONGEST_NOTE = 1 << 24
_BEGINS = re.compile(
    r"\.unfinished\.json\.[0-9a-f]{8}\.tmp"
)  # the note, as a crash leaves it that comes at once
_MADE = "made-"
_REWRITTEN = ("worktrees", "annotations", "refs", "audit", "runs", "gc", "damage", "intents")


class Undertaking(Record):
    """What is being put together: from which repository, and what of it."""

    operation: Literal["clone", "import"]
    source: str
    source_identity: Line
    only: tuple[str, ...] | None
    same_identity: bool


def place(target: Path) -> Path:
    """Return where the repository ``target`` is put together."""
    return target.with_name(f".{target.name}.unfinished")


@contextmanager
def site(target: Path, shared: bool, what: Undertaking) -> Iterator[Layout]:
    """Yield the layout of the place where ``target`` is put together, new or as an earlier try left it, locked.

    Raises
    ------
    AlreadyExists
        ``target`` is there already, or the place holds the unfinished work of another command, or somebody else's.
    LockConflict
        Another process is at work there.
    """
    require_free(target)
    root = place(target)
    if os.path.lexists(root):
        _require_own(root)
        _require_begun(root)
    layout = Layout(root, shared)
    files.make_folder(root, mode=layout.worktree_mode, exist_ok=True)
    for folder in (layout.control, layout.repository_lock.parent):
        files.make_folder(folder, mode=layout.folder_mode, exist_ok=True)
    with critical.exclusive(
        layout.repository_lock,
        wait_s=0,
        mode=layout.lock_mode,
        who=f"another jvs {what.operation}",
        lasting=True,
    ):
        try:
            _begin(layout, what)
            yield layout
        except NoSpace as error:
            raise NoSpace(
                error.message,
                hint=f"free space, then run the command again to continue in {root}; or give up: rm -r {root}",
                **error.facts,
            ) from error


def require_free(target: Path) -> None:
    """Raise AlreadyExists where something has the name ``target``."""
    if os.path.lexists(target):
        raise AlreadyExists(f"{target} already exists", hint="choose another name")


def _require_own(root: Path) -> None:
    for path in (root, root / ".jvs"):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
            raise AlreadyExists(
                f"{root} is in the way, and you did not start it", hint=f"look at {root}, then move it away"
            )


def _require_begun(root: Path) -> None:
    """Raise AlreadyExists for a folder that no clone or import began: one without their note and with more than their lock."""
    layout = Layout(root)
    folders = (root, layout.control, layout.repository_lock.parent)
    own = {*folders, layout.repository_lock}
    for folder in folders:
        for name in layout.listing(folder):
            begins = folder == layout.control and _BEGINS.fullmatch(name)
            if folder / name not in own and not begins and not os.path.lexists(layout.control / _NOTE):
                raise AlreadyExists(
                    f"{root} is in the way, and no clone or import began it",
                    hint=f"look at it, and move {root} away",
                )


def _begin(layout: Layout, what: Undertaking) -> None:
    """Write down what is put together, and remove what is written anew in any case."""
    note = layout.control / _NOTE
    data = canonical.dumps(what.to_json()) + b"\n"
    try:
        found = regular.read_regular(note, most=_LONGEST_NOTE)
    except FileNotFoundError:
        found = None
    except DescriptorCorrupt:
        found = b""
    if found is not None and found != data:
        raise AlreadyExists(
            f"{layout.root} holds an unfinished {_called(found)}",
            hint=f"run that command again, or give up: rm -r {layout.root}",
        )
    files.write_atomic(note, data)
    for name in ("format_version", "repo_id", "config.toml"):
        files.unlink(layout.control / name, missing_ok=True)
    for name in _REWRITTEN:
        files.remove_any(layout.control / name)
    for name in layout.listing(layout.repository_lock.parent):
        if name != layout.repository_lock.name:
            files.remove_any(layout.repository_lock.parent / name)
    control_folders.complete(layout)


def _called(found: bytes) -> str:
    try:
        begun = Undertaking.parse(found, "the note")
    except DescriptorCorrupt:
        return "repository"
    return f"{begun.operation} of {begun.source}"


def describe(layout: Layout, repo_id: str, config: bytes) -> None:
    """Write what the repository says of itself, but for the format marker."""
    for name, data in (("repo_id", f"{repo_id}\n".encode()), ("config.toml", config)):
        files.write_atomic(layout.control / name, data, mode=layout.file_mode)


def publish(layout: Layout, target: Path) -> None:
    """Make a repository of what is complete and durable: the marker, then its name, and last the note goes.

    A crash before the name leaves what the next try goes on with. Raises AlreadyExists.
    """
    files.write_new(layout.control / "format_version", f"{FORMAT_VERSION}\n".encode(), mode=layout.file_mode)
    for name in layout.listing(layout.control):
        if name.startswith(_MADE) or _BEGINS.fullmatch(name):
            files.unlink(layout.control / name)
    syncing.sync_folder(layout.control)
    files.rename_durable(layout.root, target)
    anchored.hold(target)
    files.unlink(Layout(target).control / _NOTE)


def is_made(layout: Layout, worktree: str, of: str) -> bool:
    """Say whether an earlier try made a worktree of the snapshot ``of``, durable."""
    try:
        return regular.read_regular(layout.control / f"{_MADE}{worktree}") == of.encode()
    except (FileNotFoundError, DescriptorCorrupt):
        return False


def note_made(layout: Layout, worktree: str, of: str) -> None:
    """Note that a worktree of the snapshot ``of`` was made, and is durable."""
    files.write_atomic(layout.control / f"{_MADE}{worktree}", of.encode())
