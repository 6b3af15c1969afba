"""A control group of the kernel's for one command: what is in it can be ended in one step."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def make() -> Path | None:
    """Make an empty control group below the one of this process and return its folder.

    None where there is no control group of version 2, where this user may make none, as in most sessions and containers, or
    where the kernel cannot end one (before Linux 5.14).
    """
    try:
        own = _own()
        if own is None:
            return None
        made = own / f"jvs-{os.getpid()}-{secrets.token_hex(4)}"
        made.mkdir()
    except OSError:
        return None
    if os.access(made / "cgroup.kill", os.W_OK) and os.access(made / "cgroup.procs", os.W_OK):
        return made
    with suppress(OSError):
        made.rmdir()
    return None


def _own() -> Path | None:
    """Return the folder of this process's control group of version 2."""
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    path = next((line[3:] for line in groups if line.startswith("0::/")), None)
    if path is None or path.startswith("/.."):
        return None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, system = line.partition(" - ")
        if system.startswith("cgroup2 "):
            top, folder = mount.split(" ")[3:5]
            inside = os.path.relpath(path, top)
            return None if inside.startswith("..") else Path(folder, inside)
    return None
