"""Every way to change a log that was written, and whether checking it shows."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jvs_core import canonical
from jvs_core.control.audit import chain, checkpoint, log_file, writer
from jvs_core.control.layout import Layout
from jvs_core.control.lock import slots
from jvs_core.errors import AuditChainBroken
from jvs_core.settings import Settings
from tests.core.control import logs

Lines = list[bytes]


@pytest.fixture
def kept(layout: Layout, ada: Settings) -> Layout:
    """Return a repository whose log has eight records."""
    logs.grow(layout, ada, 8)
    return layout


def _forged(line: bytes) -> bytes:
    """Return the record with another reason, its own hash made to fit."""
    fields = json.loads(line)
    fields["reason"] = "another"
    del fields["record_hash"]
    return canonical.dumps({**fields, "record_hash": logs.record_hash(fields)}) + b"\n"


CHANGES: dict[str, tuple[Callable[[Lines], Lines], str, int]] = {
    "edited": (lambda x: [*x[:3], x[3].replace(b"reason 3", b"reason 9"), *x[4:]], "edited", 4),
    "reformatted": (lambda x: [*x[:3], x[3].replace(b',"seq"', b', "seq"'), *x[4:]], "edited", 4),
    "edited with its hash": (lambda x: [*x[:3], _forged(x[3]), *x[4:]], "edited", 5),
    "last edited with its hash": (lambda x: [*x[:7], _forged(x[7])], "edited", 8),
    "first deleted": (lambda x: x[1:], "gap", 1),
    "deleted": (lambda x: [*x[:3], *x[5:]], "gap", 4),
    "inserted": (lambda x: [*x[:3], _forged(x[2]), *x[3:]], "misplaced", 3),
    "repeated": (lambda x: [*x[:4], x[3], *x[4:]], "misplaced", 4),
    "reordered": (lambda x: [*x[:3], x[4], x[3], *x[5:]], "gap", 4),
    "cut": (lambda x: x[:6], "cut", 7),
    "cut in a line": (lambda x: [*x[:7], x[7][:40]], "cut", 8),
    "emptied": (lambda x: [], "cut", 1),
    "not a record": (lambda x: [*x[:3], b"\xff\n", *x[4:]], "unreadable", 0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_log_shows_and_says_where(kept: Layout, name: str) -> None:
    change, kind, seq = CHANGES[name]
    logs.write(kept, change(logs.written(kept)))
    found = chain.check(kept)
    assert not found.ok
    assert (found.problems[0].kind, found.problems[0].seq or 0) == (kind, seq)
    assert found.error is not None
    assert found.error.startswith("E_AUDIT_CHAIN_BROKEN: ")


@pytest.mark.parametrize("damage", ["missing", "empty", "torn", "of another", "without size"])
def test_a_changed_head_shows(kept: Layout, damage: str) -> None:
    path = log_file.head_path(kept)
    head = log_file.read_head(kept)
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "torn":
        path.write_bytes(path.read_bytes().replace(b'"seq":8', b'"seq":7').replace(b'"seq":7', b'"seq":6'))
    else:
        changed = {"origin": str(uuid.UUID(int=7))} if damage == "of another" else {"size": "large"}
        slots.write(path, {**head, **changed})
        slots.write(path, {**head, **changed})
    found = chain.check(kept)
    assert [problem.kind for problem in found.problems] == ["head"]


def test_a_missing_and_a_renamed_rotated_file_show(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROTATE_BYTES", 2_000)
    logs.grow(layout, ada, 20)
    first, second = log_file.log_files(layout)[:2]
    shutil.copy(first, layout.audit / "kept")
    first.unlink()
    assert chain.check(layout).problems[0].kind == "gap"
    os.rename(layout.audit / "kept", first.with_name("audit-000000000001.jsonl"))
    assert [problem.kind for problem in chain.check(layout).problems] == ["file"]
    second.unlink()
    assert {problem.kind for problem in chain.check(layout).problems} == {"file", "gap"}


def test_a_rebuilt_log_shows_against_a_kept_checkpoint_only(kept: Layout, ada: Settings) -> None:
    early = checkpoint.create(kept)
    logs.grow(kept, ada, 3)

    def change(fields: dict[str, Any]) -> None:
        fields["actor"] = "eve@here"

    logs.rebuild(kept, change)
    assert chain.check(kept).ok
    found = chain.check(kept, early)
    assert [(problem.kind, problem.seq) for problem in found.problems] == [("rebuilt", 8)]


def test_a_log_rolled_back_with_its_head_shows_against_a_kept_checkpoint(kept: Layout, ada: Settings) -> None:
    shutil.copytree(kept.audit, kept.root / "backup")
    logs.grow(kept, ada, 3)
    later = checkpoint.create(kept)
    assert chain.check(kept, later).ok
    shutil.rmtree(kept.audit)
    os.rename(kept.root / "backup", kept.audit)
    assert chain.check(kept).ok
    assert [problem.kind for problem in chain.check(kept, later).problems] == ["rolled_back"]
    logs.grow(kept, ada, 3)
    assert [problem.kind for problem in chain.check(kept, later).problems] == ["rebuilt"]


def test_a_checkpoint_of_another_repository_is_refused(kept: Layout) -> None:
    other = checkpoint.create(kept).changed(origin=str(uuid.UUID(int=7)))
    assert [problem.kind for problem in chain.check(kept, other).problems] == ["origin"]


def test_a_log_that_grew_extends_its_checkpoints(kept: Layout, ada: Settings) -> None:
    made = []
    for _ in range(3):
        made.append(checkpoint.create(kept))
        logs.grow(kept, ada, 2)
    assert all(chain.check(kept, one).ok for one in made)


def test_many_problems_are_counted_and_the_first_kept(kept: Layout) -> None:
    logs.lengthen(kept, 300)
    logs.write(kept, [line.replace(b"reason", b"treason") for line in logs.written(kept)])
    found = chain.check(kept)
    assert (found.problem_count, len(found.problems)) == (308, 100)
    assert "307 more" in (found.error or "")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_a_record_but_the_writers(data: bytes) -> None:
    with pytest.raises(AuditChainBroken):
        log_file.parse_line(data + b"\n")
    log_file.claims(data)


@given(st.data())
def test_a_changed_byte_anywhere_is_refused(data: st.DataObject) -> None:
    fields = {
        **dict.fromkeys(
            ("worktree", "worktree_id", "snapshot_id", "fencing_token", "target", "reason"), None
        ),
        "seq": 1,
        "event_id": str(uuid.UUID(int=1)),
        "timestamp": "2026-02-20T10:00:00.000Z",
        "operation": "init",
        "actor": "é@here",
        "session_id": "default",
        "details": {"a": [1, "b"]},
        "prev_hash": "",
    }
    line = canonical.dumps({**fields, "record_hash": logs.record_hash(fields)}) + b"\n"
    assert log_file.parse_line(line).actor == "é@here"
    position = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[position]))
    with pytest.raises(AuditChainBroken):
        log_file.parse_line(line[:position] + bytes([other]) + line[position + 1 :])


def test_a_log_that_is_gone_with_its_head_is_none(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 2)
    log_file.log_path(layout).unlink()
    log_file.head_path(layout).unlink()
    assert [problem.kind for problem in chain.check(layout).problems] == ["cut"]
