"""Text, by lines."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences import lines
from jvs_core.differences.bounds import Notes
from jvs_core.differences.model import TextDetail
from jvs_core.differences.version import Version


def read(old: Version | None, new: Version | None, language: str, notes: Notes) -> TextDetail:
    """Return how a text changed. Raises Unreadable for what is none, or longer than its bound."""
    contents = [lines.decoded(side.read(notes.bounds.text)) if side else None for side in (old, new)]
    texts = [lines.text_of(content or "") for content in contents]
    one, other = texts
    ends = (
        (one.ends, other.ends)
        if one.ends != other.ends and None not in contents and one.lines and other.lines
        else None
    )
    if ends is not None:
        texts = [
            lines.Text([line.removesuffix("\r") for line in each.lines], "lf", each.closed) for each in texts
        ]
    found = lines.between(texts[0].lines, texts[1].lines, notes, most=notes.bounds.lines_shown)
    sides: tuple[tuple[Literal["old", "new"], lines.Text], ...] = (("old", one), ("new", other))
    return TextDetail(
        language=language,
        added=found.added,
        removed=found.removed,
        hunks=found.hunks,
        line_ends=ends,
        no_newline=[name for name, text in sides if not text.closed],
    )
