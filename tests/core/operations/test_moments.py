"""Times as people write them, on the clock on their wall, also where that is set forward or back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from jvs_core import clock
from jvs_core.errors import InputError
from jvs_core.operations.moments import moment

NOW = "2026-11-29T12:30:00Z"


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    now = clock.parse(NOW)
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    yield
    monkeypatch.undo()
    time.tzset()


def utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-11-28", "2026-11-27T23:00:00.000", "2026-11-28T22:59:59.999"),
        ("today", "2026-11-28T23:00:00.000", "2026-11-29T22:59:59.999"),
        ("yesterday", "2026-11-27T23:00:00.000", "2026-11-28T22:59:59.999"),
        ("yesterday 9:05", "2026-11-28T08:05:00.000", "2026-11-28T08:05:59.999"),
        ("14:00", "2026-11-29T13:00:00.000", "2026-11-29T13:00:59.999"),
        ("2026-11-28T18:00", "2026-11-28T17:00:00.000", "2026-11-28T17:00:59.999"),
        ("2026-11-28 18:00:07", "2026-11-28T17:00:07.000", "2026-11-28T17:00:07.999"),
        ("2026-11-28T18:00:07.250", "2026-11-28T17:00:07.250", "2026-11-28T17:00:07.250"),
        ("2026-07-01T18:00", "2026-07-01T16:00:00.000", "2026-07-01T16:00:59.999"),
        ("2026-11-28T18:00Z", "2026-11-28T18:00:00.000", "2026-11-28T18:00:59.999"),
        ("2026-11-28T18:00:00.000Z", "2026-11-28T18:00:00.000", "2026-11-28T18:00:00.000"),
        ("2026-11-28T18:00+05:30", "2026-11-28T12:30:00.000", "2026-11-28T12:30:59.999"),
        ("now", "2026-11-29T12:30:00.000", "2026-11-29T12:30:00.000"),
        ("2h", "2026-11-29T10:30:00.000", "2026-11-29T10:30:00.000"),
        ("2h ago", "2026-11-29T10:30:00.000", "2026-11-29T10:30:00.000"),
        ("90 minutes ago", "2026-11-29T11:00:00.000", "2026-11-29T11:00:00.000"),
        ("10min", "2026-11-29T12:20:00.000", "2026-11-29T12:20:00.000"),
        ("3 days", "2026-11-26T12:30:00.000", "2026-11-26T12:30:00.000"),
        ("2 weeks ago", "2026-11-15T12:30:00.000", "2026-11-15T12:30:00.000"),
        ("1m", "2026-10-29T12:30:00.000", "2026-10-29T12:30:00.000"),
        ("1 month", "2026-10-29T12:30:00.000", "2026-10-29T12:30:00.000"),
        ("1y6m", "2025-05-29T12:30:00.000", "2025-05-29T12:30:00.000"),
    ],
)
def test_what_is_left_out_is_meant_as_a_whole(text: str, begin: str, end: str) -> None:
    assert (utc(moment(text)), utc(moment(text, end=True))) == (begin, end)


def test_a_time_that_there_is_twice_is_the_first_or_the_last_one() -> None:
    twice = "2026-10-25T02:30"
    assert utc(moment(twice)) == "2026-10-25T00:30:00.000"
    assert utc(moment(twice, end=True)) == "2026-10-25T01:30:59.999"


def test_a_time_that_is_left_out_lies_around_the_gap() -> None:
    never = "2026-03-29T02:30:00.0"
    assert utc(moment(never)) == "2026-03-29T00:30:00.000"
    assert utc(moment(never, end=True)) == "2026-03-29T01:30:00.000"


def test_a_day_is_as_long_as_it_is() -> None:
    hours = [
        (moment(day, end=True) + 1 - moment(day)) / 3_600_000
        for day in ("2026-03-29", "2026-07-01", "2026-10-25")
    ]
    assert hours == [23, 24, 25]


def test_a_day_whose_midnight_is_left_out_begins_where_the_clocks_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Africa/Cairo")
    time.tzset()
    assert utc(moment("2026-04-24")) == "2026-04-23T22:00:00.000"
    assert moment("2026-04-23", end=True) + 1 == moment("2026-04-24")


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "2026-13-01", "yesterday 25:00", "-1h", "ago", "9999-12-31", "1e9h", "½h"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as refused:
        moment(text, end=True)
    assert "2026-11-29T14:00" in str(refused.value.hint)
