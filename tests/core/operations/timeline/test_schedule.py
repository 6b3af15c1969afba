"""When a snapshot is due, on a clock that the tests turn."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jvs_core import Schedule


def test_nothing_is_due_where_nothing_changed() -> None:
    schedule = Schedule(30, 300)
    assert schedule.next_at(0) is None
    assert not schedule.due(10_000)


def test_it_is_due_a_while_after_the_last_save() -> None:
    schedule = Schedule(30, 300)
    schedule.touched(100)
    schedule.touched(110)
    assert schedule.next_at(110) == 140
    assert not schedule.due(139)
    assert schedule.due(140)


def test_saves_without_end_do_not_put_it_off_for_good() -> None:
    schedule = Schedule(30, 300)
    for now in range(0, 301, 10):
        schedule.touched(now)
    assert schedule.due(300)


def test_two_are_never_closer_than_asked_for() -> None:
    schedule = Schedule(30, 300)
    schedule.touched(0)
    schedule.taken(40, cost_s=1)
    schedule.touched(60)
    assert schedule.next_at(60) == 340
    assert not schedule.is_slow


def test_what_changes_during_a_look_is_looked_at_again() -> None:
    schedule = Schedule(30, 300)
    schedule.touched(0)
    schedule.touched(35)
    schedule.taken(40, cost_s=6)
    assert schedule.next_at(40) == 340
    schedule.taken(341, cost_s=1)
    assert schedule.next_at(341) is None


@pytest.mark.parametrize(("cost_s", "gap_s"), [(1, 300), (6, 300), (12, 600), (60, 3000), (600, 3600)])
def test_it_backs_off_where_a_look_takes_long(cost_s: float, gap_s: float) -> None:
    schedule = Schedule(30, 300)
    schedule.touched(0)
    schedule.taken(1000, cost_s)
    schedule.touched(1001)
    assert schedule.next_at(1001) == 1000 + gap_s
    assert schedule.is_slow == (gap_s > 300)


def test_a_look_in_vain_is_repeated_soon() -> None:
    schedule = Schedule(30, 300)
    schedule.touched(0)
    schedule.postponed(40)
    assert schedule.next_at(41) == 70


def test_a_person_who_saves_every_minute_gets_one_every_five() -> None:
    schedule = Schedule(30, 300)
    taken = []
    for now in range(8 * 3600):
        if now % 60 == 0:
            schedule.touched(now)
        if schedule.due(now):
            taken.append(now)
            schedule.taken(now, cost_s=0.5)
    assert len(taken) == 96
    assert min(later - earlier for earlier, later in pairwise(taken)) >= 300
