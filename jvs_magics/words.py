"""The words of a magic's line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from jvs_magics.filling import Field, fields, value

_MARK = "\ue000"  # stands for a field while the line is split; one in the line itself is a field of its own


class Filled(str):
    """A word that begins with what a variable holds: whatever that is, it is no option.

    The parser of the command line looks at the first letter of a word to tell an option, and ends those at ``--``.
    """

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        """Return whether this is the text of ``other``, which is no word of the parser's."""
        return other != "--" and str.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        """Return the contrary."""
        return not self == other

    def __getitem__(self, key: Any) -> str:
        """Return letters as of any text, but for the first alone."""
        return "" if key == slice(None, 1) else super().__getitem__(key)

    def startswith(self, prefix: str | tuple[str, ...], *where: Any) -> bool:
        """Return False for a hyphen, which begins an option."""
        return prefix not in ("-", "--") and super().startswith(prefix, *where)


def words(line: str, names: dict[str, Any] | None = None) -> list[str]:
    """Split ``line`` as a shell does, comments included: an unquoted ``#`` that begins a word ends the line.

    ``$name`` and ``{expression}`` are then filled in from ``names``, each within its word, whatever the value holds.
    Raises ValueError: a quote has no end.
    """
    marked, found = _marked(fields(line))
    return _filled(shlex.split(marked[: _comment(marked)]), found, names)


def note_words(line: str, names: dict[str, Any] | None = None) -> list[str]:
    """Split a line that begins with a note, as ``words`` does, but leave apostrophes and ``#`` in it alone.

    A quote counts where it begins a word, or a value after ``=``, and has an end.
    """
    marked, found = _marked(fields(line, is_quote=_opens_a_word))
    return _filled(shlex.split(_with_plain_quotes(marked)), found, names)


def _marked(parts: Iterator[str | Field]) -> tuple[str, list[Field]]:
    text, found = "", []
    for part in parts:
        pieces = part.split(_MARK) if isinstance(part, str) else ["", ""]
        between = Field(_MARK, None) if isinstance(part, str) else part
        found += [between] * (len(pieces) - 1)
        text += _MARK.join(pieces)
    return text, found


def _filled(split: list[str], found: list[Field], names: dict[str, Any] | None) -> list[str]:
    rest = iter(found)
    result = []
    for word in split:
        first, *others = word.split(_MARK)
        text, leads = first, False
        for number, other in enumerate(others):
            field = next(rest)
            shown = value(field, names)
            leads = leads or (number == 0 and not first and field.expression is not None)
            text += shown + other
        result.append(Filled(text) if leads else text)
    return result


def _with_plain_quotes(text: str) -> str:
    """Return a text in which the quotes that do not count are escaped."""
    result, at = "", 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            result += text[at : at + 2] if at + 1 < len(text) else "\\\\"
            at += 2
        elif letter in "'\"":
            end = _end_of_quote(text, at) if _opens_a_word(text, at) else -1
            result += text[at : end + 1] if end > 0 else "\\" + letter
            at = max(at, end) + 1
        else:
            result += letter
            at += 1
    return result


def _opens_a_word(text: str, at: int) -> bool:
    return (at == 0 or text[at - 1].isspace() or text[at - 1] == "=") and _end_of_quote(text, at) > 0


def _end_of_quote(text: str, at: int) -> int:
    """Return where the quote that begins at ``at`` ends, which is where a word does; -1 without an end."""
    end = at + 1
    while end < len(text):
        if text[end] == "\\" and text[at] == '"':
            end += 1
        elif text[end] == text[at] and (end + 1 == len(text) or text[end + 1].isspace()):
            return end
        end += 1
    return -1


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
