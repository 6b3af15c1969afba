"""Filtering what another user's process shows on a terminal: text and colours pass, control sequences do not."""

from __future__ import annotations

import codecs
import re

from jvs_core.cli.text import UNSAFE, escaped

_COLOUR = r"\x1b\[[0-9;]{0,32}m"
_SPECIAL = re.compile(rf"{_COLOUR}|[\n\r\t]|{UNSAFE.pattern}")
_PERHAPS_A_COLOUR = re.compile(r"\x1b(?:\[[0-9;]{0,32})?\Z")
_PLAIN = "\x1b[0m"


class Filter:
    """Goes over one stream, piece by piece; a sequence that is cut in two is still seen as one."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._held = ""
        self._coloured = False

    def passed(self, data: bytes, *, last: bool = False) -> bytes:
        """Return what may be shown of ``data`` and what was held back; the last piece ends every colour."""
        text = self._held + self._decoder.decode(data, last)
        unfinished = None if last else _PERHAPS_A_COLOUR.search(text)
        self._held = unfinished.group() if unfinished else ""
        shown = _SPECIAL.sub(self._shown, text[: unfinished.start()] if unfinished else text)
        if last and self._coloured:
            shown += _PLAIN
            self._coloured = False
        return shown.encode(self._encoding, "backslashreplace")

    def _shown(self, match: re.Match[str]) -> str:
        found = match.group()
        if len(found) > 1:
            self._coloured = True
        return found if len(found) > 1 or found in "\n\r\t" else escaped(match)
