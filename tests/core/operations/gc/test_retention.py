from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jvs_core.errors import InputError
from jvs_core.model import Descriptor
from jvs_core.operations import durations
from jvs_core.operations.gc import planning, protection, retention
from jvs_core.operations.gc.protection import Protection
from jvs_core.settings import RetentionPolicy
from tests.core.operations.gc.histories import DURATIONS, LATER, TAGS, WORDS, snapshot

_FORMATS = {
    "hourly": "%Y-%m-%d %H",
    "daily": "%Y-%m-%d",
    "weekly": "%G-%V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}


@st.composite
def histories(draw: st.DrawFn) -> list[Descriptor]:
    """Snapshots minutes to years apart, around turns of the year, newest first."""
    start = draw(
        st.sampled_from([datetime(2024, 12, 28, 23, 30, tzinfo=UTC), datetime(2026, 2, 27, tzinfo=UTC)])
    )
    gaps = st.sampled_from([timedelta(minutes=7), timedelta(hours=5), timedelta(days=3), timedelta(days=40)])
    moment, made = start, []
    for number, gap in enumerate(draw(st.lists(gaps, max_size=30))):
        moment += gap
        made.append(snapshot(number, moment, tuple(draw(st.sets(st.sampled_from(TAGS))))))
    return made[::-1]


policies = st.builds(
    RetentionPolicy,
    **{f"keep_{word}": st.none() | st.integers(0, 6) for word in WORDS},
    keep_within=st.none() | st.sampled_from(DURATIONS),
    keep_tag=st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
)


def naively_kept(snapshots: list[Descriptor], policy: RetentionPolicy) -> set[str]:
    """Return what a policy keeps, by sorting everything into named periods."""
    times = {s.snapshot_id: datetime.fromisoformat(s.created_at) for s in snapshots}
    newest_first = sorted(times, reverse=True)
    kept = set(newest_first[: policy.keep_last or 0])
    for word, form in _FORMATS.items():
        periods: dict[str, str] = {}
        for key in newest_first:
            periods.setdefault(times[key].strftime(form), key)
        kept.update(list(periods.values())[: getattr(policy, f"keep_{word}") or 0])
    if policy.keep_within and newest_first:
        newest = times[newest_first[0]]
        lengths = {"1d": timedelta(days=1), "5h": timedelta(hours=5)}
        for key, moment in times.items():
            if policy.keep_within in lengths and moment > newest - lengths[policy.keep_within]:
                kept.add(key)
    kept.update(s.snapshot_id for s in snapshots if set(s.tags) & set(policy.keep_tag))
    return kept


@given(histories(), policies)
def test_a_policy_keeps_the_newest_of_each_period(
    snapshots: list[Descriptor], policy: RetentionPolicy
) -> None:
    counted = policy.model_copy(
        update={"keep_within": policy.keep_within if policy.keep_within in ("1d", "5h") else None}
    )
    assert set(retention.kept(snapshots, counted, now_ms=LATER)) == naively_kept(snapshots, counted)


@given(histories(), policies, policies)
def test_asking_for_more_never_keeps_less(
    snapshots: list[Descriptor], policy: RetentionPolicy, more: RetentionPolicy
) -> None:
    both: dict[str, object] = {}
    for name, value in policy.model_dump().items():
        other = getattr(more, name)
        both[name] = (
            max(value, other) if isinstance(value, int) and isinstance(other, int) else value or other
        )
    both["keep_tag"] = [*policy.keep_tag, *more.keep_tag]
    both["keep_within"] = policy.keep_within
    kept = retention.kept(snapshots, policy, now_ms=LATER)
    assert kept.keys() <= retention.kept(snapshots, RetentionPolicy.model_validate(both), now_ms=LATER).keys()
    assert all(reasons for reasons in kept.values())


@given(histories(), policies, st.data())
def test_every_snapshot_is_a_candidate_or_kept_and_nothing_protected_is_a_candidate(
    snapshots: list[Descriptor], policy: RetentionPolicy, data: st.DataObject
) -> None:
    ordered = sorted(snapshots, key=lambda s: s.snapshot_id)
    known: dict[str, Descriptor] = {}
    for found in ordered:
        parent = data.draw(st.sampled_from([None, *known]))
        known[found.snapshot_id] = found.changed(parent_snapshot_id=parent)
    named = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    ancestors = protection.ancestors_of(named, known)
    protected = Protection({key: ["ref x"] for key in named}, {key: ["lineage"] for key in ancestors - named})
    expired = data.draw(st.sets(st.sampled_from(sorted(set(known) - named)))) if set(known) - named else set()
    choice = planning.choose(known, protected, expired, policy)
    assert set(choice.candidates) | choice.kept.keys() == known.keys() - expired
    assert not set(choice.candidates) & choice.kept.keys()
    assert named <= choice.kept.keys()
    if retention.is_empty(policy):
        assert choice.kept.keys() == (named | ancestors) - expired


@given(st.data())
def test_children_are_deeper_than_their_parents(data: st.DataObject) -> None:
    known: dict[str, Descriptor] = {}
    for number in range(data.draw(st.integers(0, 20))):
        made = snapshot(
            number, datetime(2026, 1, 1, tzinfo=UTC), parent=data.draw(st.sampled_from([None, *known]))
        )
        known[made.snapshot_id] = made
    shuffled = dict(data.draw(st.permutations(list(known.items()))))
    depth = protection.by_depth(shuffled)
    assert depth.keys() == known.keys()
    for key, found in known.items():
        parent = found.parent_snapshot_id
        assert depth[key] == (0 if parent is None else depth[parent] + 1)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("30d", (2026, 3, 1)),
        ("1m", (2026, 3, 3)),
        ("1y1m", (2025, 3, 3)),
        ("13m", (2025, 3, 3)),
        ("1m3d", (2026, 2, 28)),
        ("24h", (2026, 3, 30)),
    ],
)
def test_durations_go_by_the_calendar(duration: str, expected: tuple[int, int, int]) -> None:
    assert durations.before(datetime(2026, 3, 31, tzinfo=UTC), duration) == datetime(*expected, tzinfo=UTC)
    assert durations.after(datetime(2026, 1, 31, tzinfo=UTC), "1m") == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "d", "3", "-1d", "1d2y", "1.5d", "30D", "٣d", "1w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        durations.check_duration(text)


@pytest.mark.parametrize(
    "policy",
    [
        {"keep_within": "7d"},
        {"keep_last": 3},
        {"keep_daily": 1, "keep_hourly": 1, "keep_yearly": 1, "keep_last": 3},
    ],
)
def test_one_from_the_future_counts_for_no_word_and_is_kept(policy: dict[str, object]) -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    taken = [snapshot(number, now - timedelta(minutes=number)) for number in range(3)]
    ahead = snapshot(9, now + timedelta(days=365))
    wanted = RetentionPolicy.model_validate(policy)
    now_ms = round(now.timestamp() * 1000)
    kept = retention.kept([*taken, ahead], wanted, now_ms=now_ms)
    assert kept.keys() == {one.snapshot_id for one in (*taken, ahead)}
    assert kept[ahead.snapshot_id] == ["from the future"]
    del kept[ahead.snapshot_id]
    assert kept == retention.kept(taken, wanted, now_ms=now_ms)


def test_a_clock_that_was_set_back_makes_a_later_snapshot_no_older() -> None:
    day = datetime(2026, 6, 1, 12, tzinfo=UTC)
    before = snapshot(1, day)
    after = snapshot(2, day - timedelta(hours=2), parent=before.snapshot_id)
    last = snapshot(3, day - timedelta(hours=1), parent=after.snapshot_id)
    other = snapshot(4, day - timedelta(minutes=90))
    known = {one.snapshot_id: one for one in (last, before, other, after)}
    logged = [one.snapshot_id for one in (before, after, last)]
    assert planning.newest_first(known, logged)[:3] == [last, after, before]
    for policy, expected in (
        (RetentionPolicy(keep_last=2), {last, after}),
        (RetentionPolicy(keep_daily=3), {last}),
        (RetentionPolicy(keep_within="2h"), {last, after, before}),
    ):
        kept = retention.kept([last, after, before], policy, now_ms=LATER)
        assert kept.keys() == {one.snapshot_id for one in expected}


def test_a_snapshot_stands_behind_its_parent_whatever_the_log_says_and_one_that_it_lacks_does_so_too() -> (
    None
):
    first = snapshot(1, datetime(2026, 6, 1, tzinfo=UTC))
    second = snapshot(2, datetime(2020, 1, 1, tzinfo=UTC), parent=first.snapshot_id)
    third = snapshot(3, datetime(2019, 1, 1, tzinfo=UTC), parent=second.snapshot_id)
    other = snapshot(4, datetime(2025, 1, 1, tzinfo=UTC))
    known = {one.snapshot_id: one for one in (third, other, second, first)}
    logged = [second.snapshot_id, first.snapshot_id, other.snapshot_id]
    assert planning.newest_first(known, logged) == [other, third, second, first]


def test_of_two_snapshots_of_one_moment_the_later_one_is_the_newest() -> None:
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    first = snapshot(9, moment)
    second = snapshot(1, moment, parent=first.snapshot_id)
    known = {one.snapshot_id: one for one in (first, second)}
    ordered = planning.newest_first(known, [first.snapshot_id, second.snapshot_id])
    assert retention.kept(ordered, RetentionPolicy(keep_last=1), now_ms=LATER).keys() == {second.snapshot_id}
