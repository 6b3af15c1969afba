"""What every handler does the same way: who may ask, what was asked, answering, and errors."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from jvs_core import JvsError
from jvs_jupyter.server import specification
from jvs_jupyter.server.errors import RequestError, described, forbidden, status_of
from jvs_jupyter.server.operations import Key, Kind, Operation, Subject, Work
from jvs_jupyter.server.paths import Place

if TYPE_CHECKING:
    from jvs_jupyter.server.events import What
    from jvs_jupyter.server.services import Services

PREFIX = "/jvs/api/v1"

P = ParamSpec("P")
T = TypeVar("T")
H = TypeVar("H", bound="Handler")


def route(
    operation_id: str,
) -> Callable[[Callable[Concatenate[H, P], Awaitable[None]]], Callable[Concatenate[H, P], Awaitable[None]]]:
    """Make a method the handler of one operation of the OpenAPI file: authenticated, authorised, its address checked."""

    def mark(
        method: Callable[Concatenate[H, P], Awaitable[None]],
    ) -> Callable[Concatenate[H, P], Awaitable[None]]:
        @functools.wraps(method)
        async def handle(self: H, *args: P.args, **kwargs: P.kwargs) -> None:
            self.operation_id = operation_id
            try:
                for name, value in kwargs.items():
                    specification.check_part(operation_id, "path", name, str(value))
                await method(self, *args, **kwargs)
            except (JvsError, RequestError) as error:
                self.refuse(error)
            except PermissionError as error:
                self.refuse(forbidden(f"{error.filename}: {error.strerror}"))
            except StreamClosedError:
                return  # the client went away; there is nobody to answer

        handle.operation_id = operation_id  # type: ignore[attr-defined]  # for the test against the OpenAPI file
        guarded: Any = web.authenticated(authorized(handle))
        return cast("Callable[Concatenate[H, P], Awaitable[None]]", guarded)

    return mark


class Handler(APIHandler):
    """The base of all handlers; they are thin: read what was asked, call the repository in a thread, answer."""

    auth_resource = "jvs"
    operation_id = ""

    @property
    def services(self) -> Services:
        """What the handlers share."""
        found: Services = self.settings["jvs_services"]
        return found

    def query(self) -> dict[str, Any]:
        """Return the query parameters, checked, with defaults."""
        return specification.read_query(self.operation_id, self.request.query_arguments)

    def body(self, most: int = specification.LARGEST_BODY) -> dict[str, Any]:
        """Return the JSON object sent, of no more than ``most`` bytes, checked, with defaults."""
        return specification.read_body(self.operation_id, self.request.body, most)

    async def place(self, path: str) -> Place:
        """Return the place of a contents path, and note that somebody works there."""
        place = await self.services.call(self.services.root.place, path)
        self.services.keeper.touch(place)
        return place

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that touches the disk in a reading thread."""
        return await self.services.call(function, *args, **kwargs)

    async def may_write(self) -> bool:
        """Return whether the user may change anything."""
        answer = self.authorizer.is_authorized(self, self.current_user, "write", self.auth_resource)
        return bool(await ensure_async(answer))

    def answer(self, value: Any, status: int = HTTPStatus.OK) -> None:
        """Answer with a JSON value."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(encode(value))

    def refuse(self, error: JvsError | RequestError) -> None:
        """Answer with the contract's error object."""
        self.answer({"error": error.to_json()}, status_of(error))

    def key(self) -> Key | None:
        """Return the request's ``Idempotency-Key``. Raises RequestError (422) for one that is none."""
        given = self.request.headers.get("Idempotency-Key")
        if given is None:
            return None
        specification.check_part(self.operation_id, "header", "Idempotency-Key", given)
        sent = json.dumps(json.loads(self.request.body), sort_keys=True)
        # Whoever sends the token gets a new name with each request; all of them are its owner.
        user = "" if self.token_authenticated else self.current_user.username
        return Key(user, given, f"{self.operation_id} {sent}")

    def start(self, kind: Kind, place: Place, work: Work, *, exclusive: bool, key: Key | None) -> Operation:
        """Begin an operation on the place's worktree; an ``exclusive`` one waits for its turn there."""
        repository = place.repository
        subject = Subject(repository.repo_id, place.worktree, place.worktree_path)
        turn = (repository.root, place.worktree) if exclusive else None
        return self.services.operations.start(kind, subject, work, turn=turn, key=key)

    def accept(self, operation: Operation) -> None:
        """Answer 202 with an operation and where to ask for it."""
        self.set_header("Location", f"{self.base_url.rstrip('/')}{PREFIX}/operations/{operation.id}")
        self.answer({"operation": operation.to_json()}, HTTPStatus.ACCEPTED)

    async def accept_or_answer(self, operation: Operation, status: int) -> None:
        """Answer with an operation's result when it is there soon, else as ``accept``. Raises what it raised."""
        try:
            await asyncio.wait_for(operation.over.wait(), self.services.answer_within_s)
        except TimeoutError:
            return self.accept(operation)
        if operation.failure is not None:
            raise operation.failure
        if status == HTTPStatus.NO_CONTENT:
            self.set_status(status)
            self.finish()
            return None
        return self.answer(operation.result, status)

    def changed(self, what: What, place: Place) -> None:
        """Tell subscribers that something of the place's repository changed."""
        self.services.events.changed(what, place)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what tornado or Jupyter refused with the contract's error object; never a trace."""
        raised = kwargs.get("exc_info", (None, None, None))[1]
        reason = responses.get(status_code, "unknown error")
        if isinstance(raised, web.HTTPError) and raised.log_message and status_code < 500:
            reason = raised.log_message
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self._allowed()))
        self.set_header("Cache-Control", "no-store")
        self.finish(encode({"error": described(status_code, reason).to_json()}))

    def _allowed(self) -> list[str]:
        methods = ("get", "head", "post", "patch", "delete")
        return [name.upper() for name in methods if name in vars(type(self))]


class Unknown(Handler):
    """Whatever lies below the prefix and is no route."""

    async def prepare(self, **kwargs: Any) -> None:
        """Refuse, once it is known who asks."""
        await super().prepare(**kwargs)
        if self.current_user is None:
            raise web.HTTPError(HTTPStatus.FORBIDDEN)
        raise web.HTTPError(HTTPStatus.NOT_FOUND, "no such route")


def encode(value: Any) -> str:
    """Return a value as JSON; bytes that are not UTF-8 stay escaped as the contract has them."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
