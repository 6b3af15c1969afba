"""Grids of parameters: reading them, and their points in a fixed order."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jvs_core import InputError
from jvs_core.wording import counted
from jvs_jupyter.runs.values import decoded, encoded, encoded_all, typed

LARGEST = 100_000


def points(grid: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the grid's values, the last name varying fastest.

    Raises InputError for a grid without points, with a value twice, or beyond 100,000 points.
    """
    axes = {name: _values(name, values) for name, values in grid.items()}
    if not axes:
        raise InputError("the grid has no parameters", hint="--grid alpha=1,2,3")
    size = 1
    for values in axes.values():
        size *= len(values)
    if size > LARGEST:
        raise InputError(
            f"the grid has {counted(size, 'point')}, more than {LARGEST}", hint="sweep it in several parts"
        )
    return [dict(zip(axes, combination, strict=True)) for combination in itertools.product(*axes.values())]


def parse(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Return the grid that ``name=1,2,3`` and ``name=0:10`` (``start:stop[:step]``, stop excluded) describe.

    Raises InputError.
    """
    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name or not values:
            raise InputError(f"not a grid: {text!r}", hint="--grid alpha=1,2,3 or --grid seed=0:10")
        if name in grid:
            raise InputError(f"the grid has {name!r} twice", hint=f"--grid {name}=VALUE,VALUE,…")
        numbers = _range(values)
        grid[name] = [typed(value) for value in values.split(",")] if numbers is None else numbers
    return grid


def digest(base: str, notebook: str, parameters: dict[str, Any], nonce: str = "") -> str:
    """Return what names one point of a sweep: the snapshot it starts from, the notebook and the parameters."""
    text = json.dumps([base, notebook, encoded_all(parameters), nonce], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def label(parameters: Mapping[str, Any]) -> str:
    """Return the parameters as part of a file name."""
    text = ",".join(f"{name}={value}" for name, value in parameters.items())
    safe = "".join(c if c.isalnum() or c in "=,.-_+" else "_" for c in text)
    if safe == text and len(safe) <= 120:
        return safe
    return f"{safe[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _values(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | bytes | Mapping):
        raise InputError(f"the values of {name!r} are not a list", hint=f"{{{name!r}: [1, 2, 3]}}")
    forms = [encoded(value, name) for value in values]
    found = [decoded(form) for form in forms]
    if not found:
        raise InputError(f"the grid has no values for {name!r}")
    if len({json.dumps(form, sort_keys=True) for form in forms}) < len(found):
        raise InputError(f"the grid has a value of {name!r} twice")
    return found


def _range(text: str) -> list[Any] | None:
    try:
        numbers = [int(part) for part in text.split(":")]
    except ValueError:
        return None
    if len(numbers) not in (2, 3):
        return None
    if numbers[2:] == [0]:
        raise InputError(f"the step of {text!r} is 0")
    if len(range(*numbers)) > LARGEST:
        raise InputError(f"{text!r} has more than {LARGEST} values")
    return list(range(*numbers))
