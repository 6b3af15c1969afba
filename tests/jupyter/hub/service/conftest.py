"""The service without a hub: an admin who is logged in already, in both layouts."""

from __future__ import annotations

import asyncio
import html
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from jvs_jupyter.hub.service.application import application, desk
from jvs_jupyter.hub.service.base import Page
from jvs_jupyter.hub.service.sites import Homes, Site, Team

PREFIX = "/services/jvs/"


class Served:
    """A running service, and an admin's browser."""

    def __init__(self, site: Site) -> None:
        self.desk = desk(site, PREFIX)
        self.browser = requests.Session()
        socket, self.port = bind_unused_port()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(socket)))
        self._thread.start()
        self._ready.wait()

    async def _serve(self, socket: Any) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(application(self.desk))
        server.add_sockets([socket])
        self._ready.set()
        await self._over.wait()
        server.stop()
        await server.close_all_connections()

    def close(self) -> None:
        """End the service."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def get(self, page: str = "", /, *, status: int = 200, **query: Any) -> str:
        """Return a page, asked for again as long as it says so, with entities as the characters that they stand for."""
        while True:
            answer = self.browser.get(f"http://127.0.0.1:{self.port}{PREFIX}{page}", params=query)
            assert answer.status_code == status, answer.text
            if "http-equiv" not in answer.text:
                return answer.text

    def do(self, action: str, **form: str) -> str:
        """Press a button and return what the next page says; ``!`` in front of what was refused."""
        token = re.search(r'name="_xsrf" value="([^"]+)"', self.get())
        assert token is not None
        address = f"http://127.0.0.1:{self.port}{PREFIX}do/{action}"
        answer = self.browser.post(address, data={**form, "_xsrf": token[1]})
        assert answer.status_code == 200, answer.text
        said = re.search(r'<p class="alert alert-(\w+)" role="(?:status|alert)">(.*?)</p>', answer.text)
        assert said is not None, answer.text
        return ("!" if said[1] == "danger" else "") + html.unescape(said[2])


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Return what starts the service for a team's repository, or with a folder of homes."""
    monkeypatch.setattr(Page, "get_current_user", lambda _: {"name": "boss"})
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", PREFIX)
    monkeypatch.setenv("JVS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("JVS_CACHE_DIR", str(tmp_path / "cache"))
    running: list[Served] = []

    def start(root: Path = tmp_path, homes: Path | None = None, *, site: Site | None = None) -> Served:
        running.append(Served(site or (Team(root) if homes is None else Homes(root, homes))))
        return running[-1]

    yield start
    for one in running:
        one.close()
