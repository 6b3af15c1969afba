"""How the page says sizes, times and locks."""

from __future__ import annotations

from datetime import UTC, datetime

from jvs_core.cli.text import size
from jvs_jupyter.hub.report import Usage

__all__ = ["ago", "clock", "in_use", "size"]

_STEPS = ((60, "min"), (60, "h"), (24, "d"))


def moment(timestamp: str) -> datetime:
    """Return the time that a record names, in the service's own zone. Raises ValueError."""
    return datetime.fromisoformat(timestamp).astimezone()


def clock(timestamp: str | None) -> str:
    """Return a time as people here read it: without the day where that is today's."""
    if not timestamp:
        return ""
    try:
        then = moment(timestamp)
    except ValueError:
        return timestamp
    today = then.date() == datetime.now(UTC).astimezone().date()
    return then.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")


def ago(timestamp: str | None) -> str:
    """Return how long ago something was; empty where it never was."""
    if not timestamp:
        return ""
    try:
        seconds = (datetime.now(UTC) - moment(timestamp)).total_seconds()
    except ValueError:
        return timestamp
    if seconds < 60:
        return "just now"
    amount, unit = seconds, "s"
    for step, larger in _STEPS:
        if amount < step:
            break
        amount, unit = amount / step, larger
    return f"{amount:.0f} {unit} ago"


def in_use(worktree: Usage) -> str:
    """Return a lock in words."""
    if worktree.lock_state == "held":
        return f"in use since {clock(worktree.locked_since)}" if worktree.locked_since else "in use"
    return "left by a server that ended" if worktree.lock_state == "expired" else "not in use"
