"""A process that imports what commands need, once, and forks one of its own for each: ``python -m jvs_jupyter.hub.starter FD``.

It was executed anew with a plain environment, so there is nothing of the hub's in its memory; it reads what the hub asks
for and nothing that a user wrote. What it forks closes every descriptor but the job's two pipes, gives up root's rights
for good before it does anything, and ends with it. It ends when the hub does, or when nobody asked for a while.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel

import jvs_core
from jvs_core.cli.other_user import become, die_with
from jvs_core.validated import Model

T = TypeVar("T")

IDLE_S = 30.0
_LOOK_MS = 1000
_JOB, _STARTED = b"j", b"s"
_SEVERAL = 2  # for a single job it imports no more than that needs
_SLOW = ("conformance", "demo", "__main__")


def main(connection: socket.socket) -> None:
    """Do jobs, one at a time, until there are no more."""
    own, jobs = os.getpid(), 0
    ready = select.poll()
    ready.register(connection, select.POLLIN)
    while ready.poll(IDLE_S * 1000):
        kind, pipes, *_ = socket.recv_fds(connection, 1, 3)
        if kind != _JOB:
            return
        jobs += 1
        if jobs == _SEVERAL:
            _import_all()
            gc.freeze()
        child = os.fork()
        if child == 0:
            _do(own, *pipes)
        for pipe in pipes:
            os.close(pipe)
        if not _awaited(child, connection):
            return


def _awaited(child: int, connection: socket.socket) -> bool:
    """Tell the hub of the child and of its end, and return whether the hub still listens.

    Without the hub the child is killed, and so is one that was stopped.
    """
    handle = os.pidfd_open(child)
    try:
        socket.send_fds(connection, [_STARTED], [handle])
        ready = select.poll()
        ready.register(handle, select.POLLIN)
        ready.register(connection, select.POLLIN)
        while not (ended := ready.poll(_LOOK_MS)):
            if os.waitid(os.P_PID, child, os.WSTOPPED | os.WNOHANG) is not None:
                os.kill(child, signal.SIGKILL)  # its user may stop it, and would hold up who waits for it
        listens = all(fd == handle for fd, _ in ended)
    except OSError:
        listens = False
    finally:
        os.close(handle)
    if not listens:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
        return listens
    return False


def _do(starter: int, job: int, output: int, errors: int) -> None:
    """Become the job's user, do the job, and end."""
    status = 1
    try:
        with os.fdopen(job, "rb") as file:
            asked = json.load(file)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.setsid()
        _become(asked, starter)
        status = _run(asked["module"], asked["words"])
    except BaseException as error:  # noqa: BLE001  # it ends here, whatever it was
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _become(asked: dict[str, Any], starter: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (asked["memory"], asked["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if asked["uid"] is not None:
        become(asked["uid"], asked["gid"], asked["groups"])
    die_with(starter)
    os.chdir("/")
    os.environ.clear()
    os.environ.update(asked["environment"])


def _run(module: str, words: list[str]) -> int:
    """Run a module as ``python -m`` does and return its exit status."""
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _import_all() -> None:
    """Import the core and the hub's commands, and build what reads records, once for all jobs."""
    for module in pkgutil.walk_packages(jvs_core.__path__, "jvs_core."):
        if not any(slow in module.name for slow in _SLOW):
            importlib.import_module(module.name)
    for name in ("cli", "looking", "making"):
        importlib.import_module(f"jvs_jupyter.hub.{name}")
    for one in _below(Model):
        one.model_build()
    for other in _below(BaseModel):
        if other.__module__.startswith("jvs_"):
            other.model_rebuild()


def _below(base: type[T]) -> Iterator[type[T]]:
    for one in base.__subclasses__():
        yield one
        yield from _below(one)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
