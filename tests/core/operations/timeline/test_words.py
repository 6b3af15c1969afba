"""What the words of ``keep`` keep."""

from __future__ import annotations

import pytest

from jvs_core.model import parse_tiers
from jvs_core.operations.timeline.words import kept_by

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = 1_760_000_000_000
DEFAULT = ("2h:all", "1d:10m", "7d:1h", "30d:1d", "rest:1w")


def snapshot(age_ms: int) -> str:
    return f"{NOW - age_ms:013d}-{age_ms % 0xFFFFFFFF:08x}"


def ages(kept: set[str]) -> list[int]:
    return sorted(NOW - int(each[:13]) for each in kept)


def test_each_age_has_its_period() -> None:
    every_five = [snapshot(age) for age in range(0, 90 * DAY, 5 * MINUTE)]
    found = ages(kept_by(parse_tiers(DEFAULT), every_five, NOW))
    assert len([age for age in found if age < 2 * HOUR]) == 24
    assert 132 <= len([age for age in found if 2 * HOUR <= age < DAY]) <= 133
    assert 144 <= len([age for age in found if DAY <= age < 7 * DAY]) <= 145
    assert 23 <= len([age for age in found if 7 * DAY <= age < 30 * DAY]) <= 24
    assert 8 <= len([age for age in found if age >= 30 * DAY]) <= 10


def test_what_was_thinned_before_makes_no_difference() -> None:
    """Thinning every hour for a month leaves what one thinning at its end leaves, but for the edges of periods."""
    tiers = parse_tiers(DEFAULT)
    there: set[str] = set()
    for hour in range(31 * 24, -1, -1):
        now = NOW - hour * HOUR
        there |= {f"{now - minute * MINUTE:013d}-{minute:08x}" for minute in range(0, 60, 5)}
        there = kept_by(tiers, there, now)
    at_once = kept_by(
        tiers,
        [
            f"{NOW - hour * HOUR - m * MINUTE:013d}-{m:08x}"
            for hour in range(31 * 24 + 1)
            for m in range(0, 60, 5)
        ],
        NOW,
    )
    assert abs(len(there) - len(at_once)) <= 4
    days = {int(each[:13]) // DAY for each in there}
    assert len(days) >= 31


def test_the_newest_of_a_period_stays() -> None:
    found = kept_by(
        parse_tiers(["rest:1d"]), [f"{DAY * 20_000 + hour * HOUR:013d}-00000000" for hour in range(24)], NOW
    )
    assert [int(each[:13]) % DAY for each in found] == [23 * HOUR]


def test_a_week_begins_on_monday() -> None:
    monday = 1_759_708_800_000  # 2025-10-06T00:00:00Z
    before, after = f"{monday - 1:013d}-00000000", f"{monday:013d}-00000000"
    sunday = f"{monday + 7 * DAY - 1:013d}-00000000"
    assert kept_by(parse_tiers(["rest:1w"]), [before, after, sunday], NOW + 30 * DAY) == {before, sunday}


def test_without_rest_what_is_older_goes() -> None:
    assert kept_by(parse_tiers(["2h:all"]), [snapshot(HOUR), snapshot(3 * HOUR)], NOW) == {snapshot(HOUR)}


def test_snapshots_from_the_future_stay() -> None:
    ahead = [snapshot(-DAY), snapshot(-DAY - 1)]
    assert kept_by(parse_tiers(["rest:1w"]), ahead, NOW) == set(ahead)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["all"],
        ["2h"],
        ["2h:"],
        [":all"],
        ["2x:all"],
        ["0h:all"],
        ["1d:1h", "2h:10m"],
        ["rest:1w", "1d:1h"],
        ["2h:all", "2h:1m"],
    ],
)
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="write AGE:PERIOD"):
        parse_tiers(words)
