"""Retention against restic's own answer to the same times, tags and policy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from jvs_core.operations.gc import retention
from jvs_core.settings import RetentionPolicy
from tests.core.operations.gc.histories import DURATIONS, LATER, TAGS, WORDS, snapshot
from tests.support.restic import Restic, restic

_EXAMPLES = 200 if os.environ.get("JVS_PROOF") == "full" else 20
# So long ago that none is from the future, of which restic has a word of its own.
_STARTS = (
    datetime(1996, 2, 28, 22, 30, tzinfo=UTC),
    datetime(1996, 12, 28, 23, 59, 59, tzinfo=UTC),
    datetime(1999, 3, 27, 23, 30, tzinfo=timezone(timedelta(hours=1))),
    datetime(1999, 10, 30, 22, 30, tzinfo=timezone(timedelta(hours=2))),
    datetime(1970, 1, 1, tzinfo=UTC),
)
_GAPS = (
    timedelta(0),
    timedelta(seconds=1),
    timedelta(minutes=29),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=31),
    timedelta(days=366),
)
Taken = tuple[datetime, Sequence[str]]


@st.composite
def times(draw: st.DrawFn) -> list[Taken]:
    """Snapshots from their first to their last, seldom in the same second; around turns of days, years and DST."""
    moment = draw(st.sampled_from(_STARTS))
    taken: list[Taken] = []
    for gap in draw(st.lists(st.sampled_from(_GAPS), min_size=1, max_size=20)):
        moment += gap
        taken.append((moment.astimezone(UTC), tuple(sorted(draw(st.sets(st.sampled_from(TAGS)))))))
    return taken


policies = st.builds(
    RetentionPolicy,
    **{f"keep_{word}": st.none() | st.integers(1, 6) for word in WORDS},
    keep_within=st.none() | st.sampled_from(DURATIONS),
    keep_tag=st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
).filter(lambda policy: not retention.is_empty(policy))


def options(policy: RetentionPolicy) -> list[str]:
    found = []
    for name, value in policy.model_dump(exclude_defaults=True).items():
        for one in value if isinstance(value, list) else [value]:
            found += [f"--{name.replace('_', '-')}", str(one)]
    return found


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Restic:
    return restic(tmp_path_factory.mktemp("restic") / "repository")


@settings(max_examples=_EXAMPLES, phases=[Phase.explicit, Phase.generate])
@given(st.lists(times(), min_size=1, max_size=6), policies)
def test_the_same_is_kept_as_restic_keeps(
    theirs: Restic, lists: list[list[Taken]], policy: RetentionPolicy
) -> None:
    """Of snapshots of one moment restic keeps any, so what is compared is the moments and how many of each."""
    answers = theirs.kept(lists, options(policy))
    for taken, answer in zip(lists, answers, strict=True):
        made = [snapshot(number, moment, tuple(tags)) for number, (moment, tags) in enumerate(taken)]
        ours = {int(key[-8:], 16) for key in retention.kept(made[::-1], policy, now_ms=LATER)}
        more = {0} - ours if theirs.keeps_the_oldest else set()
        found, expected = (sorted(taken[place][0] for place in places) for places in (ours, answer - more))
        assert set(found) == set(expected)
        if not policy.keep_tag:  # else which of several of one moment is counted tells how many are kept
            assert found == expected
