"""Packages that import a module of theirs when it is first used, so that a command loads only what it works with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attached(
    package: str, homes: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of ``package``: all its modules are attributes, and so are names of some.

    ``homes`` has for a module, such as ``.module``, the names that the package takes from it, in one line of words. What
    was used once is found without either function. The same belongs under ``TYPE_CHECKING``, where it has types.
    """
    home_of = {name: home for home, names in (homes or {}).items() for name in names.split()}
    known = vars(sys.modules[package])

    def attribute(name: str) -> Any:
        if name in home_of:
            known[name] = getattr(import_module(home_of[name], package), name)
            return known[name]
        if not name.startswith("_"):
            try:
                return import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(
            f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package]
        )

    def names() -> list[str]:
        return sorted({*known, *home_of})

    return attribute, names
