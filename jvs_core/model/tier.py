"""The words that say how many automatic snapshots stay: for how long, one in which time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = re.compile(r"([1-9][0-9]{0,5})([mhdw])", re.ASCII)
_FORM = "write AGE:PERIOD, as in 2h:all, 1d:10m, 7d:1h, rest:1w"


class Tier(NamedTuple):
    """Of the snapshots younger than ``age_ms`` (None: of all older ones) one stays in each ``period_ms`` (0: all)."""

    age_ms: int | None
    period_ms: int


def parse_tiers(words: Sequence[str]) -> tuple[Tier, ...]:
    """Return the tiers that ``words`` such as ``2h:all`` and ``rest:1w`` stand for, the youngest first.

    ``m``, ``h``, ``d`` and ``w`` are minutes, hours, days and weeks. Without ``rest`` nothing older stays. Raises
    ValueError for other words, and for ages that do not grow.
    """
    tiers: list[Tier] = []
    for word in words:
        age, _, period = word.partition(":")
        tier = Tier(
            None if age == "rest" else _span(age, word), 0 if period == "all" else _span(period, word)
        )
        if tiers and (tiers[-1].age_ms is None or (tier.age_ms or tiers[-1].age_ms + 1) <= tiers[-1].age_ms):
            raise ValueError(f"{word!r} comes after an age that is as long or longer; {_FORM}")
        tiers.append(tier)
    if not tiers:
        raise ValueError(f"there is no word that says which snapshots stay; {_FORM}")
    return tuple(tiers)


def _span(text: str, word: str) -> int:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{word!r} is not understood; {_FORM}")
    return int(match[1]) * _UNITS_MS[match[2]]
