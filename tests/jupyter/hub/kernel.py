"""A kernel of a user's server, which runs code with the user's rights."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator

from websocket import create_connection

from tests.jupyter.hub.hub import Hub

_PATIENCE_S = 120


@contextlib.contextmanager
def kernel(hub: Hub, user: str, server: str = "") -> Iterator[Callable[[str], str]]:
    """Start a kernel and yield what runs code in it and returns what the code printed; an error is printed too."""
    prefix = "/".join(filter(None, ["user", user, server]))
    started = hub.ask("POST", f"{prefix}/api/kernels", {"name": "python3", "path": ""})
    address = f"ws{hub.url.removeprefix('http')}{prefix}/api/kernels/{started['id']}/channels"
    socket = create_connection(address, timeout=_PATIENCE_S, header=[f"Authorization: token {hub.token}"])

    def run(code: str) -> str:
        asked = uuid.uuid4().hex
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        header = {"msg_id": asked, "msg_type": "execute_request", "session": asked, "username": user}
        request = {"header": {**header, "version": "5.4"}, "parent_header": {}, "metadata": {}}
        socket.send(json.dumps({**request, "content": content, "channel": "shell", "buffers": []}))
        told = ""
        while True:
            answer = json.loads(socket.recv())
            if answer["parent_header"].get("msg_id") != asked:
                continue
            match answer["msg_type"], answer["content"]:
                case "stream", {"text": text}:
                    told += text
                case "error", {"ename": name, "evalue": value}:
                    told += f"{name}: {value}\n"
                case "status", {"execution_state": "idle"}:
                    return told.strip()

    try:
        yield run
    finally:
        socket.close()
        hub.ask("DELETE", f"{prefix}/api/kernels/{started['id']}")
