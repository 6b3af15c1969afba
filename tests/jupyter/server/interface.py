"""Asking a server as a browser does, every answer checked against the OpenAPI file."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

from jsonschema import Draft202012Validator
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httputil import HTTPHeaders

from jvs_jupyter.server import specification

PREFIX = "jvs/api/v1"


@dataclass(frozen=True)
class Answer:
    """A status, headers, and the JSON or bytes of a body."""

    status: int
    headers: HTTPHeaders
    data: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.data)

    @property
    def code(self) -> str:
        """The code of the error object."""
        return str(self.json["error"]["code"])


@dataclass(frozen=True)
class Interface:
    """The REST interface of one server."""

    client: AsyncHTTPClient
    base: str
    headers: dict[str, str]

    async def raw(
        self, method: str, address: str, *, headers: dict[str, str] | None = None, body: str | None = None
    ) -> Answer:
        """Send a request to an address below the prefix, as it is."""
        response: HTTPResponse = await self.client.fetch(
            f"{self.base}{PREFIX}/{address}",
            method=method,
            headers=self.headers if headers is None else headers,
            body=body,
            raise_error=False,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            request_timeout=60,
        )
        return Answer(response.code, response.headers, response.body or b"")

    async def ask(
        self,
        method: str,
        route: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send a request and hold the answer against the OpenAPI file."""
        parts = "&".join(f"{name.rstrip('_')}={_quoted(value)}" for name, value in query.items())
        answer = await self.raw(
            method,
            f"{route}?{parts}" if parts else route,
            headers={**self.headers, **(headers or {})},
            body=None if body is None else json.dumps(body),
        )
        check(method, route, answer)
        return answer

    async def done(self, answer: Answer) -> dict[str, Any]:
        """Wait for the operation of a 202 and return it."""
        assert answer.status == 202, answer.data
        operation_id = answer.json["operation"]["id"]
        assert answer.headers["Location"].endswith(f"/{PREFIX}/operations/{operation_id}")
        while True:
            operation: dict[str, Any] = (await self.ask("GET", f"operations/{operation_id}")).json[
                "operation"
            ]
            if operation["state"] not in ("queued", "running"):
                return operation
            await asyncio.sleep(0.02)

    async def snapshot(self, path: str, note: str = "", **fields: Any) -> dict[str, Any]:
        """Take a snapshot and return its descriptor."""
        operation = await self.done(
            await self.ask("POST", "snapshots", {"path": path, "note": note, **fields})
        )
        assert operation["state"] == "done", operation
        result: dict[str, Any] = operation["result"]
        return result


def check(method: str, route: str, answer: Answer) -> None:
    """Hold an answer against what the OpenAPI file says of its route."""
    item = specification.document()["paths"][template(route)]
    responses = item[method.lower()]["responses"]
    response = responses.get(str(answer.status)) or responses["default"]
    response = _followed(response)
    content = response.get("content", {})
    if not content:
        assert answer.data == b"", answer.data
        return
    (kind, described), *_ = content.items()
    assert answer.headers["Content-Type"].split(";")[0] == kind, answer.headers["Content-Type"]
    if kind == "application/json":
        schema = {**described["schema"], "components": specification.document()["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json)
    for name in response.get("headers", {}):
        assert name in answer.headers


def template(route: str) -> str:
    """Return the path of the OpenAPI file that an address belongs to."""
    path = "/" + urlsplit(route).path.strip("/")
    for known in specification.document()["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path):
            return str(known)
    raise LookupError(route)


def _followed(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    found: Any = specification.document()
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _quoted(value: Any) -> str:
    if isinstance(value, bytes):
        return quote_from_bytes(value, safe="")
    return quote(
        {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value),
        safe="",
    )
