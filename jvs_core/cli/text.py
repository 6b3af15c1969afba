"""Words for people: escaping what came from outside, sizes, changes, tables, colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from click import style

# C0, DEL and C1 drive the terminal; the others reorder or break lines.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
# What `style` writes: any other sequence came from outside.
_COLOUR = r"\x1b\[(?:0|1|3[0-7])m"
_IN_LINE = re.compile(f"{_COLOUR}|({UNSAFE.pattern})")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


class ChangeLists(Protocol):
    """Anything that lists changed paths."""

    @property
    def added(self) -> list[str]:
        """New paths."""

    @property
    def modified(self) -> list[str]:
        """Paths that differ."""

    @property
    def removed(self) -> list[str]:
        """Paths that are gone."""


def safe(text: str) -> str:
    """Return ``text`` with every character that could drive or confuse a terminal as an escape."""
    return UNSAFE.sub(escaped, text)


def shown(line: str) -> str:
    """Return a line of a command's output as it is printed: what it has of foreign text, colours apart, drives nothing.

    Everything that commands print in words passes here, so that text which nobody thought of is no danger.
    """
    return _IN_LINE.sub(lambda match: escaped(match) if match[1] else match[0], line)


def escaped(match: re.Match[str]) -> str:
    """Return the escape of one character."""
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def first_line(text: str) -> str:
    """Return the first line of a note, marked when there is more."""
    head, _, rest = text.strip().partition("\n")
    return safe(head.rstrip()) + (" …" if rest.strip() else "")


def size(count: int) -> str:
    """Return a number of bytes in words, in steps of 1000."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.95 or unit == "PB":
            break
    return f"{value:.1f} {unit}"


def change_lines(changes: ChangeLists) -> Iterator[str]:
    """Yield one line a changed path: ``+`` new, ``~`` different, ``-`` gone, ``>`` moved; those in caches last, marked."""
    caches = set(getattr(changes, "caches", ()))
    rows = [
        *((path, f"+ {safe(path)}", "green") for path in changes.added),
        *((path, f"~ {safe(path)}", "yellow") for path in changes.modified),
        *((path, f"- {safe(path)}", "red") for path in changes.removed),
        *(
            (pair.to, f"> {safe(pair.from_)} → {safe(pair.to)}", "cyan")
            for pair in getattr(changes, "renamed", ())
        ),
    ]
    for path, line, colour in rows:
        if path not in caches:
            yield style(line, fg=colour)
    for path, line, colour in rows:
        if path in caches:
            yield style(f"{line} (cache)", fg=colour)


def change_count(changes: ChangeLists) -> str:
    """Return how many paths are new, different and gone, in words."""
    counts = [
        f"{len(paths):,} {word}"
        for word, paths in (
            ("added", changes.added),
            ("modified", changes.modified),
            ("removed", changes.removed),
            ("renamed", getattr(changes, "renamed", ())),
        )
        if paths
    ]
    return ", ".join(counts) if counts else "no changes"


def identifier(snapshot_id: str | None) -> str:
    """Return a snapshot id, coloured; ``(none)`` when there is none."""
    return "(none)" if snapshot_id is None else style(snapshot_id, fg="yellow")


def fields(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return ``  name:  value`` lines with the values in one column, those of more lines below each other.

    Rows without a value are left out.
    """
    filled = [(name, value.split("\n")) for name, value in rows if value]
    width = max((len(name) for name, _ in filled), default=0) + 1
    return [
        f"  {f'{name}:' if number == 0 else '':<{width}} {line}"
        for name, lines in filled
        for number, line in enumerate(lines)
    ]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows with every column but the last padded to its widest cell, colours not counted."""
    from click import unstyle

    widths = [max(len(unstyle(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - len(unstyle(cell))) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
