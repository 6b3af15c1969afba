"""Which snapshots a retention policy keeps, in restic's words and with restic's meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

from jvs_core import clock
from jvs_core.model import Descriptor
from jvs_core.operations.durations import before
from jvs_core.settings import RetentionPolicy

# No two clocks differ by more that anybody looks after.
AHEAD_MS = 60_000

Bucket = Callable[[datetime], tuple[int, ...]]

_BUCKETS: dict[str, Bucket] = {
    "hourly": lambda t: (t.year, t.month, t.day, t.hour),
    "daily": lambda t: (t.year, t.month, t.day),
    "weekly": lambda t: t.isocalendar()[:2],
    "monthly": lambda t: (t.year, t.month),
    "yearly": lambda t: (t.year,),
}


def is_empty(policy: RetentionPolicy) -> bool:
    """Return whether a policy names nothing to keep, and so thins nothing out."""
    return not any(policy.model_dump().values())


def is_ahead(descriptor: Descriptor, now_ms: int) -> bool:
    """Return whether a snapshot is from the future: it was taken on a host whose clock was ahead."""
    return clock.parse(descriptor.created_at) > now_ms + AHEAD_MS


def kept(
    newest_first: Sequence[Descriptor], policy: RetentionPolicy, *, now_ms: int | None = None
) -> dict[str, list[str]]:
    """Return the ids that ``policy`` keeps of one worktree's snapshots, each with its reasons.

    Of each of the last N hours, days, weeks (ISO), months or years that have a snapshot, the newest one is kept, in
    UTC. ``keep_within`` counts back from the newest snapshot. One from the future, by more than clocks differ, counts for
    none of these words and is kept. Which is newer is told by the order of ``newest_first``: a clock that was set back
    makes a later snapshot no older. Raises InputError for a duration that is none.
    """
    now_ms = clock.now_ms() if now_ms is None else now_ms
    reasons: dict[str, list[str]] = {
        d.snapshot_id: ["from the future"] for d in newest_first if is_ahead(d, now_ms)
    }
    newest_first = [d for d in newest_first if d.snapshot_id not in reasons]

    def keep(descriptor: Descriptor, reason: str) -> None:
        reasons.setdefault(descriptor.snapshot_id, []).append(reason)

    for descriptor in newest_first[: policy.keep_last or 0]:
        keep(descriptor, "last")
    for word, bucket in _BUCKETS.items():
        periods: dict[tuple[int, ...], Descriptor] = {}
        for descriptor in newest_first:
            periods.setdefault(bucket(_moment(descriptor)), descriptor)
        for descriptor in islice(periods.values(), getattr(policy, f"keep_{word}") or 0):
            keep(descriptor, word)
    if policy.keep_within and newest_first:
        oldest = before(_moment(newest_first[0]), policy.keep_within)
        for descriptor in newest_first:
            if _moment(descriptor) > oldest:
                keep(descriptor, f"within {policy.keep_within}")
    for descriptor in newest_first:
        for tag in policy.keep_tag:
            if tag in descriptor.tags:
                keep(descriptor, f"tag {tag}")
    return reasons


def _moment(descriptor: Descriptor) -> datetime:
    return datetime.fromtimestamp(clock.parse(descriptor.created_at) / 1000, UTC)
