"""Parameters in a record: as JSON, from which every value comes back as it was."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

from jvs_core import InputError

TAG = "$jvs"
_FORMS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    date: ("date", date.isoformat),
    datetime: ("datetime", datetime.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda span: [span.days, span.seconds, span.microseconds]),
    Decimal: ("decimal", str),
}
_BACK: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "decimal": Decimal,
    "path": Path,
    "text": lambda escaped: escaped.encode("ascii").decode("unicode_escape"),
    "tuple": lambda items: tuple(decoded(items)),
    "dict": lambda items: {key: decoded(item) for key, item in items.items()},
}


def encoded(value: Any, name: str = "", *, scalars: bool = True) -> Any:
    """Return a value as JSON. What JSON has no form for is ``{"$jvs": KIND, "value": …}``.

    ``scalars`` says that a number of NumPy's may stand as Python's. Raises InputError, which names the parameter, for a
    value that would not come back.
    """

    def part(item: Any) -> Any:
        return encoded(item, name, scalars=scalars)

    if value is None or isinstance(value, bool | str | int | float):
        return _plain(value)
    if isinstance(value, list):
        return [part(item) for item in value]
    if isinstance(value, dict):
        found = {str(key): part(item) for key, item in value.items()}
        if len(found) < len(value):
            raise InputError(f"parameter {name!r} has a key twice: as text, and as another value")
        return _tagged("dict", found) if TAG in found else found
    if type(value) is tuple:
        return _tagged("tuple", [part(item) for item in value])
    if isinstance(value, PurePath):
        return _tagged("path", part(str(value)))
    if type(value) in _FORMS:
        kind, form = _FORMS[type(value)]
        return _tagged(kind, form(value))
    if scalars and hasattr(value, "item") and getattr(value, "shape", None) == ():
        return part(value.item())
    raise InputError(
        f"parameter {name!r} is or holds a {type(value).__qualname__}, which a record cannot keep as it is",
        hint="pass text, numbers, lists, dictionaries, dates or paths",
    )


def encoded_all(parameters: dict[str, Any], *, scalars: bool = True) -> dict[str, Any]:
    """Return parameters by name, each as ``encoded`` gives it. Raises InputError."""
    return {str(name): encoded(value, str(name), scalars=scalars) for name, value in parameters.items()}


def decoded(value: Any) -> Any:
    """Return what ``encoded`` made JSON of; what is none of its work stays as it is."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    back = _BACK.get(str(value.get(TAG))) if set(value) == {TAG, "value"} else None
    if back is None:
        return {key: decoded(item) for key, item in value.items()}
    try:
        inner = value["value"]
        return back(decoded(inner) if value[TAG] == "path" else inner)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        return value


def decoded_all(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by name, each as it was."""
    return {name: decoded(value) for name, value in parameters.items()}


def as_passed(nb: Any, kernel_name: str) -> dict[str, Any]:
    """Return the parameters that papermill put into a notebook, as they were passed.

    In the metadata of a notebook that was run before they stand as in its record; in that of another a tuple is a list.
    The cell with the parameters tells which it was, in Python. Raises InputError for a tuple inside another value, of which
    it tells too little.
    """
    parameters = decoded_all(dict(nb.metadata.papermill.get("parameters", {})))
    cells = [cell for cell in nb.cells if "injected-parameters" in cell.metadata.get("tags", ())]
    if not cells or nb.metadata.get("kernelspec", {}).get("language") != "python":
        return parameters
    injected = f"\n{cells[0].source}\n"
    for name, value in parameters.items():
        if not _holds_list(value) or _assigned(name, value, kernel_name) in injected:
            continue
        parameters[name] = tuple(value) if isinstance(value, list) else value
        if _assigned(name, parameters[name], kernel_name) not in injected:
            raise InputError(
                f"parameter {name!r} holds a tuple inside another value, which a record cannot keep as it is",
                hint="pass lists",
            )
    return parameters


def _assigned(name: str, value: Any, kernel_name: str) -> str:
    from papermill.translators import translate_parameters

    text: str = translate_parameters(kernel_name, "python", {name: value}, "")
    return f"\n{text.partition(chr(10))[2].strip()}\n"


def _holds_list(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_list, value.values()))
    return isinstance(value, list)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value) if _is_unicode(value) else _tagged("text", _escaped(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _tagged("float", str(float(value)))
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tagged(kind: str, value: Any) -> dict[str, Any]:
    return {TAG: kind, "value": value}


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")
