"""The service: its addresses, and serving them as long as the hub is there."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub._data import DATA_FILES_PATH
from jupyterhub.utils import url_path_join
from tornado.ioloop import PeriodicCallback
from tornado.web import Application

from jvs_core import InputError
from jvs_jupyter.hub.service.actions import ACTIONS, Action
from jvs_jupyter.hub.service.base import Callback, Desk, Look, Missing
from jvs_jupyter.hub.service.metrics import Watch
from jvs_jupyter.hub.service.pages import Everybody, Files, Metrics, Person, Snapshots
from jvs_jupyter.hub.service.sites import Homes, Site, Team
from jvs_jupyter.hub.service.survey import Survey

_LOOK_EVERY_MS = 500
_LOOK = Path(__file__).parent / "look"
_HUB_LOOK = Path(DATA_FILES_PATH) / "static"


def desk(site: Site, prefix: str) -> Desk:
    """Return what the handlers of a site's service share."""
    survey = Survey(site)
    return Desk(site, survey, prefix, Watch(survey, ACTIONS))


def application(desk: Desk) -> Application:
    """Return the service, below the hub's prefix for it."""

    def at(path: str) -> str:
        return str(url_path_join(desk.prefix, path))

    given = {"desk": desk}
    return Application(
        [
            (at("oauth_callback"), Callback),
            (at("look/hub/(css/style.min.css|js/darkmode.js|favicon.ico)"), Look, {"path": str(_HUB_LOOK)}),
            (at("look/(page.css)"), Look, {"path": str(_LOOK)}),
            (at("metrics"), Metrics, given),
            (at("user"), Person, given),
            (at("snapshots"), Snapshots, given),
            (at("files"), Files, given),
            (at("do/([a-z-]+)"), Action, given),
            (desk.prefix.rstrip("/") + "/?", Everybody, given),
        ],
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
        default_handler_class=Missing,
        default_handler_args=given,
        hub_host=os.environ.get("JUPYTERHUB_HOST", ""),
    )


async def serve(root: Path, homes: Path | None = None) -> None:
    """Serve where the hub's environment for a service says, until ended or until the hub that started it is gone.

    One left behind would keep the address from the hub's next start. Raises InputError without a hub.
    """
    try:
        prefix, address = os.environ["JUPYTERHUB_SERVICE_PREFIX"], os.environ["JUPYTERHUB_SERVICE_URL"]
    except KeyError as error:
        raise InputError(
            "only the hub can start this", hint="see docs/guides/jupyterhub.md, 'A page for admins'"
        ) from error
    place = urlsplit(address)
    site: Site = Team(root) if homes is None else Homes(root, homes)
    shared = desk(site, prefix)
    application(shared).listen(place.port or 80, place.hostname or "127.0.0.1")
    hub, gone = os.getppid(), asyncio.Event()

    def look() -> None:
        if os.getppid() != hub:
            gone.set()

    PeriodicCallback(look, _LOOK_EVERY_MS).start()
    until = [asyncio.create_task(gone.wait()), asyncio.create_task(shared.survey.keep())]
    ended, going = await asyncio.wait(until, return_when=asyncio.FIRST_COMPLETED)
    for task in going:
        task.cancel()
    for task in ended:
        task.result()
