"""What every answer of the service has: headers that keep others out, the hub's look, refusals in words."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import url_path_join
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from jvs_core import JvsError
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.service import words
from jvs_jupyter.hub.service.metrics import Watch
from jvs_jupyter.hub.service.sites import Site
from jvs_jupyter.hub.service.survey import Survey
from jvs_jupyter.server.errors import status_for

T = TypeVar("T")
_MOST_NOTES = 500


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("jvs_jupyter.hub.service"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(size=words.size, clock=words.clock, ago=words.ago, in_use=words.in_use)
    return made


@dataclass
class Desk:
    """What the handlers share: the site, what is known of it, and what an action has to say on the next page."""

    site: Site
    survey: Survey
    prefix: str
    watch: Watch
    templates: Environment = field(default_factory=_templates)
    notes: OrderedDict[str, tuple[str, str, str]] = field(default_factory=OrderedDict)

    def note(self, admin: str, kind: str, text: str) -> str:
        """Keep a message for an admin's next page and return its key; others cannot make one up."""
        key = secrets.token_urlsafe(12)
        self.notes[key] = (admin, kind, text)
        while len(self.notes) > _MOST_NOTES:
            self.notes.popitem(last=False)
        return key

    def noted(self, admin: str, key: str) -> tuple[str, str] | None:
        """Return kind and text of a message for this admin."""
        found = self.notes.get(key)
        return found[1:] if found is not None and found[0] == admin else None


class Guarded(RequestHandler):
    """An answer that no other page can frame, that is what it says it is, and that nobody keeps."""

    def set_default_headers(self) -> None:
        """Set the headers, also those of errors and redirects."""
        hub = self.settings.get("hub_host", "")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; "
            f"img-src 'self' data: {hub}; frame-ancestors 'none'",
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")


class Look(Guarded, StaticFileHandler):
    """A style sheet or script of the page's own or the hub's."""


class Callback(Guarded, HubOAuthCallbackHandler):  # type: ignore[misc]  # untyped
    """The end of logging in."""


class Page(HubOAuthenticated, Guarded):  # type: ignore[misc]  # untyped
    """A page for whom the hub lets in, by its access scope."""

    def initialize(self, desk: Desk) -> None:
        """Take what the handlers share."""
        self.desk = desk

    @property
    def admin(self) -> str:
        """Who asks."""
        return str(self.current_user["name"])

    def address(self, *parts: str, **query: str | int | None) -> str:
        """Return the address of a page of the service."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{url_path_join(self.desk.prefix, *parts)}{'?' if given else ''}{urlencode(given)}"

    def asked(self, name: str, otherwise: str = "") -> str:
        """Return a value of the address."""
        return str(self.get_query_argument(name, otherwise))

    def number(self, name: str) -> int:
        """Return a value of the address that counts from 1; anything else is 1."""
        given = self.asked(name, "1")
        return int(given) if given.isascii() and given.isdigit() and int(given[:9]) > 0 else 1

    def show(self, template: str, **values: Any) -> None:
        """Write a page."""
        user = self.current_user
        hub = self.hub_auth
        common = {
            "address": self.address,
            "hub": f"{hub.hub_host}{hub.hub_prefix}",
            "user": user["name"] if user else None,
            "xsrf": self.xsrf_form_html() if user else "",
            "note": self.desk.noted(self.admin, self.asked("note")) if user else None,
            "again": None,
        }
        self.finish(self.desk.templates.get_template(template).render({**common, **values}))

    async def told(self, question: Awaitable[T]) -> T:
        """Return what JVS answers; what it refuses becomes a page that says so. Raises HTTPError."""
        try:
            return await question
        except Refused as refused:
            raise HTTPError(
                int(status_for(refused.code, refused.exit_status)), "%s", said(refused)
            ) from refused

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong, in words, on a page that leads back."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        text = HTTPStatus(status_code).phrase
        if isinstance(error, HTTPError) and error.log_message:
            text = str(error.log_message % error.args if error.args else error.log_message)
        try:
            self.show("problem.html", title=f"{status_code}", text=text)
        except HTTPError:  # who asks is not known, or may not
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(text)


class Missing(Page):
    """What is at no other address."""

    def prepare(self) -> None:
        """Say so."""
        raise HTTPError(404, "There is no such page.")


def said(refused: Refused | JvsError) -> str:
    """Return a refusal in words; hints about options are for the command line."""
    hint = (
        "" if refused.hint is None or "--" in refused.hint or "jvs " in refused.hint else f" ({refused.hint})"
    )
    return f"{refused.message}{hint}"
