"""The server's session: one holder of locks for the server, its kernels and its terminals."""

from __future__ import annotations

import json
import os
import secrets
from types import TracebackType
from typing import Any

_VARIABLE = "JVS_SESSION"
_WITHOUT_LOCK = "JVS_WITHOUT_LOCK"


def started_without_lock() -> dict[str, Any] | None:
    """Return why a hub started this server without the lock of its worktree, as an error object; None where it did not."""
    try:
        told = json.loads(os.environ.get(_WITHOUT_LOCK, "null"))
    except ValueError:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        return None
    return {name: None if told.get(name) is None else str(told[name]) for name in ("code", "message", "hint")}


class ServerSession:
    """Set ``JVS_SESSION`` for what this process starts, unless whoever started it has; put it back on leaving.

    Kernels and terminals inherit the environment, so that they and the server never shut each other out.
    """

    def __init__(self) -> None:
        self._own: str | None = None

    def __enter__(self) -> str:
        given = os.environ.get(_VARIABLE)
        if given:
            return given
        self._own = f"jupyter-{secrets.token_hex(4)}"
        os.environ[_VARIABLE] = self._own
        return self._own

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own is not None and os.environ.get(_VARIABLE) == self._own:
            del os.environ[_VARIABLE]
