"""Settings of a repository, as they count, and where each comes from."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result

Value = bool | int | str | list[str] | None


class Setting(Result):
    """One setting: the ``value`` that applies, its ``default``, and the source of the value.

    ``source`` is ``default``, ``config.toml`` or ``environment``. For ``environment``, ``variable`` names the
    variable.
    """

    key: str
    value: Value
    default: Value
    source: Literal["default", "config.toml", "environment"]
    variable: str | None = None
