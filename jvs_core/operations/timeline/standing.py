"""How the automatic history of a worktree stands."""

from __future__ import annotations

from jvs_core import clock
from jvs_core.errors import JvsError
from jvs_core.faults import storage_error
from jvs_core.operations import compare
from jvs_core.operations.context import Context, read_config
from jvs_core.operations.timeline import announcements
from jvs_core.progress import Progress
from jvs_core.results import TimelineState
from jvs_core.settings import TimelineConfig, under_policy


def settings(ctx: Context) -> TimelineConfig:
    """Return the settings as the repository's configuration has them now, under the caller's policy. Raises InputError."""
    return under_policy(read_config(ctx.layout.config).timeline, ctx.settings.timeline)


def state(ctx: Context, name: str, progress: Progress) -> TimelineState:
    """Return how worktree ``name`` stands. See ``Timeline.state``."""
    record = ctx.worktree(name)
    said = announcements.announced(ctx, record.worktree_id)
    reason = next((each.reason for each in said if each.reason is not None), None)
    changed = 0
    try:
        changed = compare.count_changes(ctx, name, progress)
    except (JvsError, OSError) as error:
        known = storage_error(error) if isinstance(error, OSError) else error
        reason = reason or known.to_json()
    head = record.head_snapshot_id
    upcoming = [each.next_at for each in said if each.next_at is not None]
    on = settings(ctx).enabled
    return TimelineState.model_validate(
        {
            "worktree": name,
            "state": "off" if not on else "paused" if reason else "changed" if changed else "saved",
            "last_at": None if head is None else clock.timestamp(int(head[:13])),
            "changed": changed,
            "next_at": min(upcoming) if on and changed and upcoming else None,
            "reason": reason,
            "runs": bool(said),
            "head_snapshot_id": head,
        }
    )
