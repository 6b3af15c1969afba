"""A Jupyter server of the test's own: its port, token, folders and settings, ended by its process id."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.source import PYTHONPATH

_START_S = 60.0
_END_S = 15.0
_QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


@dataclass(frozen=True)
class JupyterServer:
    """A running server: its address (with a slash at the end), its token, and the folder it serves."""

    url: str
    token: str
    root: Path
    pid: int

    def address(self, path: str) -> str:
        """Return the address of a page, token included."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self.token}"

    def get(self, path: str) -> bytes:
        """Return what the server answers to an authenticated GET."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body


@contextlib.contextmanager
def jupyter_server(
    folder: Path,
    *,
    app: str = "jupyterlab",
    python: str = sys.executable,
    options: tuple[str, ...] = (),
    **environment: str,
) -> Iterator[JupyterServer]:
    """Run ``python -m app`` (``jupyterlab`` or ``notebook``) with everything it keeps below ``folder``.

    Another ``python`` than this one sees only what is installed for it.
    The served folder is ``folder/root``. The server and its kernels are gone when the block ends.
    """
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    runtime = folder / "runtime"
    token = secrets.token_hex(16)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                python,
                "-m",
                app,
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={_free_port()}",
                f"--ServerApp.root_dir={root}",
                f"--IdentityProvider.token={token}",
                *options,
            ],
            cwd=root,
            env=_environment(folder, runtime, python, environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            url = _wait(process, runtime, token, folder / "server.log")
            yield JupyterServer(url, token, root, process.pid)
        finally:
            _end(process)


def _environment(folder: Path, runtime: Path, python: str, changes: dict[str, str]) -> dict[str, str]:
    config = folder / "config"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    (config / "labconfig" / "page_config.json").write_text(json.dumps(_QUIET))
    own = {
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTER_CONFIG_DIR": config,
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
        "MPLCONFIGDIR": folder / "matplotlib",
    }
    source = {"PYTHONPATH": PYTHONPATH} if python == sys.executable else {}
    return {**os.environ, **{name: str(path) for name, path in own.items()}, **source, **changes}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], runtime: Path, token: str, log: Path) -> str:
    """Return the server's address once it answers; it says itself which port it got."""
    deadline = time.monotonic() + _START_S
    record = runtime / f"jpserver-{process.pid}.json"
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            url = f"http://127.0.0.1:{json.loads(record.read_text())['port']}/"
            request = urllib.request.Request(url + "api/status", headers={"Authorization": f"token {token}"})
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 200:
                    return url
        time.sleep(0.1)
    raise RuntimeError(f"the Jupyter server did not start:\n{log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the server end its kernels; kill its own process group when it does not."""
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_END_S)
