"""Refs as files: made once, never changed, each checked against its own name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jvs_core.control.layout import Layout
from jvs_core.control.records import refs
from jvs_core.errors import AlreadyExists, NameInvalid, RefBroken, RefNotFound

ONE, TWO = "1700000000000-00000001", "1700000000000-00000002"


def test_a_ref_is_read_as_it_was_made_and_never_moves(layout: Layout) -> None:
    made = refs.create(layout, "best", ONE, note="n", by="ada@here")
    assert refs.get(layout, "best") == refs.REFS.find(layout, "best") == made
    with pytest.raises(AlreadyExists):
        refs.create(layout, "best", TWO, note="", by="bob@here")
    assert refs.get(layout, "best").snapshot_id == ONE
    assert refs.delete(layout, "best") == made
    with pytest.raises(RefNotFound):
        refs.delete(layout, "best")
    assert refs.REFS.find(layout, "best") is None


def test_refs_are_listed_by_name_and_foreign_files_are_none(layout: Layout) -> None:
    for name in ("b", "a.json", "C"):
        refs.create(layout, name, ONE, note="", by="ada@here")
    for name in (".hidden.json", "d.json.tmp", "notes.txt", "-x.json"):
        (layout.refs / name).write_text("{}")
    assert refs.REFS.keys(layout) == ["C", "a.json", "b"]
    assert [ref.name for ref in refs.REFS.all(layout)] == ["C", "a.json", "b"]
    for name in ("", "..", "../refs/b", "no", "b\0"):
        assert refs.REFS.find(layout, name) is None
    with pytest.raises(NameInvalid):
        refs.create(layout, "../b", ONE, note="", by="ada@here")


def test_reading_all_refs_lists_their_folder_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        refs.create(layout, f"r{number}", ONE, note="", by="ada@here")
    listed: list[Path] = []
    listing = Layout.listing

    def counting(self: Layout, folder: Path) -> list[str]:
        listed.append(folder)
        return listing(self, folder)

    monkeypatch.setattr(Layout, "listing", counting)
    assert len(refs.REFS.all(layout)) == 20
    assert listed == [layout.refs]


def test_a_ref_deleted_while_all_are_read_is_left_out(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        refs.create(layout, name, ONE, note="", by="ada@here")
    names = refs.REFS.keys(layout)
    (layout.refs / "one.json").unlink()
    monkeypatch.setattr(type(refs.REFS), "keys", lambda self, layout: names)
    assert [ref.name for ref in refs.REFS.all(layout)] == ["two"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"name": "bad"}'])
def test_an_unreadable_ref_is_named_beside_the_readable_ones(layout: Layout, content: str) -> None:
    good = refs.create(layout, "good", ONE, note="", by="ada@here")
    (layout.refs / "bad.json").write_text(content)
    found, broken = refs.REFS.readable(layout)
    assert found == [good]
    assert {name: "'bad'" in error.message for name, error in broken.items()} == {"bad": True}
    with pytest.raises(RefBroken, match="bad"):
        refs.REFS.all(layout)
    with pytest.raises(RefBroken, match="bad"):
        refs.delete(layout, "bad")


def test_a_ref_under_another_name_is_broken(layout: Layout) -> None:
    made = refs.create(layout, "one", ONE, note="", by="ada@here")
    (layout.refs / "other.json").write_text(json.dumps(made.to_json()))
    with pytest.raises(RefBroken, match="'other' names one"):
        refs.get(layout, "other")


def test_a_field_that_jvs_does_not_know_is_dropped(layout: Layout) -> None:
    made = refs.create(layout, "one", ONE, note="", by="ada@here")
    (layout.refs / "one.json").write_text(json.dumps({**made.to_json(), "colour": "red"}))
    assert refs.get(layout, "one") == made
