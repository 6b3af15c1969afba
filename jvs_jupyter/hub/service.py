"""A page for admins, as a service of the hub: who has what, start over from a template, bring a snapshot back."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from jupyterhub.utils import url_path_join
from tornado.ioloop import PeriodicCallback
from tornado.template import Template
from tornado.web import Application, HTTPError, RequestHandler, authenticated

from jvs_core import InputError, JvsError, Repository
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.provision import as_admin, person_of
from jvs_jupyter.hub.report import age, usage
from jvs_jupyter.server.errors import status_of

T = TypeVar("T")

_SHOWN = 50
_LOOK_EVERY_MS = 500
_PAGE = Template(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; }
form { display: inline; }
.told { padding: .6rem 1rem; border-left: .3rem solid #2a7; background: #2a71; }
</style></head><body>
<h1>{{ title }}</h1>
{% if told %}<p class="told" role="status">{{ told }}</p>{% end %}
{% if back %}<p><a href="{{ back }}">All worktrees</a></p>{% end %}
<table><thead><tr>{% for head in heads %}<th scope="col">{{ head }}</th>{% end %}<th></th></tr></thead><tbody>
{% for row in rows %}<tr>{% for cell in row["cells"] %}<td>{{ cell }}</td>{% end %}<td>
{% if row["link"] %}<a href="{{ row["link"] }}">Snapshots</a>{% end %}
<form method="post">{% raw xsrf %}
{% for name, value in row["fields"].items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% end %}
{% if row["choices"] %}<select name="template" aria-label="Template">
{% for choice in row["choices"] %}<option>{{ choice }}</option>{% end %}</select>{% end %}
<button>{{ row["does"] }}</button></form></td></tr>
{% end %}</tbody></table></body></html>
"""
)


class Page(HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # untyped
    """Every worktree, and the one form that starts it over. Who may enter is the hub's to say, by its access scope."""

    def initialize(self, root: Path, prefix: str) -> None:
        """Take what the application gives every handler."""
        self.root = root
        self.prefix = prefix

    @authenticated
    async def get(self) -> None:
        """Show all worktrees."""
        await self.show()

    @authenticated
    async def post(self) -> None:
        """Start one over from the chosen template."""
        worktree, template = self.get_body_argument("worktree"), self.get_body_argument("template")
        done = await self.in_thread(self._reset, worktree, template)
        kept = f"; what was there is in {done.kept_as}" if done.kept_as else ", which it was already"
        await self.show(f"{done.person.user} starts from {template}{kept}.")

    async def show(self, told: str = "") -> None:
        """Write the page."""
        self.finish(await self.in_thread(self._page, told))

    def opened(self) -> Repository:
        """Return the repository, as the admin who asks; the audit log names them."""
        return Repository(self.root, settings=as_admin(self.current_user["name"]))

    async def in_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Run what touches the disk in a thread; what JVS refuses becomes the answer. Raises HTTPError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(None, partial(function, *args))
        except JvsError as error:
            raise HTTPError(status_of(error), error.message.replace("%", "%%"), reason=error.code) from error

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what JVS refused, in words."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(str(getattr(error, "log_message", None) or f"error {status_code}"))

    def _reset(self, worktree: str, template: str) -> lifecycle.Changed:
        repository = self.opened()
        info = repository.worktrees.get(worktree)
        person = person_of(info)
        if person is None:
            raise InputError(f"worktree {worktree!r} is no user's")
        return lifecycle.reset(repository, person, info, template=template)

    def _page(self, told: str) -> bytes:
        repository = self.opened()
        templates = [ref.name for ref in repository.refs.all()] or ["HEAD"]
        rows = [
            {
                "cells": (row.user, row.server, f"{row.files:,}", f"{row.bytes / 1e6:,.1f} MB",
                          age(row.last_snapshot_at) if row.own_snapshot else "template", row.holder or row.lock_state),
                "link": url_path_join(self.prefix, "worktrees", row.worktree),
                "fields": {"worktree": row.worktree},
                "choices": templates,
                "does": "Reset",
            }
            for row in sorted(usage(repository), key=lambda row: (row.user, row.server))
        ]  # fmt: skip
        heads = ("User", "Server", "Files", "Size", "Last snapshot", "Lock")
        return _PAGE.generate(
            title="Worktrees", told=told, back="", heads=heads, rows=rows, xsrf=self.xsrf_form_html()
        )


class Snapshots(Page):
    """The newest snapshots of one worktree, each of which can be put back as a new worktree."""

    @authenticated
    async def get(self, worktree: str) -> None:
        """Show them."""
        self.finish(await self.in_thread(self._snapshots, worktree, ""))

    @authenticated
    async def post(self, worktree: str) -> None:
        """Put one back, as a worktree beside the others."""
        made = await self.in_thread(self._restore, self.get_body_argument("snapshot"))
        self.finish(await self.in_thread(self._snapshots, worktree, f"Restored to {made}."))

    def _restore(self, snapshot: str) -> str:
        return self.opened().restore(snapshot).worktree

    def _snapshots(self, worktree: str, told: str) -> bytes:
        found = [item.descriptor for item in self.opened().history(worktree, limit=_SHOWN)]
        rows = [
            {
                "cells": (one.created_at, one.note, ", ".join(one.tags), f"{one.files:,}", one.holder_id),
                "link": "",
                "fields": {"snapshot": one.snapshot_id},
                "choices": (),
                "does": "Restore beside",
            }
            for one in found
        ]
        return _PAGE.generate(
            title=f"Snapshots of {worktree}",
            told=told,
            back=self.prefix,
            heads=("Taken", "Note", "Tags", "Files", "By"),
            rows=rows,
            xsrf=self.xsrf_form_html(),
        )


def application(root: Path, prefix: str) -> Application:
    """Return the service for the repository at ``root``, below the hub's ``prefix`` for it."""
    given = {"root": root, "prefix": prefix}
    return Application(
        [
            (url_path_join(prefix, "oauth_callback"), HubOAuthCallbackHandler),
            (url_path_join(prefix, r"worktrees/([A-Za-z0-9._-]+)"), Snapshots, given),
            (prefix.rstrip("/") + "/?", Page, given),
        ],
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
    )


async def serve(root: Path) -> None:
    """Serve where the hub's environment for a service says, until ended or until the hub that started it is gone.

    One left behind would keep the address from the hub's next start. Raises InputError without a hub.
    """
    try:
        prefix, address = os.environ["JUPYTERHUB_SERVICE_PREFIX"], os.environ["JUPYTERHUB_SERVICE_URL"]
    except KeyError as error:
        raise InputError(
            "this is for the hub to start", hint="see docs/guides/jupyterhub.md, 'A page for admins'"
        ) from error
    place = urlsplit(address)
    application(root, prefix).listen(place.port or 80, place.hostname or "127.0.0.1")
    hub, gone = os.getppid(), asyncio.Event()

    def look() -> None:
        if os.getppid() != hub:
            gone.set()

    PeriodicCallback(look, _LOOK_EVERY_MS).start()
    await gone.wait()
