"""Starting a process with another user's rights as root; it inherits no file, group or variable of root's.

Whoever owns a process may trace it and use all that it holds. So it gets no terminal (with one, TIOCSTI types into root's
shell), no descriptor but its three, and no folder that its user could not enter by its path.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_STDERR = 2
_prctl = ctypes.CDLL(None).prctl


def python(*module: str) -> list[str]:
    """Return the command line of a Python module that imports nothing from the current folder or its user's home."""
    return [sys.executable, "-P", "-s", "-m", *module]


def apart(
    uid: int, group: int, groups: Sequence[int], *, folders: Sequence[str] = ("/",), elsewhere: str = ""
) -> dict[str, Any]:
    """Return the arguments of a Popen that starts such a process.

    stdin, stdout and stderr are the caller's to set: pipes or the null device. The process works in the first of
    ``folders`` that its user can enter, and writes ``elsewhere`` to stderr where that is not the first; where there is
    none, Popen raises SubprocessError. It dies with the thread that started it.
    """
    return {
        "user": uid,
        "group": group,
        "extra_groups": list(groups),
        "cwd": "/",
        "close_fds": True,
        "start_new_session": True,
        "preexec_fn": _settle(os.getpid(), tuple(folders), elsewhere),
    }


def become(uid: int, group: int, groups: Sequence[int]) -> None:
    """Give up this process's rights for a user's, for good: no program that it runs can have more.

    Until it runs one, the kernel lets nobody but root trace it or see its memory, its user neither.
    """
    os.setgroups(list(groups))
    os.setresgid(group, group, group)
    os.setresuid(uid, uid, uid)
    if _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise PermissionError("this process cannot give up its rights permanently")


def die_with(parent: int) -> None:
    """Let this process die with its parent; after its rights changed, since the kernel forgets it then."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def _settle(parent: int, folders: tuple[str, ...], elsewhere: str) -> Callable[[], None]:
    """Return what the process does between giving up root's rights and becoming its program.

    Not before: the kernel forgets the signal when rights change, and root can enter every folder. Not after: until then
    its user can neither trace it nor see where root works.
    """

    def settle() -> None:
        die_with(parent)
        for folder in folders:
            with suppress(OSError):
                os.chdir(folder)
                if folder != folders[0] and elsewhere:
                    os.write(_STDERR, elsewhere.encode(errors="backslashreplace"))
                return
        raise PermissionError("the user has no folder to work in")

    return settle
