"""What no disk holds: files and file systems that are made up as they are read, some of them without an end."""

from __future__ import annotations

import os

from jvs_core.payload.tree.mounts import current

OF_JUICEFS = frozenset((b".accesslog", b".config", b".jfsstats", b".stats", b".trash"))
_JUICEFS_ROOT, _JUICEFS_INTERNAL = 1, 0x7FFFFFFF00000000  # inode numbers
_KINDS = frozenset(
    {
        "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fuse.lxcfs", "fusectl",
        "mqueue", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
    }
)  # fmt: skip


def names_in(folder: os.stat_result) -> frozenset[bytes]:
    """Return the names of what may be made up in a folder: at the root of a JuiceFS volume that of the client's own files."""
    return OF_JUICEFS if folder.st_ino == _JUICEFS_ROOT else frozenset()


def is_of_juicefs(name: bytes, st: os.stat_result) -> bool:
    """Say whether a JuiceFS client makes up the entry ``name``; its numbers begin where those of a user's files end."""
    return st.st_ino >= _JUICEFS_INTERNAL and name in OF_JUICEFS


class Devices:
    """The devices of which a look at the mounts told what they are."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def made_up(self, device: int) -> str:
        """Return the kind of a file system that the kernel makes up; ``""`` for every other one."""
        if device not in self._known:
            name = f"{os.major(device)}:{os.minor(device)}"
            kinds = (mount.kind for mount in current() if mount.device == name)
            self._known[device] = next((kind for kind in kinds if kind in _KINDS), "")
        return self._known[device]
