"""The words of a magic's line."""

from __future__ import annotations

import shlex


def words(line: str) -> list[str]:
    """Split ``line`` as a shell does, comments included: an unquoted ``#`` that begins a word ends the line.

    Raises ValueError: a quote has no end.
    """
    return shlex.split(line[: _comment(line)])


def _comment(line: str) -> int:
    quote, before, at = "", " ", 0
    while at < len(line):
        letter = line[at]
        if letter == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and before.isspace():
            return at
        before = letter
        at += 1
    return len(line)
