"""The section of the benchmark's page on very many files, snapshots and worktrees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from statistics import median

from tests.bench.report import head, memory, row, time
from tests.bench.results import Results, Single

BEGIN = "<!-- Made by `make bench-scale`; do not edit. -->\n"
END = "<!-- Made by `make bench-scale`: end -->\n"
_TITLE = "Very many files, snapshots and worktrees"
_METHOD = """
Each count has a new repository on one XFS file system. The times are of whole processes: of one run for files, the median of
the runs for the rest. Processor time is the sum for all processes of the command. Peak memory is the resident high-water mark
of the largest process, and in brackets the sum for all processes, which counts shared memory several times. "Growth" compares
the processor time with that of the smaller count. If a command must look at everything, its growth is the ratio of the counts.
The load is that of the machine when the command began: with many programs on two processors the elapsed time says little.
"""
_COUNT = re.compile(r"([\d,]+) (\w+)$")


def section(results: Results) -> str:
    """Return the section in Markdown, its marks included."""
    lines = ["", f"## {_TITLE}", "", f"Machine: {results.machine}.", *_METHOD.strip().splitlines(), ""]
    by_kind = sorted(
        results.singles.values(),
        key=lambda single: ("files", "snapshots", "worktrees").index(_counted(single)[1]),
    )
    for kind, found in groupby(by_kind, key=lambda single: _counted(single)[1]):
        lines += [*_table(kind, list(found)), ""]
    return BEGIN + "\n".join(lines) + "\n" + END


def inserted(page: str, made: str) -> str:
    """Return ``page`` with the section ``made`` in the place of the one that it has, or at its end."""
    before, begin, rest = page.partition(BEGIN)
    if not made:
        return page
    if not begin:
        return f"{page.rstrip()}\n\n{made}" if page else made
    return before + made + rest.partition(END)[2]


def kept(page: str) -> str:
    """Return the section that ``page`` has, ``""`` for none."""
    _, begin, rest = page.partition(BEGIN)
    return begin + rest.partition(END)[0] + END if begin else ""


def _table(kind: str, found: list[Single]) -> Iterator[str]:
    yield from head(
        [f"`jvs` …, of {kind}", kind, "time", "processor", "growth", "peak memory", "aim", "measured"]
    )
    names = dict.fromkeys(single.what for single in found)
    for what in names:
        same = sorted(
            (single for single in found if single.what == what), key=lambda single: _counted(single)[0]
        )
        for number, single in enumerate(same):
            before = _processor(same[number - 1]) if number else 0
            growth = f"{_processor(single) / before:.1f} ×" if before else ""
            runs = f"{single.date}, {len(single.figure.seconds)} runs"
            processor = f"{_processor(single):.2f} s"
            yield row(
                what, f"{_counted(single)[0]:,}", time(single.figure), processor, growth, memory(single.figure), single.aim, runs
            )  # fmt: skip


def _processor(single: Single) -> float:
    return median(single.figure.processor or [0])


def _counted(single: Single) -> tuple[int, str]:
    match = _COUNT.search(single.where)
    assert match is not None, single.where
    return int(match[1].replace(",", "")), match[2]
