"""Choosing among runs: conditions, order, and the columns of a table."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jvs_core.errors import InputError
from jvs_core.model import Run
from jvs_core.results import RunTable, RunWork

FIELDS = (
    "run_id",
    "name",
    "outcome",
    "started_at",
    "finished_at",
    "duration_s",
    "subject",
    "work",
    "sweep",
    "notebook",
    "command",
    "worktree",
    "note",
    "error",
    "exit_status",
    "host",
    "attempt",
    "git_commit",
    "environment_digest",
    "before_snapshot_id",
    "after_snapshot_id",
    "outputs_total",
    "reproduces",
    "verdict",
)
_MAIN = ("run_id", "name", "outcome", "started_at", "duration_s", "subject")
_CONDITION = re.compile(
    r"\s*(?P<name>[^\s=!<>~]+)\s*(?P<sign>==|!=|<=|>=|=|<|>|~)\s*(?P<value>.*?)\s*", re.DOTALL
)
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TAG = "$jvs"
MISSING = object()


@dataclass(frozen=True)
class Condition:
    """A name, a sign and a value, as in ``alpha>0.1``."""

    name: str
    sign: str
    value: str

    def holds(self, run: Run) -> bool:
        """Return whether a run has the value; one that does not have the name does not."""
        found = value_of(run, self.name)
        if found is MISSING or found is None:
            return False
        one, other = _number(found), _number(self.value)
        if self.sign == "~":
            return self.value.casefold() in _text(found).casefold()
        if self.sign in _ORDERED:
            if one is None or other is None:
                return (one is None) == (other is None) and _ORDERED[self.sign](_text(found), self.value)
            return _ORDERED[self.sign](one, other)
        equal = _text(found) == self.value or (one is not None and one == other)
        return equal is (self.sign != "!=")


def parse(text: str) -> Condition:
    """Return the condition that ``alpha>0.1`` describes. Raises InputError."""
    match = _CONDITION.fullmatch(text)
    if match is None or not match["value"]:
        raise InputError(
            f"not a condition: {text!r}", hint="write NAME=VALUE, with =, !=, <, <=, >, >= or ~ (contains)"
        )
    value = match["value"]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return Condition(match["name"], match["sign"], value)


def chosen(
    runs: Iterable[Run],
    *,
    where: Iterable[str] = (),
    text: str | None = None,
    sort: str | None = None,
    together: bool = False,
) -> list[Run]:
    """Return the runs for which every condition holds and whose words hold ``text``, in their order or sorted.

    ``sort`` is a name, with ``-`` before it for the largest first; runs without it come last. Numbers come before text.
    With ``together`` the runs of a sweep stand where its first one does. Raises InputError for what is no condition.
    """
    conditions = [parse(condition) for condition in where]
    found = [
        run
        for run in runs
        if all(condition.holds(run) for condition in conditions) and (not text or _says(run, text))
    ]
    if sort:
        found = _ordered(found, sort)
    return _by_sweep(found) if together else found


def works(runs: Iterable[Run]) -> list[RunWork]:
    """Return what the runs are of, each once, in their order."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.work, []).append(run)
    return [
        RunWork(
            work=work,
            kind="notebook" if of[0].command is None else "command",
            runs=len(of),
            last_started_at=max(run.started_at for run in of),
        )
        for work, of in found.items()
    ]


def _by_sweep(runs: Iterable[Run]) -> list[Run]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.sweep or run.run_id, []).append(run)
    return [run for group in groups.values() for run in group]


def _ordered(found: list[Run], sort: str) -> list[Run]:
    name = sort.removeprefix("-")
    if not name:
        raise InputError(
            "there is no name to sort by",
            hint="use --sort accuracy, or --sort=-accuracy for the largest first",
        )
    having: list[tuple[tuple[int, Any], Run]] = []
    rest: list[Run] = []
    for run in found:
        value = value_of(run, name)
        if value is MISSING or value is None:
            rest.append(run)
        else:
            having.append((_rank(value), run))
    having.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [run for _, run in having] + rest


def table(runs: Sequence[Run], columns: Sequence[str] | None = None) -> RunTable:
    """Return the runs as a table; without ``columns`` the main fields, then every parameter and every metric there is.

    A parameter and a metric of one name, or of a field's, stand as ``parameters.NAME`` and ``metrics.NAME``.
    """
    names = tuple(columns) if columns else (*_MAIN, *_varying(runs))
    rows = tuple(tuple(_cell(value_of(run, name)) for name in names) for run in runs)
    return RunTable(columns=names, rows=rows)


def value_of(run: Run, name: str) -> Any:
    """Return what a run has under a name: a field, else a metric, else a parameter; MISSING where it has none.

    ``parameters.NAME`` and ``metrics.NAME`` say which is meant.
    """
    kind, dot, rest = name.partition(".")
    if dot and kind in ("parameters", "metrics"):
        return getattr(run, kind).get(rest, MISSING)
    if name in FIELDS:
        return getattr(run, name)
    return run.metrics.get(name, run.parameters.get(name, MISSING))


def _varying(runs: Iterable[Run]) -> list[str]:
    parameters: dict[str, None] = {}
    metrics: dict[str, None] = {}
    for run in runs:
        parameters.update(dict.fromkeys(run.parameters))
        metrics.update(dict.fromkeys(run.metrics))
    return [
        *(f"parameters.{name}" if name in metrics or name in FIELDS else name for name in parameters),
        *(f"metrics.{name}" if name in parameters or name in FIELDS else name for name in metrics),
    ]


def _says(run: Run, text: str) -> bool:
    words = (run.run_id, run.subject, run.name or "", run.note, run.outcome, _text(run.parameters))
    return text.casefold() in "\n".join(words).casefold()


def _plain(value: Any) -> Any:
    """Return the value itself where a record holds one with its kind."""
    if not isinstance(value, dict) or set(value) != {_TAG, "value"}:
        return value
    inner = value["value"]
    if value[_TAG] != "float":
        return inner
    try:
        return float(inner)
    except (TypeError, ValueError):
        return inner


def _cell(value: Any) -> Any:
    value = _plain(value)
    if value is MISSING:
        return None
    return _text(value) if isinstance(value, list | tuple | dict) else value


def _number(value: Any) -> float | int | None:
    value = _plain(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    value = _plain(value)
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _rank(value: Any) -> tuple[int, Any]:
    number = _number(value)
    if number is None:
        return 2, _text(value)
    return (1, 0) if math.isnan(number) else (0, number)
