"""Appending: what a record says, what it costs, rotation, and going on after a crash."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import canonical, files
from jvs_core.control.audit import chain, ledger, log_file, writer
from jvs_core.control.layout import Layout
from jvs_core.errors import AuditChainBroken
from jvs_core.settings import Settings
from tests.core.control import logs
from tests.core.control.support import make_layout


def _io(*names: str) -> list[int]:
    counted = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return [int(counted[name]) for name in names]


def _cost(layout: Layout, who: Settings) -> list[int]:
    """Return bytes read, bytes written, read calls and write calls of one append."""
    names = ("rchar", "wchar", "syscr", "syscw")
    before = _io(*names)
    writer.append(layout, who, "ref_create", target="same", reason="same")
    return [now - then for now, then in zip(_io(*names), before, strict=True)]


def test_a_record_says_who_did_what_to_what_and_why(layout: Layout, ada: Settings) -> None:
    made = writer.append(
        layout,
        ada,
        "restore",
        worktree="main",
        fencing_token=7,
        target="main",
        reason="back",
        details={"n": 1},
    )
    shown = log_file.tail(layout)[0].to_json()
    assert shown == made.to_json()
    assert (
        shown.items()
        >= {
            "seq": 1,
            "operation": "restore",
            "actor": "ada@here",
            "session_id": "default",
            "fencing_token": 7,
            "target": "main",
            "reason": "back",
            "details": {"n": 1},
            "prev_hash": "",
        }.items()
    )


def test_an_append_costs_the_same_after_10_000_records(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 20)
    first = _cost(layout, ada)
    logs.lengthen(layout, 10_000)
    later = _cost(layout, ada)
    assert chain.check(layout).ok
    assert later[2:] == first[2:]
    assert (
        max(abs(now - then) for now, then in zip(later[:2], first[:2], strict=True)) <= 32
    )  # longer numbers


def test_a_rotation_carries_the_chain_over(
    real_layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROTATE_BYTES", 2_000)
    logs.grow(real_layout, ada, 20)
    files = log_file.log_files(real_layout)
    assert len(files) >= 3
    assert all(path.stat().st_size <= 2_000 for path in files)
    found = chain.check(real_layout)
    assert (found.ok, found.records, found.last_seq) == (True, 20, 20)
    assert [record.seq for record in log_file.tail(real_layout, 12)] == list(range(20, 8, -1))


def test_a_log_is_read_whole_while_it_is_rotated(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "ROTATE_BYTES", 2_000)
    logs.grow(layout, ada, 9)
    reading = log_file.lines(layout)
    seen = [log_file.parse_line(next(reading)).seq]
    logs.grow(layout, ada, 9)
    seen += [log_file.parse_line(line).seq for line in reading]
    assert seen[:9] == list(range(1, 10))
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("kept", [0, 1, 40], ids=["nothing", "a byte", "half"])
def test_a_half_written_line_is_cut_off_by_the_next_append(layout: Layout, ada: Settings, kept: int) -> None:
    logs.grow(layout, ada, 3)
    with log_file.log_path(layout).open("ab") as log:
        log.write(logs.written(layout)[-1][:kept])
    assert chain.check(layout).ok
    assert chain.check(layout).unfinished is (kept > 0)
    assert len(log_file.tail(layout)) == 3
    logs.grow(layout, ada, 1)
    found = chain.check(layout)
    assert (found.ok, found.records, found.unfinished) == (True, 4, False)


def test_a_record_whose_head_was_not_written_is_kept(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 3)
    head = log_file.head_path(layout).read_bytes()
    logs.grow(layout, ada, 1)
    log_file.head_path(layout).write_bytes(head)
    assert chain.check(layout).ok
    logs.grow(layout, ada, 1)
    assert (chain.check(layout).ok, chain.check(layout).last_seq) == (True, 5)


def test_a_crash_between_rotation_and_head_loses_nothing(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 3)
    os.rename(log_file.log_path(layout), log_file.rotated_path(layout, 3))
    assert chain.check(layout).ok
    logs.grow(layout, ada, 1)
    assert (chain.check(layout).ok, chain.check(layout).records) == (True, 4)


@pytest.mark.parametrize("damage", ["gone", "torn"])
@pytest.mark.parametrize("rotated", [False, True])
def test_a_head_that_is_lost_is_rebuilt_with_the_number_of_the_newest_record(
    layout: Layout, ada: Settings, damage: str, rotated: bool
) -> None:
    logs.grow(layout, ada, 3)
    if rotated:
        os.rename(log_file.log_path(layout), log_file.rotated_path(layout, 3))
        log_file.log_path(layout).touch()
    if damage == "gone":
        log_file.head_path(layout).unlink()
    else:
        log_file.head_path(layout).write_bytes(b"x" * 8192)
    assert [problem.kind for problem in chain.check(layout).problems] == ["head"]
    made = writer.append(layout, ada, "ref_create", target="next")
    found = chain.check(layout)
    assert (made.seq, found.ok, found.records, found.last_seq) == (4, True, 4, 4)
    head = log_file.read_head(layout)
    assert (head["seq"], head["head_hash"]) == (4, made.record_hash)
    assert head["size"] == log_file.log_path(layout).stat().st_size


@pytest.mark.parametrize("head", ["there", "behind", "gone"])
def test_a_record_behind_a_torn_line_is_not_lost(layout: Layout, ada: Settings, head: str) -> None:
    logs.grow(layout, ada, 2)
    before = log_file.head_path(layout).read_bytes()
    logs.grow(layout, ada, 2)
    lines = logs.written(layout)
    logs.write(layout, [*lines[:2], lines[2][:40] + b"\n", lines[3]])
    if head == "behind":
        log_file.head_path(layout).write_bytes(before)
    elif head == "gone":
        log_file.head_path(layout).unlink()
    writer.append(layout, ada, "ref_create", target="next")
    after = logs.written(layout)
    assert after[3] == lines[3]
    assert ledger.read(layout).refs.keys() == {"ref0", "ref1", "next"}
    assert not chain.check(layout).ok
    if head != "behind":
        assert log_file.parse_line(after[-1]).prev_hash == log_file.parse_line(lines[3]).record_hash


@pytest.mark.parametrize("wrong", ["number", "hash"])
def test_a_record_that_does_not_follow_the_head_does_not_become_it(
    layout: Layout, ada: Settings, wrong: str
) -> None:
    logs.grow(layout, ada, 3)
    fields = log_file.parse_line(logs.written(layout)[-1]).to_json()
    del fields["record_hash"]
    head = log_file.read_head(layout)
    fields["seq"] = 9 if wrong == "number" else 4
    fields["prev_hash"] = head["head_hash"] if wrong == "number" else "0" * 64
    planted = canonical.dumps({**fields, "record_hash": logs.record_hash(fields)}) + b"\n"
    logs.write(layout, [*logs.written(layout), planted])
    made = writer.append(layout, ada, "ref_create", target="next")
    assert (made.seq, made.prev_hash) == (4, head["head_hash"])
    assert not chain.check(layout).ok


def test_a_record_and_its_head_are_durable_when_the_append_returns(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.grow(layout, ada, 1)
    synced: list[int] = []
    for name in ("fsync", "fdatasync"):
        sync = getattr(os, name)

        def noted(fd: int, sync: Callable[[int], None] = sync) -> None:
            synced.append(os.fstat(fd).st_ino)
            sync(fd)

        monkeypatch.setattr(os, name, noted)
    logs.grow(layout, ada, 1)
    assert synced == [
        log_file.log_path(layout).stat().st_ino,
        log_file.head_path(layout).stat().st_ino,
    ]


def test_a_full_disk_leaves_no_part_of_a_record(
    layout: Layout, ada: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.grow(layout, ada, 2)
    before = log_file.log_path(layout).read_bytes()

    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[:20])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_all", full)
        with pytest.raises(OSError, match="full"):
            logs.grow(layout, ada, 1)
    assert log_file.log_path(layout).read_bytes() == before


def test_a_record_that_was_written_after_a_rotation_and_before_its_head_is_kept(
    layout: Layout, ada: Settings
) -> None:
    logs.grow(layout, ada, 3)
    head = log_file.head_path(layout).read_bytes()
    os.rename(log_file.log_path(layout), log_file.rotated_path(layout, 3))
    logs.grow(layout, ada, 1)
    log_file.head_path(layout).write_bytes(head)
    logs.grow(layout, ada, 1)
    found = chain.check(layout)
    assert (found.ok, found.records, found.last_seq) == (True, 5, 5)


def test_a_lost_head_is_rebuilt_from_the_newest_file(layout: Layout, ada: Settings) -> None:
    for last in (2, 4):
        logs.grow(layout, ada, 2)
        os.rename(log_file.log_path(layout), log_file.rotated_path(layout, last))
    logs.grow(layout, ada, 1)
    log_file.head_path(layout).unlink()
    logs.grow(layout, ada, 1)
    found = chain.check(layout)
    assert (found.ok, found.records, found.last_seq) == (True, 6, 6)


def test_a_record_after_a_log_that_was_cut_stands_in_a_line_of_its_own(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 3)
    lines = logs.written(layout)
    logs.write(layout, [*lines[:-1], lines[-1][:30]])
    made = writer.append(layout, ada, "ref_create", target="next")
    assert log_file.parse_line(logs.written(layout)[-1]).to_json() == made.to_json()
    assert logs.written(layout)[-2] == lines[-1][:30] + b"\n"
    assert ledger.read(layout).refs.keys() == {"ref0", "ref1", "next"}


def test_work_goes_on_after_damage_and_the_damage_stays_visible(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 4)
    lines = logs.written(layout)
    logs.write(layout, [*lines[:-1], lines[-1][:30]])
    logs.grow(layout, ada, 2)
    found = chain.check(layout)
    assert not found.ok
    assert found.last_seq == 6


@pytest.mark.parametrize("limit", [0, 1, 2, 50, 99, 100, 101, None])
def test_the_newest_records_are_found_from_the_end(layout: Layout, ada: Settings, limit: int | None) -> None:
    logs.grow(layout, ada, 1)
    logs.lengthen(layout, 99)
    found = [record.seq for record in log_file.tail(layout, limit)]
    assert found == list(range(100, 0, -1))[: limit if limit is not None else 100]


def test_a_line_that_is_no_record_is_no_list(layout: Layout, ada: Settings) -> None:
    logs.grow(layout, ada, 2)
    logs.write(layout, [*logs.written(layout), b"{}\n"])
    with pytest.raises(AuditChainBroken, match=r"audit\.jsonl"):
        log_file.tail(layout)


def test_logs_of_two_repositories_are_apart(tmp_path: Path, ada: Settings) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = make_layout(tmp_path / "a"), make_layout(tmp_path / "b")
    logs.grow(one, ada, 2)
    logs.grow(other, ada, 2)
    os.replace(log_file.head_path(one), log_file.head_path(other))
    found = chain.check(other)
    assert not found.ok
    assert found.problems[0].kind == "head"
