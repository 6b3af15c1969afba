"""``repository.config``: the repository's settings, what they are and where each comes from, and changing one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core import operations
from jvs_core.faults import translated

if TYPE_CHECKING:
    from jvs_core.operations.context import Context
    from jvs_core.results import Setting


class Config:
    """The settings in ``config.toml``, by key: ``timeline.every_s``, ``retention.weekly.keep_last``.

    What was opened before keeps its old settings, except for the automatic history.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @translated
    def all(self) -> list[Setting]:
        """Return every setting with its value, its default and where the value comes from. Raises InputError."""
        return operations.configuration.settings(self._context)

    @translated
    def get(self, key: str) -> Setting:
        """Return one setting. Raises InputError for an unknown key."""
        return operations.configuration.setting(self._context, key)

    @translated
    def set(self, key: str, *values: str) -> Setting:
        """Change a setting to values as you type them; a list takes several values, or none.

        Comments and all other lines of the file stay. Durable and in the log when this returns. Raises InputError for an
        unknown key, a value that makes no sense or a file that is a link, EngineUnavailable.
        """
        return operations.configuration.change(self._context, key, values)

    @translated
    def reset(self, key: str) -> Setting:
        """Remove a setting from the file, so that its default applies. Raises InputError."""
        return operations.configuration.change(self._context, key, None)
