"""Tables of measured figures in other pages, taken from the benchmark's page so that they cannot drift from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).parent
_BEGIN, _END = "<!-- measured: {} -->\n", "<!-- measured: end -->\n"
_WANTED = {
    "first snapshot": "first snapshot",
    "snapshot after 10 changes": "after 10 changes",
    "safe restore": "restore, new worktree",
    "in-place restore of 10 changes": "restore in place, 10 changes",
    "verify": "verify",
}


def filled(text: str) -> str:
    """Return ``text`` with the tables between its marks made again."""
    for name, make in (("engines", _engines), ("scale", _scale)):
        begin = _BEGIN.format(name)
        if begin in text:
            before, _, rest = text.partition(begin)
            _, _, after = rest.partition(_END)
            text = f"{before}{begin}\n{make()}\n{_END}{after}"
    return text


def _engines() -> str:
    sections = re.split(r"^## ", _page(), flags=re.MULTILINE)[1:]
    rows = []
    for section in sections:
        engine = re.search(r"^Engine: `(.*?)`\.", section, re.MULTILINE)
        many = re.search(r"^\| `many`.*\n(?:\|  \|.*\n)*", section, re.MULTILINE)
        table = many[0] if many else ""
        times = dict(re.findall(r"^\| [^|]*\| ([^|]+?) \| [^|]+ \| ([^|]+?) \|", table, re.MULTILINE))
        copy = re.search(r"first snapshot \| ([^|]+?) \|", table)
        if engine and copy and _WANTED.keys() <= times.keys():
            cells = " | ".join(times[key] for key in _WANTED)
            rows.append(f"| {section.split()[0]} | `{engine[1]}` | {copy[1]} | {cells} |")
    head = f"| 20,000 files of 4 kB | engine | whole copy | {' | '.join(_WANTED.values())} |"
    return "\n".join([head, "|---|---|---:|" + "---:|" * len(_WANTED), *rows]) + "\n"


def _scale() -> str:
    rows = re.findall(
        r"^\| ([^|]+?) \| ([\d,]+) \| [^|]+ \| ([^|]+?) \| ([^|]*?) \| ([^|]+?) \| ≤ 400 MB \| ([^|]+?) \|",
        _page(),
        re.MULTILINE,
    )
    head = "| `jvs` … | of | processor time | growth | peak memory | measured |"
    return "\n".join([head, "|---|---:|---:|---:|---:|---|", *map(_row, rows)]) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _page() -> str:
    return (DOCS / "reference" / "benchmarks.md").read_text(encoding="utf-8")
