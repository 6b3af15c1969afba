"""A metric over the grid, drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from jvs_core import InputError
from jvs_jupyter.runs.points import Point


class Plot(Figure):
    """A figure that notebooks show by itself, without pyplot."""

    def _repr_png_(self) -> bytes:
        image = io.BytesIO()
        self.savefig(image, format="png")
        return image.getvalue()


def draw(notebook: str, points: Sequence[Point], metric: str) -> Plot:
    """Return a matplotlib figure of a metric over the parameters that vary. Raises InputError."""
    rows = [(point.parameters, point.numbers[metric]) for point in points if metric in point.numbers]
    if not rows:
        raise InputError(f"no point has a number for the metric {metric!r}")
    figure = Plot(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{metric} of {notebook}")
    varied = [n for n in rows[0][0] if len({repr(p.parameters[n]) for p in points}) > 1] or list(rows[0][0])
    if len(varied) == 2:
        _map(figure, axes, rows, varied, metric)
    else:
        _lines(axes, rows, varied, metric)
    return figure


def _lines(axes: Any, rows: list[tuple[dict[str, Any], float]], varied: list[str], metric: str) -> None:
    across, *others = varied
    lines: dict[str, list[tuple[Any, float]]] = {}
    for parameters, value in rows:
        name = ", ".join(f"{other}={parameters[other]}" for other in others)
        lines.setdefault(name, []).append((parameters[across], value))
    for name, found in lines.items():
        axes.plot([_position(x) for x, _ in found], [y for _, y in found], marker="o", label=name or None)
    axes.set_xlabel(across)
    axes.set_ylabel(metric)
    if others:
        axes.legend(fontsize="small")


def _map(
    figure: Any, axes: Any, rows: list[tuple[dict[str, Any], float]], varied: list[str], metric: str
) -> None:
    across, up = varied
    columns = list(dict.fromkeys(repr(parameters[across]) for parameters, _ in rows))
    lines = list(dict.fromkeys(repr(parameters[up]) for parameters, _ in rows))
    cells = [[float("nan")] * len(columns) for _ in lines]
    for parameters, value in rows:
        cells[lines.index(repr(parameters[up]))][columns.index(repr(parameters[across]))] = value
    image = axes.imshow(cells, aspect="auto", origin="lower")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(lines)), lines)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    figure.colorbar(image, label=metric)


def _position(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
