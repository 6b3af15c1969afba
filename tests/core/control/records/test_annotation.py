"""Annotations: edits of notes and tags beside descriptors that stay as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, JvsError, PathEscape
from jvs_core.model import AnnotatedDescriptor, Annotation
from tests.core.control.test_catalog import IDS, described

ID = IDS[0]


def edit(number: int, **more: Any) -> Annotation:
    """Return an annotation that changes nothing, but for ``more``."""
    plain = {
        "number": number,
        "snapshot_id": ID,
        "note": None,
        "added_tags": (),
        "removed_tags": (),
        "created_at": "2026-01-01T00:00:00.000Z",
        "created_by": "ada@here",
    }
    return Annotation.model_validate({**plain, **more})


def write(layout: Layout, made: Annotation) -> str:
    with annotation.written(layout, made) as digest:
        return digest


def test_edits_are_read_in_their_order_and_bound_by_the_bytes_of_their_files(layout: Layout) -> None:
    made = [edit(number, note=str(number)) for number in range(1, 12)]
    digests = [write(layout, one) for one in reversed(made)]
    assert annotation.read(layout, ID) == made
    place = layout.annotations(ID) / "11"
    assert hashlib.sha256(place.read_bytes()).hexdigest() == digests[0]
    assert annotation.ids(layout) == [ID]
    assert annotation.next_number(layout, ID) == 12
    assert [path.name for path in layout.annotations().iterdir()] == [ID]


def test_a_snapshot_without_edits_has_none(layout: Layout) -> None:
    assert annotation.read(layout, ID) == []
    assert annotation.next_number(layout, ID) == 1


def test_an_edit_is_never_replaced(layout: Layout) -> None:
    write(layout, edit(1, note="first"))
    with pytest.raises(AlreadyExists):
        write(layout, edit(1, note="second"))
    assert [one.note for one in annotation.read(layout, ID)] == ["first"]
    assert [path.name for path in layout.annotations().iterdir()] == [ID]


def test_a_failure_before_the_log_knows_leaves_nothing(layout: Layout) -> None:
    with pytest.raises(RuntimeError), annotation.written(layout, edit(1)):
        raise RuntimeError
    assert annotation.read(layout, ID) == []
    assert [path.name for path in layout.annotations().iterdir()] == [ID]


def test_notes_and_tags_are_those_after_the_edits_and_the_checksum_is_the_original_s() -> None:
    original = described(ID, None, note="old", tags=("a", "b"))
    edits = [
        edit(1, note="new", added_tags=("c", "d"), removed_tags=("a",)),
        edit(2, added_tags=("a", "b"), removed_tags=("d",)),
    ]
    shown = AnnotatedDescriptor.of(original, edits)
    assert (shown.note, shown.tags) == ("new", ("b", "c", "a"))
    assert shown.annotations == tuple(edits)
    assert shown.original is original
    assert catalog.checksum(shown.original) == shown.descriptor_checksum
    assert original.original is original


@pytest.mark.parametrize("edited", [None, set(), {ID}])
def test_only_what_edits_gave_is_shown(layout: Layout, edited: set[str] | None) -> None:
    plain = described(ID, None, note="old")
    claiming = plain.changed(annotations=[{"created_by": "somebody else"}])
    assert catalog.shown(layout, plain, edited) is plain
    assert catalog.shown(layout, claiming, edited).to_json()["annotations"] == ()


def change(**fields: Any) -> Callable[[Path], None]:
    return lambda place: void(place.write_text(json.dumps({**json.loads(place.read_text()), **fields})))


def void(_: object) -> None:
    """Forget what a call returned."""


def link(place: Path) -> None:
    place.rename(place.parent.parent / "elsewhere")
    place.symlink_to(place.parent.parent / "elsewhere")


def fold(place: Path) -> None:
    place.unlink()
    place.mkdir()


@pytest.mark.parametrize(
    "damage",
    [
        change(number=2),
        change(number=0),
        change(number="1"),
        change(number=2**70),
        change(snapshot_id=IDS[1]),
        change(snapshot_id="/etc/passwd"),
        change(snapshot_id="../../main"),
        change(snapshot_id="a\0b"),
        change(snapshot_id=7),
        change(note=7),
        change(note="x" * 65_537),
        change(added_tags="tag"),
        change(added_tags=["x" * 201]),
        change(removed_tags=[""]),
        change(created_at="2026-02-31T00:00:00.000Z"),
        change(created_by="x" * 601),
        lambda place: void(place.write_bytes(place.read_bytes()[:30])),
        lambda place: void(place.write_bytes(b"\xff" * 40)),
        lambda place: void(place.write_text("[" * 100_000)),
        link,
        fold,
    ],
)
def test_an_edit_that_is_none_is_named(layout: Layout, damage: Callable[[Path], None]) -> None:
    write(layout, edit(1))
    damage(layout.annotations(ID) / "1")
    with pytest.raises(DescriptorCorrupt):
        annotation.read(layout, ID)


def test_a_link_in_the_place_of_the_edits_is_refused(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    layout.annotations(ID).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PathEscape):
        annotation.read(layout, ID)
    with pytest.raises(JvsError):
        write(layout, edit(1))
    annotation.remove_all(layout, ID)
    assert (tmp_path / "elsewhere").is_dir()


def test_after_the_last_number_there_is_no_other(layout: Layout) -> None:
    write(layout, edit(2**53 - 1))
    with pytest.raises(DescriptorCorrupt, match="never made"):
        annotation.next_number(layout, ID)


@pytest.mark.parametrize("key", ["..", "/etc", "a\0b", "x" * 300, ""])
def test_what_is_no_snapshot_has_no_place(layout: Layout, key: str) -> None:
    with pytest.raises(PathEscape):
        layout.annotations(key)
