"""Text by lines: the hunks lead from the one to the other, whatever the bound on steps."""

from __future__ import annotations

import time

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from jvs_core.differences.alignment import aligned
from jvs_core.differences.bounds import Bounds, Notes
from jvs_core.differences.model import BinaryDetail, Hunk, TextDetail
from tests.differences.inside import changed, detail

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "x = 1"]), max_size=40)


def applied(old: list[str], hunks: list[Hunk]) -> list[str]:
    """Return what the hunks make of the old lines, as ``patch`` would."""
    new: list[str] = []
    at = 0
    for hunk in hunks:
        start = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        new += old[at:start]
        assert [line.text for line in hunk.lines if line.op != "+"] == old[start : start + hunk.old_lines]
        new += [line.text for line in hunk.lines if line.op != "-"]
        at = start + hunk.old_lines
    return new + old[at:]


@drawn(LINES, LINES, st.sampled_from([0, 5, 1_000_000]))
def test_the_hunks_lead_from_old_to_new(old: list[str], new: list[str], steps: int) -> None:
    one, other = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    if one == other:
        return
    found = detail(changed("a.py", one, other, bounds=Bounds(steps=steps)), TextDetail)
    assert applied(old, found.hunks) == new
    assert found.added - found.removed == len(new) - len(old)
    for hunk in found.hunks:
        assert hunk.new_lines == sum(line.op != "-" for line in hunk.lines)
        numbers = [line.new for line in hunk.lines if line.new is not None]
        assert numbers == list(range(hunk.new_start, hunk.new_start + hunk.new_lines))


@drawn(LINES, LINES)
def test_blocks_cover_both_in_order(old: list[str], new: list[str]) -> None:
    at_old = at_new = 0
    for block in aligned(old, new, Notes()):
        assert (block.old_start, block.new_start) == (at_old, at_new)
        at_old, at_new = block.old_end, block.new_end
        if block.op == "equal":
            assert old[block.old_start : at_old] == new[block.new_start : at_new]
    assert (at_old, at_new) == (len(old), len(new))


def test_a_change_in_words() -> None:
    found = changed("src/a.py", "one\ntwo\nthree\n", "one\n2\nthree\nfour\n")
    assert (found.kind, found.group, found.words) == ("text", "code", "+2 −1 lines")
    assert changed("a.py", None, "one\n").words == "1 line"
    assert changed("a.py", "one\n", None).change == "removed"


def test_line_ends_are_told_apart_from_lines() -> None:
    found = changed("a.txt", "one\ntwo\n", "one\r\n2\r\n")
    shown = detail(found, TextDetail)
    assert (shown.line_ends, shown.added, shown.removed) == (("lf", "crlf"), 1, 1)
    assert found.words == "+1 −1 lines, line ends lf → crlf"
    mixed = detail(changed("a.txt", "one\r\ntwo\nx\n", "one\ntwo\r\nx\n"), TextDetail)
    assert (mixed.line_ends, mixed.added) == (None, 2)


def test_a_missing_newline_at_the_end_is_said() -> None:
    shown = detail(changed("a.txt", "one\ntwo", "one\n2\n"), TextDetail)
    assert shown.no_newline == ["old"]
    assert changed("a.txt", "one", "one\n").words == "newline at the end"


@pytest.mark.parametrize("name", ["Makefile", "README", ".gitignore", "notes", "data.unknown"])
def test_names_that_say_nothing_are_looked_into(name: str) -> None:
    assert detail(changed(name, "a\n", "b\n"), TextDetail).added == 1
    assert isinstance(changed(name, b"\0a", b"\0b").detail, BinaryDetail)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_encodings_with_a_mark(encoding: str) -> None:
    shown = detail(changed("a.txt", "é\n".encode(encoding), "ü\n".encode(encoding)), TextDetail)
    assert [line.text for line in shown.hunks[0].lines] == ["é", "ü"]


def test_bytes_that_are_no_utf_8_show_as_escapes() -> None:
    shown = detail(changed("a.txt", b"caf\xe9\n", b"caf\xe8\n"), TextDetail)
    assert [line.text for line in shown.hunks[0].lines] == [r"caf\xe9", r"caf\xe8"]


def test_only_so_many_lines_are_shown_and_all_are_counted() -> None:
    old, new = ("".join(f"{word}{number}\n" for number in range(20_000)) for word in "ab")
    found = changed("a.txt", old, new)
    shown = detail(found, TextDetail)
    assert (shown.added, shown.removed) == (20_000, 20_000)
    assert sum(len(hunk.lines) for hunk in shown.hunks) == 5_000
    assert found.stopped == ["only the first 5,000 changed lines are shown"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([str(number) for number in range(30_000)], [str(number) for number in reversed(range(30_000))]),
        (["a"] * 100_000 + ["x"], ["y"] + ["a"] * 50_000 + ["b"] * 50_000),
        (["a", "b"] * 40_000, ["b", "a", "c"] * 30_000),
    ],
    ids=["reversed", "all the same", "by turns"],
)
def test_lines_made_to_take_long_do_not(old: list[str], new: list[str]) -> None:
    before = time.process_time()
    found = detail(changed("a.txt", "\n".join(old) + "\n", "\n".join(new) + "\n"), TextDetail)
    assert found.added - found.removed == len(new) - len(old)
    assert time.process_time() - before < 15


def test_a_long_line_is_cut() -> None:
    found = detail(changed("a.json", '{"a": "' + "x" * 10_000, '{"a": "' + "y" * 10_000), TextDetail)
    assert {(len(line.text), line.cut) for line in found.hunks[0].lines} == {(2_000, True)}
