"""Text as lines, and the hunks between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jvs_core.differences.alignment import Block, aligned
from jvs_core.differences.bounds import Notes, Unreadable
from jvs_core.differences.model import Hunk, Line

CONTEXT = 3
_LOOKED_AT = 8_000
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decoded(data: bytes) -> str:
    """Return bytes as text: UTF-8, or what a byte order mark says; other bytes as ``\\xNN``. Raises Unreadable for binary data."""
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data[:_LOOKED_AT]:
        raise Unreadable("it is not text")
    return data.decode(encoding, "backslashreplace")


@dataclass(frozen=True)
class Text:
    """Lines without their ends; ``ends`` is ``lf``, ``crlf`` or ``mixed`` (then the lines keep ``\\r``), ``closed``: the last has an end."""

    lines: Sequence[str]
    ends: str
    closed: bool


def text_of(content: str) -> Text:
    """Return a text as lines."""
    if not content:
        return Text([], "lf", True)
    lines = content.split("\n")
    closed = not lines[-1]
    if closed:
        del lines[-1]
    ended = len(lines) if closed else len(lines) - 1
    returns = sum(line.endswith("\r") for line in lines)
    if returns and returns >= ended:
        return Text([line.removesuffix("\r") for line in lines], "crlf", closed)
    return Text(lines, "mixed" if returns else "lf", closed)


@dataclass(frozen=True)
class Changed:
    """The hunks, and how many lines came and went in all, also beyond the hunks."""

    hunks: list[Hunk]
    added: int
    removed: int


def between(old: Sequence[str], new: Sequence[str], notes: Notes, *, most: int) -> Changed:
    """Return what changed between two lists of lines; of the hunks no more than ``most`` lines."""
    blocks = aligned(old, new, notes)
    changes = [block for block in blocks if block.op == "change"]
    hunks: list[Hunk] = []
    left = most
    for group in _grouped(changes):
        hunk = _hunk(group, old, new, notes.bounds.line, left)
        hunks.append(hunk)
        left -= len(hunk.lines)
        if left <= 0:
            notes.stop(f"only the first {most:,} changed lines are shown")
            break
    return Changed(
        hunks,
        sum(block.new_end - block.new_start for block in changes),
        sum(block.old_end - block.old_start for block in changes),
    )


def _grouped(changes: Sequence[Block]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for block in changes:
        if groups and block.old_start - groups[-1][-1].old_end <= 2 * CONTEXT:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _hunk(group: Sequence[Block], old: Sequence[str], new: Sequence[str], longest: int, most: int) -> Hunk:
    """Return the changes of a group with what lies between and around them; cut after ``most`` lines, its numbers stay."""
    first, last = group[0], group[-1]
    before = min(CONTEXT, first.old_start, first.new_start)
    after = min(CONTEXT, len(old) - last.old_end)
    old_from, new_from = first.old_start - before, first.new_start - before
    lines: list[Line] = []

    def say(op: Literal[" ", "-", "+"], text: str, at_old: int | None, at_new: int | None) -> None:
        if len(lines) < most:
            lines.append(
                Line.model_construct(
                    op=op, text=text[:longest], old=at_old, new=at_new, cut=len(text) > longest
                )
            )

    at_old, at_new = old_from, new_from
    for block in group:
        for at in range(block.old_start - at_old):
            say(" ", old[at_old + at], at_old + at + 1, at_new + at + 1)
        for at in range(block.old_start, block.old_end):
            say("-", old[at], at + 1, None)
        for at in range(block.new_start, block.new_end):
            say("+", new[at], None, at + 1)
        at_old, at_new = block.old_end, block.new_end
    for at in range(after):
        say(" ", old[at_old + at], at_old + at + 1, at_new + at + 1)
    old_lines, new_lines = at_old + after - old_from, at_new + after - new_from
    return Hunk(
        old_start=old_from + 1 if old_lines else old_from,
        old_lines=old_lines,
        new_start=new_from + 1 if new_lines else new_from,
        new_lines=new_lines,
        lines=lines,
    )
