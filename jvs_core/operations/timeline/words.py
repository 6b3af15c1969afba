"""Which automatic snapshots the words of ``[timeline] keep`` keep: of an age, one in each period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jvs_core.model import Tier
from jvs_core.operations.gc.retention import AHEAD_MS

_MONDAY_MS = 3 * 86_400_000  # 1970 began on a Thursday; weeks begin on Monday, in UTC


def kept_by(tiers: Sequence[Tier], snapshot_ids: Iterable[str], now_ms: int) -> set[str]:
    """Return those of one worktree's automatic snapshots that stay: the newest of each period, by the times in their ids.

    Periods are those of the calendar in UTC, so that which one stays does not depend on when this is asked. Snapshots from
    the future, by more than clocks differ, stay.
    """
    kept: set[str] = set()
    periods: set[tuple[int, int]] = set()
    for snapshot_id in sorted(snapshot_ids, reverse=True):
        taken_ms = int(snapshot_id[:13])
        if taken_ms > now_ms + AHEAD_MS:
            kept.add(snapshot_id)
            continue
        position = _tier(tiers, now_ms - taken_ms)
        if position is None:
            continue
        period_ms = tiers[position].period_ms
        period = (position, (taken_ms + _MONDAY_MS) // period_ms) if period_ms else None
        if period is None or period not in periods:
            kept.add(snapshot_id)
        if period is not None:
            periods.add(period)
    return kept


def _tier(tiers: Sequence[Tier], age_ms: int) -> int | None:
    for position, tier in enumerate(tiers):
        if tier.age_ms is None or age_ms < tier.age_ms:
            return position
    return None
