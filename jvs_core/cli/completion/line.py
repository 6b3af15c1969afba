"""The command line as it stands in a shell, up to the cursor: its words, and how a word goes on from there."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]|[^\x00-\x7f]")
_ESCAPED_IN_DOUBLE = '$`"\\'
# Inside double quotes an interactive bash cannot quote "!": there the quotes are closed and opened again.
_IN_DOUBLE = {"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`", "!": '"\\!"'}


@dataclass(frozen=True)
class Line:
    """Words before the cursor's, what of that one stands before the cursor, and the quote that is open there."""

    words: list[str]
    incomplete: str
    quote: str

    @classmethod
    def read(cls, text: str) -> Line:
        """Split a line as a POSIX shell does, without expanding anything; a quote may be open at its end."""
        words: list[str] = []
        word: str | None = None
        quote = ""
        characters = iter(text)
        for character in characters:
            if character == "\\" and quote != "'":
                following = next(characters, "")
                kept = quote and following not in _ESCAPED_IN_DOUBLE
                word = (word or "") + ("\\" if kept else "") + following
            elif character == quote:
                quote = ""
            elif quote or not (character.isspace() or character in "'\""):
                word = (word or "") + character
            elif character in "'\"":
                quote, word = character, word or ""
            elif word is not None:
                words.append(word)
                word = None
        return cls(words, word or "", quote)

    def quoted(self, value: str) -> str:
        """Return ``value`` as bash must read it where the cursor is, so that nothing in it is expanded or run."""
        if self.quote == "'":
            return value.replace("'", "'\\''")
        if self.quote == '"':
            return "".join(_IN_DOUBLE.get(character, character) for character in value)
        return "".join(each if _PLAIN.fullmatch(each) else f"\\{each}" for each in value)
