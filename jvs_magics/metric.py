"""Reporting a number that a notebook computed, so that people see it and run records keep it."""

from __future__ import annotations

import json
import numbers
import os
from typing import Any

from jvs_core import InputError
from jvs_core.faults import storage_error

RUN_DIR = "JVS_RUN_DIR"
MIME_TYPE = "application/vnd.jvs.metric+json"


def metric(name: str, value: Any) -> None:
    """Show a value under a name; a recorded run, of a notebook or of a command, keeps it among its metrics.

    Numbers of any kind (NumPy's too), text, booleans and None. The last value under a name counts. Outside IPython
    the line is printed.

    Raises InputError for an empty name or another kind of value.
    """
    if not name.strip() or not name.isprintable():
        raise InputError(f"not a name for a metric: {name!r}", hint='metric("accuracy", 0.93)')
    plain = _plain(name, value)
    _record(name, plain)
    text = f"{name} = {plain}"
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ModuleNotFoundError:
        print(text)  # noqa: T201 - showing the value is what was asked for
        return
    if get_ipython() is None:
        print(text)  # noqa: T201
        return
    display({"text/plain": text, MIME_TYPE: {"name": name, "data": plain}}, raw=True)


def _record(name: str, value: Any) -> None:
    """Add a line to ``$JVS_RUN_DIR/metrics.jsonl`` in a recorded run of a command. Raises NoSpace, EngineFailed."""
    folder = os.environ.get(RUN_DIR)
    if not folder:
        return
    line = json.dumps({"name": name, "value": value}) + "\n"
    try:
        with open(os.path.join(folder, "metrics.jsonl"), "a", encoding="utf-8") as file:
            file.write(line)
    except FileNotFoundError:
        return  # the run is over, and this process outlives it
    except OSError as error:
        raise storage_error(error, f"the metric {name!r} in {folder}") from error


def _plain(name: str, value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if number - number == 0 else str(number)  # JSON has neither NaN nor infinities
    raise InputError(
        f"metric {name!r} is {type(value).__name__}, not a number, text or truth value",
        hint="record one number for each name",
    )
