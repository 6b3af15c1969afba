"""Resolving the paths of a command: an entry of a snapshot, and a place in a worktree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jvs_core import files
from jvs_core.control.names import inside
from jvs_core.errors import AlreadyExists, InputError, PathEscape, PathNotFound
from jvs_core.payload.tree.entry import CONTROL, FOLDER, Entry, is_repository, printable


def payload_path(path: str) -> bytes:
    """Return a path inside a payload as a manifest has it; ``""`` and ``.`` are the top.

    Raises PathEscape for an absolute path or one that climbs out.
    """
    raw = os.fsencode(path)
    if raw.startswith(b"/"):
        raise PathEscape(f"{path!r} is absolute; paths in a snapshot start at its top folder")
    parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
    if b".." in parts or b"\0" in raw:
        raise PathEscape(f"{path!r} leads outside the snapshot")
    return b"/".join(parts)


def require(entries: Sequence[Entry], path: bytes, snapshot_id: str) -> Entry:
    """Return the entry at ``path``. Raises PathNotFound."""
    for entry in entries:
        if entry.path == path:
            return entry
    if not path:
        return Entry(b"", FOLDER, 0o755, 0, 0, 0, 0)
    raise PathNotFound(f"no {printable(path)!r} in snapshot {snapshot_id}", hint=f"jvs ls {snapshot_id}")


def target_of(root: Path, to: str) -> Path:
    """Return the path that ``to`` names in the worktree ``root``. Raises PathEscape."""
    if "\0" in to:  # the system would take the name up to there
        raise PathEscape(f"{to!r} is not a path")
    target = Path(os.path.normpath(root / to)) if not os.path.isabs(to) else Path(os.path.normpath(to))
    if target == root or not target.is_relative_to(root):
        raise PathEscape(f"{to!r} is outside the worktree {root}")
    return inside(root, target.parent) / target.name


def require_no_repository(path: bytes, kind: str) -> None:
    """Raise InputError where ``path`` is, or lies in, a repository inside the worktree."""
    folder, _, _ = path.rpartition(b"/")
    if is_repository(path, kind) or CONTROL in folder.split(b"/"):
        raise InputError(
            f"{printable(path)} would be part of a repository inside the worktree; a restore never changes such a repository",
            hint="use --to with another path",
        )


def make_parents(root: Path, target: Path, entries: Sequence[Entry]) -> list[Path]:
    """Make the missing folders above ``target``, with the modes that ``entries`` have for them; return them.

    Raises PathNotFound where something else stands in the way.
    """
    missing = [folder for folder in target.parents if folder.is_relative_to(root) and not folder.is_dir()]
    modes = {entry.path: entry.mode for entry in entries if entry.kind == FOLDER}
    made = []
    for folder in reversed(missing):
        try:
            files.make_folder(folder, mode=modes.get(os.fsencode(folder.relative_to(root))))
        except AlreadyExists as error:
            raise PathNotFound(f"{folder} is not a folder", hint="use --to with another path") from error
        made.append(folder)
    return made
