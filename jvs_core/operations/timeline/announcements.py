"""What programs that take a worktree's automatic snapshots say of themselves, for this user's other commands.

A file each in the user's state folder, outside the repository; one whose program is gone says nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from jvs_core import canonical, clock, files, regular
from jvs_core.control import process
from jvs_core.errors import JvsError
from jvs_core.model import Announcement
from jvs_core.operations.context import Context


def announce(ctx: Context, worktree_id: str, *, next_in_s: float | None, reason: JvsError | None) -> None:
    """Say when this process takes the next snapshot, and why it cannot just now, in place of what it said before.

    It is for people to see: where it cannot be written, nothing is said.
    """
    known = Announcement(
        **process.own(ctx.settings),
        worktree_id=worktree_id,
        said_at=clock.timestamp(),
        next_at=None if next_in_s is None else clock.timestamp(clock.now_ms() + round(next_in_s * 1000)),
        reason=None if reason is None else reason.to_json(),
    )
    path = _folder(ctx) / _name(worktree_id)
    with suppress(OSError, JvsError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_atomic(path, canonical.dumps(known.to_json()), mode=0o600, durable=False)


def withdraw(ctx: Context, worktree_id: str) -> None:
    """Take back what this process said, and what programs said that are gone."""
    with suppress(OSError):
        (_folder(ctx) / _name(worktree_id)).unlink(missing_ok=True)
    for path in _paths(ctx, worktree_id):
        if _read(path, ctx) is None:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def announced(ctx: Context, worktree_id: str) -> list[Announcement]:
    """Return what running programs say of a worktree, the newest first."""
    found = [known for path in _paths(ctx, worktree_id) if (known := _read(path, ctx)) is not None]
    return sorted(found, key=lambda known: known.said_at, reverse=True)


def _folder(ctx: Context) -> Path:
    return ctx.settings.state_dir / "timeline" / ctx.repo_id


def _name(worktree_id: str) -> str:
    return f"{worktree_id}.{os.getpid()}.json"


def _paths(ctx: Context, worktree_id: str) -> list[Path]:
    try:
        names = os.listdir(_folder(ctx))
    except OSError:
        return []
    return [_folder(ctx) / name for name in sorted(names) if name.startswith(f"{worktree_id}.")]


def _read(path: Path, ctx: Context) -> Announcement | None:
    """Return what a program says; None for one that is gone, or no announcement."""
    try:
        known = Announcement.parse(regular.read_regular(path), "an announcement")
    except (OSError, JvsError):
        return None
    return known if process.is_running(known, ctx.settings) else None
