"""Finding what lies in a payload and is not in its manifest."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable
from pathlib import Path

from jvs_core.errors import JvsError
from jvs_core.payload.tree.faults import EXHAUSTED, GONE, translate
from jvs_core.payload.tree.folders import Folders


def extras(
    root: Path, folders: Iterable[bytes], wanted: Container[bytes]
) -> tuple[set[bytes], dict[bytes, JvsError]]:
    """Return all that ``folders`` of the payload ``root`` hold besides ``wanted``, and the unreadable folders.

    Sockets and devices count too: no snapshot holds them, so somebody put them there. What vanishes meanwhile is left
    out. Raises EngineFailed where the process has no more descriptors or memory.
    """
    found: set[bytes] = set()
    failures: dict[bytes, JvsError] = {}
    waiting = list(folders)
    folder = b""
    try:
        with Folders(root) as opened:
            while waiting:
                folder = waiting.pop()
                try:
                    for name in map(os.fsencode, os.listdir(opened.at(folder))):
                        path = folder + b"/" + name if folder else name
                        if path in wanted:
                            continue
                        st = os.stat(name, dir_fd=opened.at(folder), follow_symlinks=False)
                        found.add(path)
                        if stat.S_ISDIR(st.st_mode):
                            waiting.append(path)
                except OSError as error:
                    if error.errno in EXHAUSTED:
                        raise
                    if error.errno not in GONE:
                        failures[folder] = translate(error, folder, reading=True)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, folder, reading=True) from error
    return found, failures
