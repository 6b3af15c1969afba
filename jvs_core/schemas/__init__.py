"""The JSON schemas of what commands print with ``--json``, one file a command: ``gc.plan.json`` is that of ``jvs gc plan``.

They are made from the code that prints. Fields may be added; none is renamed or taken away. ``error.json`` is that of a
command that failed. ``importlib.resources.files("jvs_core.schemas")`` has the files.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jvs_core.errors import InputError


def names() -> list[str]:
    """Return the names of all schemas: the words of a command, or ``error``."""
    found = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".json").replace(".", " ") for name in found if name.endswith(".json"))


def schema(name: str) -> dict[str, Any]:
    """Return the schema of a command, such as ``gc plan``, or ``error``. Raises InputError where there is none."""
    if name not in names():
        raise InputError(f"no schema for {name!r}", hint=f"one of: {', '.join(names())}")
    found: dict[str, Any] = json.loads(
        (files(__name__) / f"{name.replace(' ', '.')}.json").read_text("utf-8")
    )
    return found
