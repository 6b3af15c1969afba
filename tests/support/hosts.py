"""Hosts of one shared volume, played by child processes: each reads its ids where the system keeps them.

A machine is a mount namespace in which other files lie over ``/etc/machine-id`` and the kernel's boot id; a container is
a process id namespace with its own ``/proc``; an uptime is the offset of a time namespace. The host's name is the same
for all. Needs root.
"""

from __future__ import annotations

import ctypes
import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core import Repository, clock
from jvs_core.control import process
from tests.crash import children
from tests.crash.children import Child

Work = Callable[[Repository], object]
BOOT_ID = "/proc/sys/kernel/random/boot_id"
MACHINE_ID = "/etc/machine-id"
_NEWNS, _NEWPID, _NEWTIME = 0x20000, 0x20000000, 0x80
_BIND, _REC, _SLAVE = 0x1000, 0x4000, 0x80000
_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
# In a container: where a process asks to be stopped, and where it hears that it goes on.
_asking: list[int] = []


@dataclass(frozen=True)
class Host:
    """A host that sees the repository at ``root`` and keeps its user's state below ``place``.

    Ids that are None are those of the real machine, and so is an ``uptime_s`` of None.
    """

    root: Path
    place: Path
    machine_id: str | None = field(default_factory=lambda: uuid.uuid4().hex)
    boot_id: str | None = field(default_factory=lambda: str(uuid.uuid4()))
    contained: bool = False
    uptime_s: int | None = None

    def fork(self, work: Work) -> Child:
        """Begin ``work`` on the repository in a process of this host. Always wait for its ``outcome``."""
        self.place.mkdir(exist_ok=True)
        return children.fork(lambda: self._enter(work))

    def run(self, work: Work) -> str:
        """Do ``work`` on the repository in a process of this host and return its outcome."""
        return self.fork(work).outcome()

    def _enter(self, work: Work) -> object:
        _call(_libc.unshare(_NEWNS))
        _mount(None, "/", None, _REC | _SLAVE)
        if self.uptime_s is not None:
            _call(_libc.unshare(_NEWTIME))
            offset = self.uptime_s - clock.boot_ms() // 1000
            Path("/proc/self/timens_offsets").write_text(f"boottime {offset} 0\n")
            with open("/proc/self/ns/time_for_children") as namespace:
                _call(_libc.setns(namespace.fileno(), _NEWTIME))
        if not self.contained:
            return self._work(work)
        _call(_libc.unshare(_NEWPID))
        ask, go = os.pipe(), os.pipe()

        def first() -> object:
            _call(_libc.prctl(_PDEATHSIG, signal.SIGKILL))
            for end in (ask[0], go[1]):
                os.close(end)
            _mount("proc", "/proc", "proc", 0)
            _asking[:] = [ask[1], go[0]]
            return self._work(work)

        child = children.fork(first)
        for end in (ask[1], go[0]):
            os.close(end)
        while os.read(ask[0], 1):
            os.kill(child.pid, signal.SIGSTOP)
            child.wait_until_stopped()
            children.stop()
            child.resume()
            os.write(go[1], b".")
        return children.Outcome(child.outcome())

    def _work(self, work: Work) -> object:
        for own, where in ((self.machine_id, MACHINE_ID), (self.boot_id, BOOT_ID)):
            if own is not None:
                source = self.place / Path(where).name
                source.write_text(f"{own}\n")
                _mount(str(source), where, None, _BIND)
        process._machine_id.cache_clear()  # the parent may have asked
        os.environ.update(JVS_STATE_DIR=str(self.place / "state"), JVS_CACHE_DIR=str(self.place / "cache"))
        return work(Repository.open(self.root))


def stop() -> None:
    """Stop this process until somebody sends SIGCONT to the child that stands for its host.

    The first process of a container cannot stop itself.
    """
    if not _asking:
        children.stop()
        return
    os.write(_asking[0], b".")
    os.read(_asking[1], 1)


def _mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    names = [None if name is None else os.fsencode(name) for name in (source, target, kind)]
    _call(_libc.mount(*names, flags, None))


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
