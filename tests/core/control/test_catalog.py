"""Descriptors: their checksum, their lineage, and finding one by what a person types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.control.records import refs
from jvs_core.errors import (
    DescriptorCorrupt,
    LineageBroken,
    PartialSnapshot,
    SnapshotAmbiguous,
    SnapshotNotFound,
)
from jvs_core.model import Descriptor, HashValue

IDS = ["1700000000000-ab12cd34", "1700000000001-ab12ff00", "1800000000000-0123abcd"]


def described(snapshot_id: str, parent: str | None, **more: Any) -> Descriptor:
    """Return a descriptor with its checksum."""
    plain = Descriptor.model_validate(
        {
            "snapshot_id": snapshot_id,
            "worktree_id": "00000000-0000-4000-8000-00000000000a",
            "worktree": "main",
            "parent_snapshot_id": parent,
            "created_at": "2026-01-01T00:00:00.000Z",
            "note": "",
            "tags": (),
            "engine": "copy",
            "requested_engine": "auto",
            "consistency_level": "quiesced",
            "fencing_token": 1,
            "holder_id": "ada@here",
            "files": 0,
            "bytes": 0,
            "degraded": (),
            "payload_root_hash": HashValue(value="0" * 64),
            "manifest_hash": HashValue(value="1" * 64),
            "integrity_state": "verified",
            **more,
        }
    )
    return plain.changed(descriptor_checksum=catalog.checksum(plain).model_dump())


def publish(layout: Layout, *found: Descriptor) -> None:
    """Put descriptors in their place."""
    for one in found:
        layout.descriptor(one.snapshot_id).write_bytes(catalog.encode(one))


@pytest.fixture
def line(layout: Layout) -> Layout:
    """Return a control plane with three snapshots in a line."""
    publish(layout, *(described(i, p) for i, p in zip(IDS, [None, *IDS], strict=False)))
    return layout


def test_new_ids_are_ids_and_differ() -> None:
    made = [catalog.new_id() for _ in range(50)]
    assert len(set(made)) == 50
    assert all(map(catalog.is_id, made))


def test_a_descriptor_is_read_as_it_was_written_unknown_fields_too(layout: Layout) -> None:
    made = described(IDS[0], None, note="été \udcff"[:4], tags=("a", "b"), colour="red")
    publish(layout, made)
    assert catalog.read(layout, IDS[0]) == made
    assert catalog.read(layout, IDS[0]).to_json()["colour"] == "red"


def test_every_field_but_the_state_is_under_the_checksum(layout: Layout) -> None:
    made = described(IDS[0], None)
    fields = made.to_json()
    path = layout.descriptor(IDS[0])
    changed = {
        "note": "x",
        "tags": ["x"],
        "files": 1,
        "bytes": 1,
        "parent_snapshot_id": IDS[1],
        "worktree_id": "00000000-0000-4000-8000-00000000000b",
        "fencing_token": 2,
        "manifest_hash": {"algo": "sha256", "value": "2" * 64},
        "added": True,
    }
    for key, value in changed.items():
        path.write_text(json.dumps({**fields, key: value}))
        assert catalog.peek(layout, IDS[0]).integrity_state == "corrupt"
        with pytest.raises(DescriptorCorrupt, match=IDS[0]):
            catalog.read(layout, IDS[0])
    path.write_text(json.dumps({**fields, "integrity_state": "unverified"}))
    assert catalog.read(layout, IDS[0]).integrity_state == "unverified"
    path.write_text(json.dumps({**fields, "descriptor_checksum": None}))
    with pytest.raises(DescriptorCorrupt):
        catalog.read(layout, IDS[0])


def test_a_descriptor_under_another_name_is_refused(line: Layout) -> None:
    line.descriptor("1900000000000-00000000").write_bytes(line.descriptor(IDS[0]).read_bytes())
    with pytest.raises(DescriptorCorrupt, match="names"):
        catalog.peek(line, "1900000000000-00000000")


def test_only_ids_are_listed_in_their_order(line: Layout) -> None:
    for name in ("x.json", f"{IDS[0]}.json.tmp", "1700000000000-AB12CD34.json"):
        (line.descriptors / name).write_text("{}")
    assert catalog.ids(line) == IDS
    assert [catalog.exists(line, text) for text in (IDS[0], "x", "../descriptors/x")] == [True, False, False]


def test_a_lineage_goes_to_the_first_snapshot_or_says_where_it_breaks(line: Layout) -> None:
    assert [found.snapshot_id for found in catalog.lineage(line, IDS[2])] == IDS[::-1]
    assert list(catalog.lineage(line, None)) == []
    line.descriptor(IDS[0]).unlink()
    with pytest.raises(LineageBroken, match=f"the parent {IDS[0]} of {IDS[1]} is missing"):
        list(catalog.lineage(line, IDS[2]))
    publish(line, described(IDS[0], IDS[2]))
    with pytest.raises(LineageBroken, match="loop"):
        list(catalog.lineage(line, IDS[2]))
    with pytest.raises(LineageBroken, match="the head"):
        list(catalog.lineage(line, "1900000000000-00000000"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    text=st.text("0123456789abcdef-", max_size=23)
    | st.sampled_from(IDS).flatmap(
        lambda i: st.tuples(st.integers(0, 22), st.integers(0, 22)).map(lambda cut: i[min(cut) : max(cut)])
    )
)
def test_a_prefix_names_the_one_snapshot_that_it_fits(line: Layout, text: str) -> None:
    fitting = [i for i in IDS if text and (i.startswith(text) or i[14:].startswith(text))]
    try:
        found = [catalog.resolve(line, text, None)]
    except SnapshotNotFound:
        found = []
    except SnapshotAmbiguous as error:
        found = [i for i in error.facts["candidates"] if i in (error.hint or "")]
    assert found == fitting


def test_an_id_comes_before_a_ref_and_a_ref_before_a_prefix(line: Layout) -> None:
    refs.create(line, "1800", IDS[0], note="", by="ada@here")
    assert catalog.resolve(line, "1800", None) == IDS[0]
    assert catalog.resolve(line, "18000", None) == IDS[2]
    assert catalog.resolve(line, IDS[2], None) == IDS[2]


def test_many_candidates_are_shown_in_part(layout: Layout) -> None:
    publish(layout, *(described(f"17000000000{n:02}-00000000", None) for n in range(20)))
    with pytest.raises(SnapshotAmbiguous, match="matches 20 snapshots") as caught:
        catalog.resolve(layout, "17", None)
    assert (caught.value.hint or "").count("-00000000") == 8
    assert (caught.value.hint or "").endswith(", …")


def test_head_is_the_worktree_s_and_counts_back(line: Layout) -> None:
    assert [catalog.resolve(line, text, IDS[2]) for text in ("HEAD", "HEAD~0", "HEAD~1", "HEAD~2")] == [
        IDS[2],
        *IDS[::-1],
    ]
    for text, head in (("HEAD", None), ("HEAD~3", IDS[2]), ("HEAD~999999999", IDS[2]), ("HEAD~-1", IDS[2])):
        with pytest.raises(SnapshotNotFound):
            catalog.resolve(line, text, head)


@pytest.mark.parametrize("start", IDS)
def test_a_lineage_that_runs_in_a_circle_ends_with_an_error(layout: Layout, start: str) -> None:
    parents = (IDS[1], IDS[2], IDS[0])
    publish(layout, *(described(i, parent) for i, parent in zip(IDS, parents, strict=True)))
    line = catalog.lineage(layout, start)
    assert len([next(line) for _ in IDS]) == 3
    with pytest.raises(LineageBroken, match="loop"):
        next(line)


@pytest.mark.parametrize("lacks", ["marker", "payload", "manifest", "link"])
def test_a_snapshot_that_lacks_a_part_is_partial(line: Layout, lacks: str) -> None:
    folder = line.snapshot(IDS[0])
    (folder / "payload").mkdir(parents=True)
    for name in ("manifest", ".READY"):
        (folder / name).write_text("{}")
    with pytest.raises(DescriptorCorrupt):
        catalog.read_ready(line, IDS[0])
    if lacks == "link":
        (folder / "payload").rename(folder / "elsewhere")
        (folder / "payload").symlink_to("elsewhere")
    elif lacks == "payload":
        (folder / "payload").rmdir()
    else:
        (folder / {"marker": ".READY", "manifest": "manifest"}[lacks]).unlink()
    with pytest.raises(PartialSnapshot):
        catalog.read_ready(line, IDS[0])
