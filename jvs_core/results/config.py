"""Settings of a repository, as they count, and where each comes from."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result

Value = bool | int | str | list[str] | None


class Setting(Result):
    """One setting: the ``value`` that counts, its ``default``, and where the value comes from.

    ``source`` is ``default``, ``config.toml`` or ``environment``, with the variable that says so in ``variable``.
    """

    key: str
    value: Value
    default: Value
    source: Literal["default", "config.toml", "environment"]
    variable: str | None = None
