"""The modes of what is cloned from a snapshot's payload, whose files are sealed: those that its manifest has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jvs_core.errors import JvsError
from jvs_core.payload import manifest
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.sealing import sealed

_WRITE = 0o222


def unsealed(source: Path, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return ``entries`` of the folder ``source``, with write bits where it is a payload and its manifest has them.

    Other bits stay as they are, whatever the manifest says. One that cannot be read changes nothing.
    """
    if source.name != "payload" or not (source.parent / ".READY").exists():
        return entries
    modes: dict[bytes, int] = {}
    with suppress(JvsError, OSError):
        modes = {
            entry.path: entry.mode
            for entry in manifest.read(source.parent / "manifest")
            if entry.kind == FILE
        }
    return [
        entry._replace(mode=entry.mode | modes[entry.path] & _WRITE)
        if entry.kind == FILE and entry.path in modes and entry.mode == sealed(modes[entry.path])
        else entry
        for entry in entries
    ]
