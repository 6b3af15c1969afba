"""Pins as files, and when they end."""

from __future__ import annotations

import pytest

from jvs_core import clock
from jvs_core.control.layout import Layout
from jvs_core.control.records import pins
from jvs_core.errors import DescriptorCorrupt, PinNotFound

ONE = "1700000000000-00000001"


def test_a_pin_is_read_as_it_was_made_until_it_is_removed(layout: Layout) -> None:
    made = pins.create(layout, ONE, reason="paper", by="ada@here")
    assert pins.read(layout, made.pin_id) == made
    assert (made.lineage, made.expires_at) == (False, None)
    assert pins.delete(layout, made.pin_id) == made
    for pin_id in (made.pin_id, "", "../pins/x", "0123456789AB"):
        with pytest.raises(PinNotFound):
            pins.read(layout, pin_id)


def test_pins_are_listed_oldest_first_also_expired_ones(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000_000
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    made = []
    for _ in range(4):
        now += 1
        made.append(pins.create(layout, ONE, reason="", by="ada@here", expires_at=clock.timestamp(now + 10)))
    (layout.gc / "pins" / "notes.txt").write_text("")
    assert pins.read_all(layout) == made
    now = clock.parse(made[0].expires_at or "") - 1
    assert not pins.has_expired(made[0])
    now += 1
    assert [pins.has_expired(pin) for pin in made] == [True, False, False, False]


def test_an_unreadable_pin_stops_the_listing(layout: Layout) -> None:
    made = pins.create(layout, ONE, reason="", by="ada@here")
    (layout.gc / "pins" / f"{made.pin_id}.json").write_text("{}")
    assert pins.PINS.keys(layout) == [made.pin_id]
    with pytest.raises(DescriptorCorrupt, match=made.pin_id):
        pins.read_all(layout)
