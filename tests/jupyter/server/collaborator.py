"""Somebody who has a notebook open in jupyter-collaboration while it is put back. Run as a program, which prints JSON.

``python -m tests.jupyter.server.collaborator ROOT HOW`` in an environment with jupyter-collaboration, which the tests' own
need not be. ``HOW`` is ``workspace``, ``file``, ``undo`` or ``checkpoint``.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

PATH = "team/main/p.ipynb"
TOKEN = "collaborator"
PATIENCE_S = 60.0


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition holds, and return it. Raises TimeoutError, which names it."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):  # noqa: ASYNC110 - a file and another process have no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(what) from None
    return found


class Server:
    """A server with both extensions, and its REST interface."""

    def __init__(self, root: Path) -> None:
        runtime = root.parent / "runtime"
        options = [
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={root}",
            f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.jpserver_extensions={'jvs_jupyter': True, 'jupyter_server_ydoc': True}",
            "--AsyncContentsManager.checkpoints_class=jvs_jupyter.server.checkpoints.JvsCheckpoints",
            "--ServerApp.allow_root=True",
            "--no-browser",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            env={**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime)},
            cwd=root.parent,
            stdout=subprocess.DEVNULL,
            stderr=(root.parent / "server.log").open("wb"),
        )
        self.description = runtime / f"jpserver-{self.process.pid}.json"
        self.base = ""

    async def ready(self) -> None:
        """Wait for the server."""
        await until(self.description.exists, "the server starts")
        self.base = json.loads(self.description.read_text())["url"]

    async def ask(self, method: str, address: str, body: Any = None) -> Any:
        """Send a request and return the JSON of its answer; an operation is waited for."""
        request = HTTPRequest(
            self.base + address,
            method,
            headers={"Authorization": f"token {TOKEN}"},
            body=None if body is None else json.dumps(body),
            allow_nonstandard_methods=True,
        )
        answer = json.loads((await AsyncHTTPClient().fetch(request)).body or b"null")
        while isinstance(answer, dict) and "operation" in answer:
            operation = answer["operation"]
            if operation["state"] not in ("queued", "running"):
                assert operation["state"] == "done", operation
                return operation["result"]
            answer = await self.ask("GET", f"jvs/api/v1/operations/{operation['id']}")
        return answer


class Room:
    """The notebook as all who have it open share it."""

    def __init__(self) -> None:
        from jupyter_ydoc import YNotebook

        self.notebook: Any = YNotebook()
        self.socket: Any = None
        self.task: asyncio.Task[None] | None = None

    async def enter(self, server: Server) -> None:
        """Open the notebook."""
        from pycrdt import create_sync_message

        session = await server.ask(
            "PUT", f"api/collaboration/session/{PATH}", {"format": "json", "type": "notebook"}
        )
        address = server.base.replace("http", "ws", 1) + (
            f"api/collaboration/room/json:notebook:{session['fileId']}?sessionId={session['sessionId']}&token={TOKEN}"
        )
        self.socket = await websocket_connect(address)
        await self.socket.write_message(create_sync_message(self.notebook.ydoc), binary=True)
        self.task = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        from pycrdt import handle_sync_message

        while (message := await self.socket.read_message()) is not None:
            if isinstance(message, bytes) and message[:1] == b"\0":
                answer = handle_sync_message(message[1:], self.notebook.ydoc)
                if answer:
                    await self.socket.write_message(answer, binary=True)

    def shown(self) -> list[str]:
        """Return the sources of the cells."""
        return [str(cell["source"]) for cell in self.notebook.get()["cells"]]

    async def write(self, source: str) -> None:
        """Add a cell."""
        from pycrdt import create_update_message

        cell: dict[str, Any] = {
            "cell_type": "code",
            "id": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        self.notebook.append_cell({**cell, "source": source})
        await self.socket.write_message(create_update_message(self.notebook.ydoc.get_update()), binary=True)


def on_disk(root: Path) -> list[str]:
    """Return the sources of the cells in the file."""
    cells = json.loads((root / PATH).read_bytes())["cells"]
    return ["".join(cell["source"]) for cell in cells]


async def put_back(server: Server, how: str, snapshot: str) -> None:
    """Make the file what the snapshot holds."""
    restore = {"path": "team/main", "snapshot": snapshot, "inplace": True, "confirm": True, "reason": "test"}
    if how == "checkpoint":
        await server.ask("POST", f"api/contents/{PATH}/checkpoints/{snapshot}", {})
    elif how == "undo":
        await server.ask("POST", "jvs/api/v1/undo", {"path": "team/main", "confirm": True})
    else:
        await server.ask(
            "POST", "jvs/api/v1/restores", {**restore, **({"file": "p.ipynb"} if how == "file" else {})}
        )


def notebook(source: str) -> dict[str, Any]:
    """Return a notebook of one cell, as the contents interface takes it."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a1",
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    return {
        "type": "notebook",
        "content": {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }


async def story(server: Server, root: Path, how: str) -> dict[str, Any]:
    """Let two write by turns, and one put back what the other has open; return what was seen."""
    await server.ready()
    await server.ask("PUT", f"api/contents/{PATH}", notebook("x = 1"))
    snapshot = (await server.ask("POST", f"api/contents/{PATH}/checkpoints", {}))["id"]
    await server.ask("PUT", f"api/contents/{PATH}", notebook("x = 2"))
    if how == "undo":
        await put_back(server, "workspace", "HEAD")
    before = ["x = 1"] if how == "undo" else ["x = 2"]
    wanted = ["x = 2"] if how == "undo" else ["x = 1"]
    room = Room()
    await room.enter(server)
    await until(lambda: room.shown() == before, "the room shows the notebook")
    await put_back(server, how, snapshot)
    put = on_disk(root)
    await until(lambda: room.shown() == wanted, "the room shows what was put back")
    await room.write("edited")
    await until(lambda: on_disk(root) != wanted, "the edit is saved")
    room.socket.close()
    return {"put": put, "saved": on_disk(root), "wanted": wanted}


def main() -> None:
    """Play the story and print what was seen."""
    root, how = Path(sys.argv[1]), sys.argv[2]
    server = Server(root)
    try:
        print(json.dumps(asyncio.run(story(server, root, how))))  # noqa: T201 - a program's answer
    finally:
        server.process.terminate()
        server.process.wait()


if __name__ == "__main__":
    main()
