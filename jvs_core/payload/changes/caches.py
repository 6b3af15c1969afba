"""Known caches: what a program makes again by itself, and that makes no difference where sameness is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Changed
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.folders import Folders, split

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


Tree = tuple[Path, Sequence[Entry]]


def without_those_in(changes: Changes, *trees: Tree) -> Changes:
    """Return the changes that lie in no cache, as a known name or a tag in any of the ``trees`` (folder and entries) says."""
    return without(changes, _tagged_in_any(trees))


def those_in(changes: Changes, *trees: Tree) -> set[bytes]:
    """Return the changed paths that do lie in a cache, as ``without_those_in`` leaves them out."""
    folders = _tagged_in_any(trees)
    paths = (*changes.added, *changes.modified, *changes.removed)
    return {path for path in paths if _in_cache(path, folders)}


def _tagged_in_any(trees: Sequence[Tree]) -> set[bytes]:
    return {folder for root, entries in trees for folder in _tagged_in(root, entries)}


def _tagged_in(root: Path, entries: Sequence[Entry]) -> set[bytes]:
    with Folders(root) as folders:

        def begins(entry: Entry) -> bytes:
            folder, name = split(entry.path)
            try:
                fd, _ = content.open_regular(name, folders.at(folder))
            except (OSError, Changed):  # damaged or gone: it tags nothing
                return b""
            with open(fd, "rb") as file:
                return file.read(len(SIGNATURE))

        return tagged(entries, begins)


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
