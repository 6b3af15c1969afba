"""Text, by lines."""

from __future__ import annotations

from typing import Literal

from jvs_core.differences.model.part import Part
from jvs_core.validated import Field


class Line(Part):
    """One line of a hunk, without its end; of a long one the beginning, and then ``cut``. ``op`` is as in a unified diff.

    ``old`` and ``new`` are its numbers, from 1, where it is in that text.
    """

    op: Literal[" ", "-", "+"]
    text: str
    old: int | None = None
    new: int | None = None
    cut: bool = False


class Hunk(Part):
    """Lines that changed, and three around them, as in a unified diff: ``@@ -old_start,old_lines +new_start,new_lines @@``."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[Line]


class TextDetail(Part):
    """How a text changed.

    ``added`` and ``removed`` count lines, also where ``hunks`` stops before the end. ``line_ends`` is set where the line ends
    changed, say ``["crlf", "lf"]``; these are no change of a line. ``no_newline`` says which sides lack one at the end.
    ``language`` is a file extension without dot, or ``""``.
    """

    kind: Literal["text"] = "text"
    language: str = ""
    added: int
    removed: int
    hunks: list[Hunk]
    line_ends: tuple[str, str] | None = None
    no_newline: list[Literal["old", "new"]] = Field(default_factory=list)
