"""The results of a sweep: a table, and a plot of a metric over the grid."""

from __future__ import annotations

import csv
import html
import io
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jvs_core import InputError
from jvs_jupyter.runs.points import Point


@dataclass(frozen=True)
class Sweep:
    """What became of a sweep, one point after the other in the grid's order. ``what`` names the notebook or command."""

    what: dict[str, Any]
    before_snapshot_id: str
    points: tuple[Point, ...]

    @property
    def ok(self) -> bool:
        """Whether every point has its result."""
        return all(point.outcome == "ok" for point in self.points)

    @property
    def title(self) -> str:
        """The notebook's path, or the command."""
        command = self.what.get("command")
        return str(self.what["notebook"]) if command is None else shlex.join(command)

    def metrics(self) -> list[str]:
        """Return the names of all metrics, in the order of their first appearance."""
        return list(dict.fromkeys(name for point in self.points for name in point.metrics))

    def table(self) -> list[dict[str, Any]]:
        """Return one row a point: its parameters, its metrics, outcome, duration and run."""
        names = self.metrics()
        return [
            {
                **point.parameters,
                **{name: point.metrics.get(name) for name in names},
                "outcome": point.outcome,
                "duration_s": point.run.duration_s if point.run else None,
                "run_id": point.run.run_id if point.run else None,
            }
            for point in self.points
        ]

    def best(self, metric: str, *, largest: bool = True) -> Point:
        """Return the point with the largest (or smallest) value of a metric. Raises InputError when none has it."""
        found = [point for point in self.points if point.outcome == "ok" and metric in point.numbers]
        if not found:
            raise InputError(f"no point has a number for the metric {metric!r}", hint=_known(self.metrics()))
        pick = max if largest else min
        return pick(found, key=lambda point: point.metrics[metric])

    def to_csv(self) -> str:
        """Return the table as CSV."""
        rows = self.table()
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return the sweep as plain JSON values."""
        outcomes = [point.outcome for point in self.points]
        return {
            **self.what,
            "before_snapshot_id": self.before_snapshot_id,
            "ok": outcomes.count("ok"),
            "failed": len(outcomes) - outcomes.count("ok"),
            "skipped": sum(point.skipped for point in self.points),
            "points": [point.to_json() for point in self.points],
        }

    def plot(self, metric: str) -> Any:
        """Return a matplotlib figure of a metric over the grid.

        One varied parameter gives a line, two a map of colours, more a line for each combination of the others.
        Raises InputError when no point has the metric, or matplotlib is not installed.
        """
        try:
            from jvs_jupyter.runs.plot import draw
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "matplotlib":
                raise
            raise InputError("matplotlib is not installed", hint="pip install matplotlib") from error
        return draw(self.title, self.points, metric)

    def _repr_html_(self) -> str:
        rows = self.table()
        cells = "".join(f"<th>{html.escape(str(name))}</th>" for name in rows[0])
        lines = ("".join(f"<td>{html.escape(_shown(value))}</td>" for value in row.values()) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def text_rows(sweep: Sweep) -> Iterator[tuple[str, ...]]:
    """Yield the table as rows of text, its head first."""
    rows = sweep.table()
    yield tuple(rows[0])
    for row in rows:
        yield tuple(_shown(value) for value in row.values())


def _known(names: list[str]) -> str:
    return "the metrics are: " + (", ".join(names) or "none")


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
