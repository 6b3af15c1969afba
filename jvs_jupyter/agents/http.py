"""The tools over streamable HTTP, on this machine only, for who has the token."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Callable

import anyio
import uvicorn
from mcp.server import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from jvs_core import InputError

HOST = "127.0.0.1"
PATH = "/mcp"
SHORTEST_TOKEN = 16
_END_WITHIN_S = 10


class Guard:
    """Lets requests through that bring ``Authorization: Bearer TOKEN``, and answers all others with 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._may(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            body = json.dumps({"error": "this request needs a token: Authorization: Bearer TOKEN"}).encode()
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def _may(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        return hmac.compare_digest(scheme.lower() + b" " + token.strip(), self._wanted)


def serve(server: Server[object], *, port: int, token: str, ready: Callable[[str], None]) -> None:
    """Serve until a signal ends it; ``ready`` is told the address once it is listening.

    Other hosts, and pages of other origins in a browser here, are refused by their headers too. Raises InputError when the
    port cannot be had or the token could be guessed.
    """
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            f"the token needs {SHORTEST_TOKEN} characters of ASCII or more, without spaces",
            hint='JVS_MCP_TOKEN="$(openssl rand -hex 32)"',
        )
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"cannot listen on port {port}: {error.strerror}", hint="--http 0 takes a free one"
            ) from error
        listening.listen()
        app = Guard(server.streamable_http_app(streamable_http_path=PATH, host=HOST), token)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=_END_WITHIN_S
        )
        ready(f"http://{HOST}:{listening.getsockname()[1]}{PATH}")
        anyio.run(uvicorn.Server(config).serve, [listening])
