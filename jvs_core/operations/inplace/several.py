"""Restoring several paths, given by names and patterns, one after the other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from jvs_core.errors import AlreadyExists, InputError, JvsError, PathNotFound
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import path_restore, targets
from jvs_core.operations.locking import Locking
from jvs_core.payload.tree.entry import Entry, printable
from jvs_core.progress import Progress
from jvs_core.results import Extracted

_GLOB = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def paths(
    ctx: Context,
    name: str,
    snapshot_id: str,
    wanted: Sequence[str],
    *,
    to: str | None,
    replace: bool,
    reason: str,
    locking: Locking,
    progress: Progress,
) -> list[Extracted]:
    """Copy files and folders out of a snapshot into worktree ``name``. See ``Repository.restore_paths``."""
    found = chosen(stored.load(ctx.layout, snapshot_id).entries, wanted, snapshot_id)
    if to is not None and len(found) != 1:
        raise InputError(f"--to works with one path, and these are {len(found)}", hint="leave --to out")
    if to is None and not replace:
        _require_free(ctx, name, found)
    done: list[Extracted] = []
    for one in found:
        try:
            made = path_restore.path(
                ctx, name, snapshot_id, one,
                to=to, replace=replace, reason=reason, locking=locking, progress=progress,
            )  # fmt: skip
        except JvsError as error:
            if done:
                error.message += f"; restored before that: {', '.join(each.path for each in done)}"
            raise
        done.append(made)
    return done


def chosen(entries: Sequence[Entry], wanted: Sequence[str], snapshot_id: str) -> list[str]:
    """Return the paths that ``wanted`` names, each once: the one of exactly that name, else those that match it.

    ``*`` and ``?`` stay within one folder, ``**`` goes through any number of them. What lies in a folder that is
    chosen comes with it. Raises PathNotFound for one that matches nothing.
    """
    known = {entry.path for entry in entries}
    found: dict[bytes, None] = {}
    for text in wanted:
        inner = targets.payload_path(text)
        if not inner:
            raise InputError(
                "--path names the whole snapshot", hint=f"to restore all of it: jvs restore {snapshot_id}"
            )
        if inner in known or not _GLOB.search(text):
            targets.require(entries, inner, snapshot_id)
            found[inner] = None
            continue
        patterns = os.fsdecode(inner).split("/")
        matched = [path for path in sorted(known) if matches(os.fsdecode(path).split("/"), patterns)]
        if not matched:
            raise PathNotFound(
                f"nothing in snapshot {snapshot_id} matches {printable(inner)!r}",
                hint=f"jvs ls {snapshot_id} -r",
            )
        found.update(dict.fromkeys(matched))
    return [os.fsdecode(path) for path in found if not any(above in found for above in _above(path))]


def _above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:count]) for count in range(1, len(parts))]


def matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Return whether a path matches a pattern, folder by folder."""
    if not patterns:
        return not parts
    if patterns[0] == _ANY_DEPTH:
        return matches(parts, patterns[1:]) or (bool(parts) and matches(parts[1:], patterns))
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and matches(parts[1:], patterns[1:])


def _require_free(ctx: Context, name: str, found: Sequence[str]) -> None:
    """Raise AlreadyExists before anything is restored where one of several paths is taken."""
    root = ctx.layout.worktree(name)
    taken = [path for path in found if os.path.lexists(root / path)]
    if taken:
        more = f", and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise AlreadyExists(
            f"{root / taken[0]} already exists{more}",
            hint="use --to with another path, or --inplace --force --reason TEXT",
        )
