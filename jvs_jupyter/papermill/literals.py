"""The cell with a notebook's parameters: what papermill was passed, and the values as Python has them.

papermill writes the text of what it has no form for, a date say: a notebook for Python gets the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from papermill.exceptions import PapermillException
from papermill.translators import PythonTranslator, papermill_translators

from jvs_core import InputError
from jvs_jupyter.runs.values import decoded_all, encoded_all

_INJECTED = "injected-parameters"


def as_passed(nb: Any) -> dict[str, Any]:
    """Return the parameters that papermill put into a notebook, as they were passed.

    In the metadata of a notebook that was run before they stand as in its record; in that of another a tuple is a list.
    The cell with the parameters tells which it was, in Python. Raises InputError for a tuple inside another value, of which
    it tells too little.
    """
    parameters = decoded_all(dict(nb.metadata.papermill.get("parameters", {})))
    cell = _injected(nb)
    if cell is None or nb.metadata.get("kernelspec", {}).get("language") != "python":
        return parameters
    source = f"\n{cell.source}\n"

    def stands(name: str, value: Any) -> bool:
        return any(_line(translator, name, value) in source for translator in (PythonTranslator, _Values))

    for name, value in parameters.items():
        if not _holds_list(value) or stands(name, value):
            continue
        parameters[name] = tuple(value) if isinstance(value, list) else value
        if not stands(name, parameters[name]):
            raise InputError(
                f"parameter {name!r} holds a tuple inside another value, which a record cannot keep unchanged",
                hint="pass lists",
            )
    return parameters


def write(nb: Any, kernel_name: str, parameters: dict[str, Any]) -> None:
    """Make the cell with a notebook's parameters give each of them the value that it has here.

    Raises InputError, which names the parameter, for one that the notebook's language would get as another value.
    """
    cell = _injected(nb)
    if cell is None or not parameters:
        return
    if not _is_python(nb, kernel_name):
        for name, value in parameters.items():
            if not _is_plain(value):
                raise InputError(
                    f"parameter {name!r} has a value that only a Python notebook can receive unchanged",
                    hint="pass text, finite numbers, lists or dictionaries with text as keys",
                )
        return
    values = decoded_all(encoded_all(parameters))
    if any(
        PythonTranslator.translate(parameters[name]) != _Values.translate(values[name]) for name in values
    ):
        cell.source = _Values.codify(values, cell.source.partition("\n")[0].removeprefix("# "))


def _injected(nb: Any) -> Any:
    return next((cell for cell in nb.cells if _INJECTED in cell.metadata.get("tags", ())), None)


def _is_python(nb: Any, kernel_name: str) -> bool:
    language = nb.metadata.get("kernelspec", {}).get("language")
    try:
        return papermill_translators.find_translator(kernel_name, language) is PythonTranslator
    except PapermillException:
        return False


def _is_plain(value: Any) -> bool:
    """Whether JSON, and so every language, has a form for a value."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return (
        value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    )


def _line(translator: Any, name: str, value: Any) -> str:
    text: str = translator.codify({name: value}, "")
    return f"\n{text.partition(chr(10))[2].strip()}\n"


def _holds_list(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_list, value.values()))
    return isinstance(value, list)


class _Values(PythonTranslator):  # type: ignore[misc]  # papermill ships no types
    """Writes every kind of value that a record keeps; no import of it leaves a name in the notebook."""

    @classmethod
    def translate(cls, val: Any) -> str:
        """Return an expression for a value."""
        form = _FORMS.get(type(val))
        return form(val, cls.translate) if form else str(super().translate(val))

    @classmethod
    def translate_dict(cls, val: dict[Any, Any]) -> str:
        """Return a dictionary whose keys are what they are, and not their texts."""
        return (
            "{" + ", ".join(f"{cls.translate(key)}: {cls.translate(item)}" for key, item in val.items()) + "}"
        )


def _moment(kind: str) -> Callable[[Any, Any], str]:
    return lambda value, _: f'__import__("datetime").{kind}.fromisoformat("{value.isoformat()}")'


def _tuple(value: Any, each: Callable[[Any], str]) -> str:
    return "(" + ", ".join(map(each, value)) + (",)" if len(value) == 1 else ")")


def _set(value: Any, each: Callable[[Any], str]) -> str:
    return "{" + ", ".join(sorted(map(each, value))) + "}" if value else "set()"


_FORMS: dict[type, Callable[[Any, Any], str]] = {
    date: _moment("date"),
    datetime: _moment("datetime"),
    time: _moment("time"),
    timedelta: lambda span, _: (
        f'__import__("datetime").timedelta({span.days}, {span.seconds}, {span.microseconds})'
    ),
    Decimal: lambda value, _: f'__import__("decimal").Decimal("{value}")',
    type(Path()): lambda value, each: f'__import__("pathlib").Path({each(str(value))})',
    bytes: lambda value, _: repr(value),
    tuple: _tuple,
    set: _set,
    frozenset: lambda value, each: f"frozenset({_set(value, each)})",
}
