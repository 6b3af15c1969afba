"""Parameters in a record: as JSON, from which every value comes back as it was."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jvs_core import InputError

TAG = "$jvs"
_PATH = type(Path())
_FORMS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    date: ("date", date.isoformat),
    datetime: ("datetime", datetime.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda span: [span.days, span.seconds, span.microseconds]),
    Decimal: ("decimal", str),
    bytes: ("bytes", lambda data: base64.b64encode(data).decode()),
}
_BACK: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda parts: timedelta(*parts),
    "decimal": Decimal,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "path": lambda text: Path(decoded(text)),
    "text": lambda escaped: escaped.encode("ascii").decode("unicode_escape"),
    "tuple": lambda items: tuple(decoded(items)),
    "set": lambda items: set(decoded(items)),
    "frozenset": lambda items: frozenset(decoded(items)),
    "dict": lambda items: {key: decoded(item) for key, item in items.items()},
    "items": lambda pairs: {decoded(key): decoded(item) for key, item in pairs},
}
_MANY: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
_NUMBERS = "biuf"
_WORDS: dict[str, Any] = {"True": True, "False": False, "None": None}


def encoded(value: Any, name: str = "") -> Any:
    """Return a value as JSON. What JSON has no form for is ``{"$jvs": KIND, "value": …}``.

    A number of NumPy's stands as Python's. Raises InputError, which names the parameter, for a value that would not come
    back.
    """

    def part(item: Any) -> Any:
        return encoded(item, name)

    if value is None or isinstance(value, bool | str | int | float):
        return _plain(value)
    if isinstance(value, list):
        return [part(item) for item in value]
    if isinstance(value, dict):
        return _of_dict(value, part)
    if type(value) in _MANY:
        items = [part(item) for item in value]
        return _tagged(_MANY[type(value)], items if type(value) is tuple else _sorted(items))
    if type(value) is _PATH:
        return _tagged("path", part(str(value)))
    if type(value) in _FORMS:
        kind, form = _FORMS[type(value)]
        found = _tagged(kind, form(value))
        if repr(decoded(found)) == repr(value):  # an hour may belong to a place, or come twice on a day
            return found
    number = _of_numpy(value)
    if number is not None:
        return _plain(number)
    raise InputError(
        f"parameter {name!r} is or holds a {type(value).__qualname__}, which a record cannot keep unchanged",
        hint="pass text, numbers, lists, tuples, sets, dictionaries, bytes, dates or paths",
    )


def encoded_all(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by name, each as ``encoded`` gives it. Raises InputError."""
    return {str(name): _whole(str(name), value) for name, value in parameters.items()}


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
        return back(value["value"])
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        return value


def decoded_all(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by name, each as it was."""
    return {name: decoded(value) for name, value in parameters.items()}


def _whole(name: str, value: Any) -> Any:
    try:
        return encoded(value, name)
    except RecursionError:
        raise InputError(f"parameter {name!r} contains itself, or is nested too deep") from None


def _of_dict(value: dict[Any, Any], part: Callable[[Any], Any]) -> Any:
    if not all(isinstance(key, str) and _is_unicode(key) for key in value):
        return _tagged("items", [[part(key), part(item)] for key, item in value.items()])
    found = {str.__str__(key): part(item) for key, item in value.items()}
    return _tagged("dict", found) if TAG in found else found


def _sorted(items: Iterable[Any]) -> list[Any]:
    """Return the items of a set in one order, whatever this process's is."""
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def _of_numpy(value: Any) -> bool | int | float | None:
    """Return a number of NumPy's, or of what follows its protocol, as Python's; None for anything else."""
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return None
    if getattr(getattr(value, "dtype", None), "kind", _NUMBERS[0]) not in _NUMBERS:
        return None
    number = value.item()
    return number if type(number) in (bool, int, float) else None


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


def typed(text: str) -> Any:
    """Return the value that a text on a command line stands for: True, False, None, a number, else the text."""
    if text in _WORDS:
        return _WORDS[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def as_word(value: Any) -> str:
    """Return a value as a word of a command: text as it is, lists and dictionaries as JSON, everything else as Python."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
