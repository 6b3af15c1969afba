"""Durations in restic's words: ``30d``, or ``1y6m7d12h``, where ``m`` is a month."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from jvs_core.errors import InputError

_DURATION = re.compile(r"(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?", re.ASCII)


def check_duration(duration: str) -> None:
    """Raise InputError unless ``duration`` is one, like ``30d`` or ``1y6m7d12h``."""
    before(datetime(2000, 1, 1, tzinfo=UTC), duration)


def before(moment: datetime, duration: str) -> datetime:
    """Return the time ``duration`` before ``moment``; durations are like ``30d`` or ``1y6m7d12h``.

    Raises InputError.
    """
    return _shifted(moment, duration, -1)


def after(moment: datetime, duration: str) -> datetime:
    """Return the time ``duration`` after ``moment``. Raises InputError, also beyond the year 9999."""
    found = _shifted(moment, duration, 1)
    if found < moment:
        raise InputError(
            f"{duration!r} is too long: it ends after the year 9999",
            hint="to keep it for ever, leave out the end",
        )
    return found


def _shifted(moment: datetime, duration: str, sign: int) -> datetime:
    """Return ``moment`` moved by ``duration``; the first moment of the calendar when that is outside of it.

    A day that its month lacks runs over into the next month, as with restic: a month before 31 March is 3 March.
    """
    match = _DURATION.fullmatch(duration)
    if not match or not duration:
        raise InputError(f"not a duration: {duration!r}", hint="for example 30d or 1y6m7d12h")
    years, months, days, hours = (int(part or 0) for part in match.groups())
    total = moment.year * 12 + moment.month - 1 + sign * (years * 12 + months)
    year, month = divmod(total, 12)
    if not MINYEAR <= year <= MAXYEAR:
        return datetime.min.replace(tzinfo=UTC)
    try:
        return moment.replace(year=year, month=month + 1, day=1) + timedelta(
            days=moment.day - 1 + sign * days, hours=sign * hours
        )
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
