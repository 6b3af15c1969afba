"""A real JupyterHub of the test's own, from the guide's example configuration; every process it starts is ended by id."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psutil

from tests.support.machine import Machine
from tests.support.source import PYTHONPATH

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "guides" / "jupyterhub_config.py"
PROXY = Path(__file__).parent / "node_modules" / ".bin"
PASSWORD = "sesame"
_PATIENCE_S = 240.0
_MARK = "JVS_TEST_HUB"

# Extensions that take a server's time to start and are not what is looked at.
_OTHERS = ("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim", "jupyter_server_terminals")

_CONFIG = """
from traitlets import default

from jvs_jupyter.hub import {spawner}

load_subconfig({example!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"


class Spawner({spawner}):
    @default("jvs_homes")
    def own(self):
        return {homes!r} if self.user.name.startswith("own-") else ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.jvs_homes:
            self.jvs_repository = {templates!r}


c.JupyterHub.spawner_class = Spawner
c.JvsSpawnerMixin.jvs_state_dir = {state!r}
c.Spawner.environment = {{"{mark}": "{token}", "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}}
c.Spawner.poll_interval = 1
c.JvsSpawnerMixin.jvs_timeout = 240
c.Spawner.start_timeout = 240
c.Spawner.http_timeout = 240
c.Spawner.args = ["--allow-root", "--ServerApp.jpserver_extensions={others}"]
c.JupyterHub.api_page_max_limit = 2
c.JupyterHub.services = [
    {{"name": "test", "api_token": "{token}"}},
    {{"name": "list", "api_token": "{list_token}"}},
    {{
        "name": "jvs",
        "url": "http://127.0.0.1:{service_port}",
        "command": [{python!r}, "-m", "jvs_core.cli", "--repo", {team!r}, "hub", "serve"],
        "environment": {{"{mark}": "{token}", "PYTHONPATH": {source!r}}},
        "oauth_no_confirm": True,
    }},
]
c.JupyterHub.load_roles = [
    {{
        "name": "test",
        "scopes": ["admin:users", "admin:servers", "access:servers", "admin:groups", "tokens"],
        "services": ["test"],
    }},
    {{"name": "list", "scopes": ["list:users", "read:users:groups", "read:servers"], "services": ["list"]}},
]
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Answer(Exception):
    """What the hub answered with a status above 399."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body[:2000]}")
        self.status = status
        self.body = body


@dataclass
class Hub:
    """A hub below ``folder``, where the repository ``team`` lies too; users called ``own-…`` have one of
    their own.

    What is the hub's own lies in ``home``, which is ``folder`` where none is given. On a ``machine`` its servers run as the machine's users, else as whoever runs the tests. ``list_token`` is of the
    scopes that the guide asks for. ``host`` is the name that it is known by, ``more`` goes into its configuration.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    machine: Machine | None = None
    home: Path | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    list_token: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"
    more: str = ""

    @property
    def place(self) -> Path:
        """Where the hub's own files lie."""
        return self.home or self.folder

    @property
    def own(self) -> Path:
        """Where the repositories of the users' own lie, and ``hub-state`` beside: on a machine where all users can pass."""
        return self.folder / "own" if self.machine is None else self.folder.parent / "own"

    @property
    def owners(self) -> Path:
        """Where root keeps the state of those with whose rights it has something done."""
        return self.own.with_name("owners")

    @property
    def templates(self) -> Path:
        """The repository that homes are made from."""
        return self.folder / "team" if self.machine is None else self.folder.parent / "templates" / "course"

    @property
    def url(self) -> str:
        """The hub's address, with a slash at the end."""
        return f"http://{self.host}:{self.port}/"

    def start(self) -> None:
        """Start the hub, or start it again, and wait until it answers."""
        config = self.place / "test_config.py"
        self.own.mkdir(mode=0o711, exist_ok=True)
        if not config.exists():
            values = {"example": str(EXAMPLE), "port": self.port, "hub_port": _free_port()}
            values |= {"service_port": _free_port(), "python": sys.executable, "source": PYTHONPATH}
            values |= {"others": dict.fromkeys(_OTHERS, False)}
            values |= {"team": str(self.folder / "team")}
            values |= {"proxy_port": _free_port(), "mark": _MARK}
            values |= {"token": self.token, "list_token": self.list_token, "homes": str(self.own)}
            values |= {"templates": str(self.templates)}
            values |= {"state": str(self.own.with_name("hub-state"))}
            values |= {"spawner": f"Jvs{'Simple' if self.machine is None else ''}LocalProcessSpawner"}
            config.write_text(_CONFIG.format(**values) + self.more.format(**values))
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(PROXY), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": PYTHONPATH,
            "JVS_HUB_REPOSITORY": str(self.folder / "team"),
            "JVS_HUB_HOMES": "",
            "JVS_OWNERS_DIR": str(self.owners),
            "JVS_HUB_PASSWORD": PASSWORD,
            _MARK: self.token,
            **self.environment,
        }
        with (self.place / "hub.log").open("ab") as log:
            self.process = self._there(
                subprocess.Popen[bytes],
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=self.place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.until(self._answers, "the hub answers")

    def kill(self) -> None:
        """End the hub with SIGKILL; proxy and servers go on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the hub as an admin does, and see that it ends."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_PATIENCE_S)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the hub's REST interface as an admin. Raises Answer."""
        return self.ask(method, f"hub/api/{path}", body)

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """Ask anything behind the proxy, as an admin or with another's ``token``. Raises Answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"token {token or self.token}",
                "Content-Type": "application/json",
                "Host": f"{self.host}:{self.port}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            raise Answer(error.code, error.read().decode(errors="replace")) from error
        return json.loads(data) if data else None

    def add(self, *users: str) -> None:
        """Make users."""
        self.api("POST", "users", {"usernames": list(users)})

    def spawn(self, user: str, server: str = "") -> None:
        """Start a user's server and wait until it runs. Raises Answer."""
        self.api("POST", f"users/{_quoted(user)}/servers/{_quoted(server)}", {})
        self.until(lambda: self.ready(user, server), f"the server of {user} runs")

    def leave(self, user: str, server: str = "") -> None:
        """Stop a user's server and wait until it is gone."""
        self.api("DELETE", f"users/{_quoted(user)}/servers/{_quoted(server)}", {})
        self.until(lambda: not self.known(user, server), f"the server of {user} is gone")

    def ready(self, user: str, server: str = "") -> bool:
        """Return whether a server runs."""
        return bool(self.api("GET", f"users/{_quoted(user)}")["servers"].get(server, {}).get("ready"))

    def known(self, user: str, server: str = "") -> bool:
        """Return whether the hub has a server that is running, starting or stopping."""
        found = self.api("GET", f"users/{_quoted(user)}")["servers"].get(server)
        return bool(found and (found["ready"] or found["pending"]))

    def jvs(self, user: str, method: str, path: str, body: Any = None, server: str = "") -> Any:
        """Ask the extension of a user's server. Raises Answer."""
        prefix = "/".join(["user", _quoted(user), *([_quoted(server)] if server else [])])
        return self.ask(method, f"{prefix}/jvs/api/v1/{path}", body)

    def done(self, user: str, operation: dict[str, Any], server: str = "") -> dict[str, Any]:
        """Wait for an operation of a user's server and return it."""
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(
                self.jvs(user, "GET", f"operations/{operation['operation']['id']}", server=server)[
                    "operation"
                ]
            )
            return found["state"] not in ("queued", "running")

        self.until(over, "the operation is over")
        return found

    def server_process(self, user: str) -> psutil.Process:
        """Return the process of a user's server."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                environment = process.environ()
                if (
                    environment.get("JUPYTERHUB_USER") == user
                    and "singleuser" in " ".join(process.cmdline())
                    and process.ppid() in (1, self.process.pid if self.process else 1)
                ):
                    return process
        raise AssertionError(f"{user} has no server process")

    def processes(self) -> list[psutil.Process]:
        """Return everything this hub started, itself included, and nothing else."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == self.token:
                    found.append(process)
        return found

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something to become true; the hub's log is told when it does not."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(Answer, OSError):
                if true():
                    return
            if self.process is not None and self.process.poll() not in (None, -signal.SIGKILL):
                break
            time.sleep(0.1)
        raise AssertionError(f"waited in vain until {what}:\n{self.log()[-6000:]}")

    def log(self) -> str:
        """Return what the hub and its servers logged."""
        return (self.place / "hub.log").read_text(errors="replace")

    def _there(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return (
            function(*args, **kwargs) if self.machine is None else self.machine.run(function, *args, **kwargs)
        )

    def _answers(self) -> bool:
        return "version" in self.api("GET", "")


@contextlib.contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Start a hub for the block, and end everything it started."""
    try:
        hub.start()
        yield hub
    finally:
        left = hub.processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in [*alive, *hub.processes()]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if hub.process is not None:
            hub.process.wait(10)


def proxy() -> str | None:
    """Return the path of the hub's proxy; None where it is not installed."""
    return shutil.which("configurable-http-proxy", path=str(PROXY))


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")
