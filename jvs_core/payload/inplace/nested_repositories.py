"""Finding repositories inside a tree, so that nothing replaces or removes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jvs_core.errors import EngineFailed
from jvs_core.faults import DENIED
from jvs_core.payload.inplace.steps import Steps
from jvs_core.payload.tree import juicefs, virtual
from jvs_core.payload.tree.entry import CONTROL, FOLDER
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.walk import LEFT_OUT, Scan
from jvs_core.payload.work.threads import unfold


def repositories(root: Path) -> list[bytes]:
    """Return the folders called ``.jvs`` in the tree ``root``, but for those inside others.

    Folders that vanish meanwhile, may not be listed or are virtual are skipped. Raises EngineFailed, with the path.
    """
    found: list[bytes] = []
    devices = virtual.Devices()

    @contextmanager
    def opened() -> Iterator[Callable[[bytes], Sequence[bytes]]]:
        with Folders(root) as folders:
            yield lambda path: _visit(folders, path, devices, found)

    try:
        unfold(b"", opened, juicefs.THREADS if juicefs.mount_at(root) else 1)
    except OSError as error:
        if error.errno not in (*GONE, *DENIED):
            raise translate(error, os.fsencode(root)) from error
    return sorted(found)


def _visit(folders: Folders, path: bytes, devices: virtual.Devices, found: list[bytes]) -> Sequence[bytes]:
    prefix = path + b"/" if path else b""
    try:
        fd = folders.at(path)
        here = os.fstat(fd)
        if devices.made_up(here.st_dev):
            return ()
        with os.scandir(fd) as listing:
            names = [os.fsencode(item.name) for item in listing if item.is_dir(follow_symlinks=False)]
    except OSError as error:
        if error.errno not in (*GONE, *DENIED):
            raise translate(error, path) from error
        return ()
    found.extend(prefix + name for name in names if name == CONTROL)
    return [prefix + name for name in names if name not in (CONTROL, *virtual.names_in(here))]


def require_free(present: Scan, steps: Steps) -> None:
    """Make sure that ``steps`` replace no repository in ``present``, and sockets and devices by files only.

    Raises EngineFailed, with the paths.
    """
    replaced = {entry.path for entry in steps.clear if entry.kind == FOLDER}
    put = {entry.path for entry in (*steps.fill, *(link.entry for link in steps.link))}
    blocked = [
        path
        for path, kind in present.left_out
        if (kind not in LEFT_OUT.values() and path in put) or path.rpartition(b"/")[0] in replaced
    ]
    if blocked:
        raise EngineFailed(
            f"JVS changed nothing, because it would have to replace what no snapshot can keep: {listed(blocked)}",
            hint="move it away and run the command again",
            paths=blocked,
        )
