"""The server's session: one holder of locks for the server, its kernels and its terminals."""

from __future__ import annotations

import os
import secrets
from types import TracebackType

_VARIABLE = "JVS_SESSION"


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
