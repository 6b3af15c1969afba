"""Pieces of static HTML: escaped, without script, readable on light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from jvs_core.cli.text import safe

FIRST_PAGE = 50

STYLE = (
    "<style>"
    ".jvs{font-size:13px;line-height:1.5;overflow-x:auto}"
    ".jvs table{border-collapse:collapse;margin:4px 0}"
    ".jvs table th,.jvs table td{text-align:left!important;vertical-align:top;padding:1px 12px 1px 0;border-bottom:1px solid rgba(128,128,128,.3)}"
    ".jvs code,.jvs pre{font-family:monospace;background:none;color:inherit;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".jvs .ok,.jvs .new{color:#2f9150}.jvs .differs{color:#b07d12}.jvs .gone,.jvs .bad{color:#d1495b}"
    ".jvs .tag{border:1px solid rgba(128,128,128,.6);border-radius:8px;padding:0 6px;margin-right:4px}"
    ".jvs .dim{opacity:.75}.jvs-browser .widget-select .widget-label{text-align:left!important}"
    "</style>"
)


def text(value: object) -> str:
    """Return ``value`` as HTML text; characters that reorder or break lines show as escapes."""
    return escape(safe(str(value).encode("utf-8", "backslashreplace").decode()), quote=True)


def lines(value: str) -> str:
    """Return a text of several lines as HTML."""
    return "<br>".join(map(text, value.splitlines()))


def code(value: object) -> str:
    """Return ``value`` as an identifier or path."""
    return f"<code>{text(value)}</code>"


def span(style: str, value: object) -> str:
    """Return ``value`` in one of the styles: ok, new, differs, gone, bad, tag, dim."""
    return f'<span class="{style}">{text(value)}</span>'


def link(path: str) -> str:
    """Return a link to a path, relative where it can be, which JupyterLab and Notebook open."""
    target = quote(os.fsencode(os.path.relpath(path)))
    return f'<a href="{escape(target, quote=True)}">{code(path)}</a>'


def block(*parts: str) -> str:
    """Return the parts as one output."""
    return f'{STYLE}<div class="jvs">{"".join(part for part in parts if part)}</div>'


def line(*parts: str, style: str = "") -> str:
    """Return one line."""
    attribute = f' class="{style}"' if style else ""
    return f"<div{attribute}>{' '.join(part for part in parts if part)}</div>"


def tags(names: Iterable[str], style: str = "tag") -> str:
    """Return names as labels."""
    return "".join(span(style, name) for name in names)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, of: int, more: str) -> str:
    """Return rows of HTML cells as a table, with how many of ``of`` are shown and how to see ``more``."""
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    first = "".join(f"<th>{text(name)}</th>" for name in head)
    heading = f"<thead><tr>{first}</tr></thead>" if head else ""
    return f"<table>{heading}<tbody>{''.join(body)}</tbody></table>{rest(len(body), of, more)}"


def rest(shown: int, of: int, more: str) -> str:
    """Return how many are shown and how to see the others; nothing when all are."""
    if shown >= of:
        return ""
    return line(f"{shown:,} of {of:,} shown; for more:", code(more), style="dim")


def fields(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and HTML values as a table; rows without a value are left out."""
    shown = [(span("dim", name), value) for name, value in rows if value]
    return table((), shown, of=len(shown), more="")


def changes(
    added: Sequence[str],
    modified: Sequence[str],
    removed: Sequence[str],
    more: str,
    *,
    moved: Sequence[str] = (),
    last: Sequence[str] = (),
) -> str:
    """Return changed paths, the first page of them, with their number; those of ``last`` at the end, marked as caches."""
    caches = set(last)
    rows = [
        (path in caches, style, f"{sign} {path}")
        for style, sign, paths in (
            ("new", "+", added), ("differs", "~", modified), ("gone", "-", removed), ("differs", ">", moved)
        )
        for path in paths
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])
    shown = [
        line(span(style, text_of), span("dim", "cache") if is_cache else "")
        for is_cache, style, text_of in rows[:FIRST_PAGE]
    ]
    return "".join(shown) + rest(len(shown), len(rows), more)
