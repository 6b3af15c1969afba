"""Times as people write them: of the calendar and the clock on their wall, or so long ago."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from jvs_core import clock
from jvs_core.errors import InputError
from jvs_core.operations import durations

HINT = "for example 2026-11-29, 2026-11-29T14:00, yesterday, 14:00, 2h, 3d or 10min (ago); 1m is a month"
_WORDS = re.compile(r"(today|yesterday)(?:[T ](.+))?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})(:\d{2}(?::\d{2}(?:[.,]\d+)?)?)", re.ASCII)
_PRECISION = re.compile(r"[T ]\d{2}(?::?\d{2}(?P<second>:?\d{2}(?P<fraction>[.,]\d+)?)?)?", re.ASCII)
_SPELLED = re.compile(r"(\d{1,6}) ?(min|minutes?|hours?|days?|weeks?|w|months?|years?)", re.ASCII)
_AS_DURATION = {"h": (1, "h"), "d": (1, "d"), "w": (7, "d"), "mo": (1, "m"), "y": (1, "y")}


def moment(text: str, *, end: bool = False) -> int:
    """Return the milliseconds since 1970 of a time: of the calendar, or so long ago.

    Without a zone it is local time, as the process has it. What is left out is meant as a whole: a day alone, a minute or a
    second is its beginning, or its ``end``. Of a time that the clocks go through twice (or leave out) when they are set
    back (or forward), it is the earliest that it can be, or the latest. Raises InputError.
    """
    wanted = text.strip()
    try:
        found = _of_calendar(wanted, end)
        return _ago(wanted.removesuffix(" ago")) if found is None else found
    except InputError as error:
        raise InputError(f"not a time: {text!r}", hint=HINT) from error


def _of_calendar(text: str, end: bool) -> int | None:
    if text == "now":
        return clock.now_ms()
    here = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).astimezone()
    if word := _WORDS.fullmatch(text):
        day = here.date() - timedelta(days=word[1] == "yesterday")
        rest = word[2]
        text = day.isoformat() if rest is None else f"{day.isoformat()}T{_two_digits(rest)}"
    elif _CLOCK.fullmatch(text):
        text = f"{here.date().isoformat()}T{_two_digits(text)}"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _of_time(text, end)
    return _midnight(day) if not end else _midnight(day, 1) - 1


def _midnight(day: date, later: int = 0) -> int:
    try:
        # Where the clocks go on from midnight, this is the moment when they do; where they go back to it, the first one.
        return _readings(datetime.combine(day + timedelta(days=later), time.min))[0]
    except OverflowError as error:
        raise InputError(f"out of the range of the calendar: {day.isoformat()}") from error


def _two_digits(hour: str) -> str:
    return f"0{hour}" if re.match(r"\d:", hour) else hour


def _of_time(text: str, end: bool) -> int | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    readings = _readings(found)
    if not end:
        return min(readings)
    precision = _PRECISION.search(text)
    if precision is None or precision["fraction"] is not None:
        return max(readings)
    return max(readings) + (999 if precision["second"] is not None else 59_999)


def _readings(moment: datetime) -> list[int]:
    """Return what a time can be: of local time two, where the clocks are set back or forward."""
    readings = [moment] if moment.tzinfo is not None else [moment.replace(fold=fold) for fold in (0, 1)]
    try:
        return [round(each.timestamp() * 1000) for each in readings]
    except (OverflowError, ValueError, OSError) as error:
        raise InputError(f"out of the range of the calendar: {moment.isoformat()}") from error


def _ago(text: str) -> int:
    now_ms = clock.now_ms()
    spelled = _SPELLED.fullmatch(text)
    if spelled is not None and spelled[2].startswith("min"):
        return now_ms - int(spelled[1]) * 60_000
    if spelled is not None:
        unit = next(unit for unit in _AS_DURATION if spelled[2].startswith(unit))
        times, letter = _AS_DURATION[unit]
        text = f"{int(spelled[1]) * times}{letter}"
    return round(durations.before(datetime.fromtimestamp(now_ms / 1000, UTC), text).timestamp() * 1000)
