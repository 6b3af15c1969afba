"""One mapping of errors to HTTP, and the errors that only a server has."""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Any

from jvs_core import JvsError

_BY_EXIT_STATUS = {
    2: HTTPStatus.BAD_REQUEST,
    3: HTTPStatus.NOT_FOUND,
    4: HTTPStatus.CONFLICT,
    5: HTTPStatus.CONFLICT,
    6: HTTPStatus.CONFLICT,
    7: HTTPStatus.CONFLICT,
}
_BY_CODE = {
    "E_UNTRUSTED_REPOSITORY": HTTPStatus.FORBIDDEN,
    "E_OUTSIDE_ROOT": HTTPStatus.FORBIDDEN,
    "E_NO_SPACE": HTTPStatus.INSUFFICIENT_STORAGE,
    "E_ENGINE_FAILED": HTTPStatus.INTERNAL_SERVER_ERROR,
}


class RequestError(Exception):
    """A request that the server refuses by itself; ``to_json`` is the command line's error object."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[RequestError], tuple[int, str, str, str | None]]:
        return type(self), (self.status, self.code, self.message, self.hint)

    def to_json(self) -> dict[str, Any]:
        """Return code, message and hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


def bad_input(message: str, hint: str | None = None) -> RequestError:
    """Return the refusal of a request whose values do not go together, or are none that exist."""
    return RequestError(HTTPStatus.BAD_REQUEST, "E_USAGE", message, hint)


def invalid(message: str) -> RequestError:
    """Return the refusal of a request that the OpenAPI file does not allow."""
    return RequestError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "E_USAGE", message, "see jvs_jupyter/server/openapi.yaml"
    )


def escape(message: str) -> RequestError:
    """Return the refusal of a path that leads out of where it may point."""
    return RequestError(HTTPStatus.BAD_REQUEST, "E_PATH_ESCAPE", message)


def forbidden(message: str, hint: str | None = None) -> RequestError:
    """Return the refusal of what this server, or this user, may not do."""
    return RequestError(HTTPStatus.FORBIDDEN, "E_FORBIDDEN", message, hint)


def status_of(error: JvsError | RequestError) -> int:
    """Return the HTTP status that goes with an error; 500 only where nobody's request is to blame."""
    if isinstance(error, RequestError):
        return int(error.status)
    cause = error.__cause__  # a shared repository holds what its other users closed; a mount may be read-only
    if isinstance(cause, PermissionError) or (isinstance(cause, OSError) and cause.errno == errno.EROFS):
        return int(HTTPStatus.FORBIDDEN)
    return status_for(error.code, error.exit_status)


def status_for(code: str, exit_status: int) -> int:
    """Return the HTTP status that goes with an error of the command line."""
    found = _BY_CODE.get(code) or _BY_EXIT_STATUS.get(exit_status)
    return int(found or HTTPStatus.INTERNAL_SERVER_ERROR)


def described(status: int, reason: str) -> RequestError:
    """Return the error of a bare HTTP status, as raised by tornado or Jupyter before a handler ran."""
    code = {400: "E_USAGE", 403: "E_FORBIDDEN", 500: "E_INTERNAL"}.get(status, "E_HTTP")
    return RequestError(status, code, reason)
