"""Choosing the engine: each is tried on the repository's own file system, cheaply, since every command asks."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import get_args

from jvs_core.errors import EngineUnavailable, InputError
from jvs_core.payload.copy.captured import EngineName
from jvs_core.payload.engines import subvolume
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.content import FICLONE
from jvs_core.payload.tree.mounts import mount_of

AUTO = "auto"
BEST_FIRST: tuple[EngineName, ...] = ("juicefs-clone", "btrfs-snapshot", "reflink-copy", "copy")
PROBE_PREFIX = ".jvs-probe-"

assert set(BEST_FIRST) == set(get_args(EngineName))


def choose(requested: str | None, directory: Path) -> SnapshotEngine:
    """Return the engine ``requested`` by name, or with None or ``auto`` the best one that works in ``directory``.

    ``directory`` is the repository's own ``.jvs``: what works in another place says nothing.

    Raises
    ------
    InputError
        There is no engine of that name.
    EngineUnavailable
        The one asked for cannot work there; no other is taken instead.
    """
    if requested is not None and requested != AUTO:
        name = engine_name(requested)
        probe(name, directory)
        return load(name)
    for name in BEST_FIRST[:-1]:
        with suppress(EngineUnavailable):
            probe(name, directory)
            return load(name)
    return load(BEST_FIRST[-1])


def for_removal(directory: Path) -> SnapshotEngine:
    """Return the engine to remove with in ``directory``: the best that works there knows what all others make."""
    return choose(AUTO, directory)


def engine_name(text: str) -> EngineName:
    """Return ``text`` as the name of an engine; InputError when it is none."""
    for name in BEST_FIRST:
        if text == name:
            return name
    raise InputError(
        f"there is no engine {text!r}",
        hint=f"use {', '.join(BEST_FIRST)}, or {AUTO} for the best that works",
        engine=text,
    )


def probe(name: EngineName, directory: Path) -> None:
    """Return if ``name`` works in ``directory``, else raise EngineUnavailable with the reason. Leaves nothing there."""
    reason, hint = _PROBES[name](directory)
    if reason:
        raise EngineUnavailable(f"{name} cannot work in {directory}: {reason}", hint=hint, engine=name)


def load(name: EngineName) -> SnapshotEngine:
    """Return the engine ``name`` without asking whether it works; only its own module is imported."""
    if name == "juicefs-clone":
        from jvs_core.payload.engines.juicefs_clone import JuicefsClone

        return JuicefsClone(juicefs.find_client() or Path("juicefs"))
    if name == "btrfs-snapshot":
        from jvs_core.payload.engines.btrfs_snapshot import BtrfsSnapshot

        return BtrfsSnapshot()
    if name == "reflink-copy":
        from jvs_core.payload.engines import reflink_copy

        return reflink_copy.ENGINE
    from jvs_core.payload.engines import plain_copy

    return plain_copy.ENGINE


_KNOWN_TO_CLONE = ("xfs", "btrfs")
_CANNOT_TRY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
_OTHERWISE = f"use {AUTO}, which takes the best engine that works there"


def _juicefs(directory: Path) -> tuple[str, str]:
    mount = juicefs.mount_at(directory)
    if mount is None:
        return "it is not on a JuiceFS mount", _OTHERWISE
    if juicefs.find_client() is None:
        return "the program juicefs is not installed", "pip install 'jvs-workspaces[juicefs]'"
    version = juicefs.served_version(mount)
    if version is not None and juicefs.too_old(version):
        return (
            f"JuiceFS {version} serves the mount, but clone needs 1.1 or later",
            "mount the volume with a newer client",
        )
    return "", ""


def _btrfs(directory: Path) -> tuple[str, str]:
    return ("", "") if subvolume.on_btrfs(directory) else ("it is not on btrfs", _OTHERWISE)


def _reflink(directory: Path) -> tuple[str, str]:
    """Clone one block between two files made for it; JuiceFS refuses that and has ``copy_file_range`` instead."""
    with ExitStack() as undo:
        try:
            source, target = (_scratch_file(directory, undo) for _ in range(2))
            with suppress(OSError):
                os.write(source, b"jvs" * 1000)  # on a full disk the clone of an empty file must do
            fcntl.ioctl(target, FICLONE, source)
        except OSError as error:
            mount = mount_of(directory)
            kind = mount.kind if mount is not None else ""
            if kind == juicefs.KIND or (error.errno in _CANNOT_TRY and kind in _KNOWN_TO_CLONE):
                return "", ""
            return f"the file system does not share blocks between files ({error.strerror})", _OTHERWISE
    return "", ""


def _scratch_file(directory: Path, undo: ExitStack) -> int:
    """Open a new file that is gone when ``undo`` is; one without a name where the file system has that."""
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        fd = os.open(directory, flags | os.O_TMPFILE, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
            raise
        path = directory / f"{PROBE_PREFIX}{secrets.token_hex(8)}"
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        undo.callback(path.unlink, missing_ok=True)
    undo.callback(os.close, fd)
    return fd


def _copy(directory: Path) -> tuple[str, str]:
    return "", ""


_PROBES = {"juicefs-clone": _juicefs, "btrfs-snapshot": _btrfs, "reflink-copy": _reflink, "copy": _copy}
