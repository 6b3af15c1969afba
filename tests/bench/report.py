"""The page made of the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.contender import MEANINGS, Operation
from tests.bench.results import Comparison, Figure, Results, Single

# What each figure is compared with, on the workload `many` as a ratio to the reference.
AIMS: dict[str, dict[Operation, str]] = {
    "xfs": {"first": "≤ 1.6", "changed": "≤ 0.7", "restore": "≤ 1.3", "inplace": "≤ 1.2"},
    "ext4": {"first": "≤ 1.6", "changed": "≤ 0.7", "restore": "≤ 1.3", "inplace": "≤ 1.2"},
    "btrfs": {"first": "≤ 1.0", "changed": "≤ 0.4", "restore": "≤ 0.3", "inplace": "≤ 0.7"},
    "juicefs": {"first": "≤ 2 + reading", "changed": "≤ 1.6", "restore": "≤ 1.3"},
    "juicefs-redis": {"first": "≤ 2 + reading", "changed": "≤ 1.6", "restore": "≤ 1.3"},
}
NAMES = {
    "xfs": "XFS",
    "ext4": "ext4",
    "btrfs": "btrfs",
    "juicefs": "JuiceFS",
    "juicefs-redis": "JuiceFS, metadata in Redis",
}
_OURS = "JVS"
_MIB = 1 << 20


def page(results: Results, notes: str = "") -> str:
    """Return the page in Markdown; ``notes`` goes before the tables."""
    kinds = dict.fromkeys(found.filesystem for found in results.comparisons.values())
    lines = [*_introduction(results), *notes.strip().splitlines(), ""]
    for kind in sorted(kinds, key=lambda kind: [*NAMES, kind].index(kind)):
        found = [each for each in results.comparisons.values() if each.filesystem == kind]
        lines += [f"## {NAMES.get(kind, kind)}", "", *_comparisons(found), "", *_floors(found), ""]
    if results.singles:
        lines += ["## Figures that stand alone", "", *_singles(list(results.singles.values())), ""]
    return "\n".join(lines).rstrip() + "\n"


def _introduction(results: Results) -> Iterator[str]:
    yield from ("<!-- Made by `make bench`; do not edit. -->", "", "# Benchmarks", "")
    yield f"Machine: {results.machine}."
    if results.versions:
        yield f"Programs: {', '.join(results.versions)}."
    yield from (_METHOD.strip().splitlines())
    yield ""


_METHOD = """
The file systems are loop devices over files on the machine's own disk (JuiceFS: objects in a folder there, metadata in
SQLite). Each figure is of whole processes, from start to exit status. Contenders take turns on the same tree. Its pages
are in memory (warm), and the file system is flushed before each run. Times are medians. For a ratio, each run is
compared with the reference that the head of the column names; the table has the median of these ratios. Peak memory is
the resident high-water mark of the largest process, and in brackets the sum for all processes of the command.

"10 changes" overwrite 4 kB in ten places: in ten files of `notebook` and `many`, in one file of `large`. The in-place
restore includes the snapshot that it first takes of the present. Its reference takes no such snapshot: it is the whole
copy again. For `verify` the reference is `sha256sum` of the same files, in two processes. JVS makes everything durable
that it reports, as `sync -f` does for the copy. For git the figures include a `sync -f` at its end; restic and borg run
as they are.
"""


def _comparisons(found: Sequence[Comparison]) -> Iterator[str]:
    others = dict.fromkeys(
        name
        for each in found
        for figures in each.figures.values()
        for name in figures
        if name not in (_OURS, each.reference)
    )
    titles = [
        "workload",
        "operation",
        f"`{found[0].reference}`",
        _OURS,
        "ratio",
        "aim",
        *others,
        "peak memory",
    ]
    yield from head(titles)
    for each in found:
        label = f"`{each.workload}`: {each.files:,} × {_size(each.size)}"
        for operation, meaning in MEANINGS.items():
            figures = each.figures.get(operation, {})
            if _OURS not in figures:
                continue
            ours, plain = figures[_OURS], figures[each.reference]
            aim = AIMS.get(each.filesystem, {}).get(operation, "") if each.workload == "many" else ""
            ratios = [f"{figures[name].ratio(plain):.2f}" if name in figures else "–" for name in others]
            yield row(
                label, meaning, time(plain), time(ours), f"**{ours.ratio(plain):.2f}**", aim, *ratios, memory(ours)
            )  # fmt: skip
            label = ""
    yield ""
    engines = dict.fromkeys(each.engine for each in found)
    dates = dict.fromkeys(f"`{each.workload}` {each.date}, {_runs(each)} runs" for each in found)
    yield f"Engine: {', '.join(f'`{engine}`' for engine in engines)}. Measured: {'; '.join(dates)}."


def _floors(found: Sequence[Comparison]) -> Iterator[str]:
    yield "Floors, and the first snapshot compared with them:"
    yield ""
    yield from head(["workload", "floor", "time", "floor to reference", "first snapshot to floor"])
    for each in found:
        first = each.figures["first"]
        for name, figure in each.floors.items():
            yield row(
                f"`{each.workload}`", name, time(figure), f"{figure.ratio(first[each.reference]):.2f}",
                f"{first[_OURS].ratio(figure):.2f}",
            )  # fmt: skip


def _singles(found: Sequence[Single]) -> Iterator[str]:
    yield from head(["what", "file system", "time", "aim", "peak memory", "measured"])
    for each in found:
        peak = memory(each.figure) if each.figure.largest else "–"
        runs = f"{each.date}, {len(each.figure.seconds)} runs"
        yield row(each.what, each.where, time(each.figure), each.aim, peak, runs)


def head(titles: Sequence[str]) -> Iterator[str]:
    """Yield the first two lines of a table."""
    yield row(*titles)
    yield "|" + "---|" * len(titles)


def row(*cells: str) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cells) + " |"


def time(figure: Figure) -> str:
    """Return the median time in words."""
    seconds = figure.median
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def memory(figure: Figure) -> str:
    """Return the peak memory in words."""
    largest = f"{figure.largest / _MIB:.0f} MB" if figure.largest else "–"
    return f"{largest} ({figure.together / _MIB:.0f})"


def _size(size: int) -> str:
    return f"{size >> 20} MiB" if size >= _MIB else f"{size:,} B"


def _runs(comparison: Comparison) -> int:
    return len(comparison.figures["first"][_OURS].seconds)
