"""Intents: there before the work and gone after it."""

from __future__ import annotations

import pytest

from jvs_core import clock
from jvs_core.control import journal
from jvs_core.control.layout import Layout
from jvs_core.errors import AlreadyExists
from jvs_core.settings import Settings

ONE = "1700000000000-00000001"


def test_an_intent_is_pending_until_it_is_completed(layout: Layout, ada: Settings) -> None:
    made = journal.begin(layout, ada, "snapshot", worktree="main", snapshot_id=ONE, fencing_token=3, more=[1])
    assert (made.intent_id, made.details, made.holder_id) == (f"snapshot-{ONE}", {"more": [1]}, "ada@here")
    assert journal.pending(layout) == ([made], [])
    with pytest.raises(AlreadyExists):
        journal.begin(layout, ada, "snapshot", snapshot_id=ONE)
    journal.complete(layout, made)
    journal.complete(layout, made, durable=True)
    assert journal.pending(layout) == ([], [])


def test_many_restores_of_one_snapshot_may_be_under_way(layout: Layout, ada: Settings) -> None:
    made = [journal.begin(layout, ada, "restore", snapshot_id=ONE) for _ in range(3)]
    assert len({intent.intent_id for intent in made}) == 3
    assert len(journal.pending(layout)[0]) == 3


def test_the_oldest_comes_first_and_what_cannot_be_read_is_named(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in (3, 1, 2):
        monkeypatch.setattr(clock, "now_ms", lambda moment=moment: 1_700_000_000_000 + moment)
        journal.begin(layout, ada, f"op{moment}")
    (layout.intents / "bad.json").write_text("{")
    (layout.intents / "half.json.tmp").write_text("{")
    found, unreadable = journal.pending(layout)
    assert ([intent.operation for intent in found], unreadable) == (["op1", "op2", "op3"], ["bad.json"])
