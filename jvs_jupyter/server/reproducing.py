"""Running a recorded run again in a process of its own: what it runs cannot harm the server, and Ctrl-C reaches it alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_jupyter.runs.reproduce import together
from jvs_jupyter.server.errors import RequestError, described, status_for
from jvs_jupyter.server.progress import Cancelled, Receiver

_LOOK_EVERY_S = 0.25
_PATIENCE_S = 60.0
_VERDICTS = (0, 20, 21)
_JVS = (sys.executable, "-P", "-m", "jvs_core.cli")


def reproduce(root: Path, run_id: str, times: int, progress: Receiver) -> dict[str, Any]:
    """Run a run of the repository at ``root`` again and return what ``jvs run reproduce --json`` says.

    Between two of several ``times``, and during each, ``progress`` may cancel it: the run under way is interrupted, and its
    record says so. Raises Cancelled, RequestError.
    """
    found = []
    progress.started("reproduce", times)
    for _ in range(times):
        found.append(_once(root, run_id, progress))
        progress.advanced()
    progress.finished("reproduce")
    return found[0] if times == 1 else together(found)


def _once(root: Path, run_id: str, progress: Receiver) -> dict[str, Any]:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [*_JVS, "--repo", str(root), "--json", "run", "reproduce", "--", run_id],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait(child, progress)
        finally:
            _end(child)
        said.seek(0)
        return _answer(said.read(), child.returncode)


def _wait(child: subprocess.Popen[bytes], progress: Receiver) -> None:
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_EVERY_S)
            return
        progress.advanced(0)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt what still runs, and kill it where it does not end."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _answer(said: bytes, exit_status: int) -> dict[str, Any]:
    try:
        value = json.loads(said)
    except ValueError:
        raise described(500, f"jvs run reproduce ended with status {exit_status} and no message") from None
    if exit_status in _VERDICTS:
        return dict(value)
    if exit_status == 130:
        raise Cancelled
    error = value["error"]
    raise RequestError(status_for(error["code"], exit_status), error["code"], error["message"], error["hint"])
