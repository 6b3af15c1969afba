"""Known caches: what a program makes again by itself, and that makes no difference where sameness is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import FILE, Entry

FOLDERS = frozenset((b"__pycache__", b".ipynb_checkpoints", b".venv", b"node_modules", b"lost+found"))
TAG_NAME = b"CACHEDIR.TAG"
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"


def tagged(entries: Iterable[Entry], begins: Callable[[Entry], bytes]) -> set[bytes]:
    """Return the folders, but for the top one, that a ``CACHEDIR.TAG`` says are caches; ``begins`` reads a file's start."""
    found = set()
    for entry in entries:
        folder, _, name = entry.path.rpartition(b"/")
        if not folder or name != TAG_NAME or entry.kind != FILE or entry.size < len(SIGNATURE):
            continue
        if begins(entry).startswith(SIGNATURE):
            found.add(folder)
    return found


def without(changes: Changes, folders: set[bytes]) -> Changes:
    """Return the changes that lie in no cache: neither in a folder of a known name, nor in one of ``folders``."""

    def kept(paths: Sequence[bytes]) -> list[bytes]:
        return [path for path in paths if not _in_cache(path, folders)]

    return Changes(kept(changes.added), kept(changes.modified), kept(changes.removed))


def _in_cache(path: bytes, folders: set[bytes]) -> bool:
    parts = path.split(b"/")[:-1]
    if not FOLDERS.isdisjoint(parts):
        return True
    return (
        any(b"/".join(parts[:count]) in folders for count in range(1, len(parts) + 1)) if folders else False
    )
