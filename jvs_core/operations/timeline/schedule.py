"""When the next automatic snapshot is due: times are handed in, nothing is waited for."""

from __future__ import annotations

_SHARE = 0.02
_LONGEST_GAP_S = 3600.0


class Schedule:
    """When a worktree is looked at, and snapshotted if it changed: a while after the last change, and not too often.

    A snapshot is due ``after_save_s`` seconds after the last of several changes. If they do not end, it is due
    ``every_s`` seconds after the first of them. It is never due within ``every_s`` seconds of the last one. If
    looking or copying takes long, that gap grows, up to an hour, so that it takes no more than a fiftieth of the
    time.

    Times are seconds of one clock that never goes back, such as ``time.monotonic()``; it has no clock and no thread of its
    own, and is not for two threads at once.
    """

    def __init__(self, after_save_s: float = 30.0, every_s: float = 300.0) -> None:
        self.after_save_s = after_save_s
        self.every_s = every_s
        self._first: float | None = None
        self._last: float | None = None
        self._not_before = float("-inf")
        self._cost_s = 0.0

    @property
    def gap_s(self) -> float:
        """How long at least lies between two times."""
        return max(self.every_s, min(self._cost_s / _SHARE, _LONGEST_GAP_S))

    @property
    def is_slow(self) -> bool:
        """Whether the gap grew since looks or snapshots take long here."""
        return self.gap_s > self.every_s

    def touched(self, now: float) -> None:
        """Note that something changed."""
        self._first = now if self._first is None else self._first
        self._last = now

    def taken(self, now: float, cost_s: float) -> None:
        """Note that a look ended, with or without a snapshot, which took ``cost_s``; what changed meanwhile is still new."""
        began = now - cost_s
        self._first = self._last = self._last if self._last is not None and self._last > began else None
        self._cost_s = cost_s
        self._not_before = now + self.gap_s

    def postponed(self, now: float, cost_s: float = 0.0) -> None:
        """Note that a look was in vain: somebody holds the lock, say. It is tried again ``after_save_s`` later, or later yet."""
        self._not_before = now + max(self.after_save_s, min(cost_s / _SHARE, _LONGEST_GAP_S))

    def due(self, now: float) -> bool:
        """Return whether it is time."""
        at = self.next_at(now)
        return at is not None and at <= now

    def next_at(self, now: float) -> float | None:
        """Return when it is time if nothing else changes, ``now`` where it was before; None where nothing changed."""
        if self._first is None or self._last is None:
            return None
        at = min(self._last + self.after_save_s, self._first + self.every_s)
        return max(at, self._not_before, now)
