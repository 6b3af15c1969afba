"""Hypothesis strategies for small trees with hostile names, as a model: path → node."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from jvs_core.payload.tree.entry import CONTROL
from tests.support.walk import Found, walk


@dataclass(frozen=True)
class File:
    """A regular file."""

    content: bytes
    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class HardLink:
    """Another name of the file at ``to``, which is the first path of its group in byte order."""

    to: bytes


@dataclass(frozen=True)
class Directory:
    """A directory; its entries are the model's paths below it."""

    mode: int
    mtime_ns: int


@dataclass(frozen=True)
class Link:
    """A symbolic link, whatever it points to."""

    target: bytes
    mtime_ns: int


@dataclass(frozen=True)
class Fifo:
    """A named pipe."""

    mode: int
    mtime_ns: int


Node = File | HardLink | Directory | Link | Fifo
Tree = dict[bytes, Node]

_NASTY = (
    b" ",
    b"-",
    b"...",
    b"\n",
    b"\xff",
    b".READY",
    b".jvs",
    "é".encode(),
    "e\u0301".encode(),
    b"a",
    b"b",
    b"x" * 255,
)
_TIMES = st.integers(min_value=0, max_value=4 * 10**18)


def names() -> st.SearchStrategy[bytes]:
    """Return any file name: 1 to 255 bytes without NUL and slash, neither ``.`` nor ``..``."""
    anything = st.binary(min_size=1, max_size=255).map(lambda name: name.translate(_NO_SEPARATORS))
    return st.sampled_from(_NASTY) | anything.filter(lambda name: name not in (b".", b".."))


@st.composite
def trees(draw: st.DrawFn, *, max_entries: int = 10, fifos: bool = True) -> Tree:
    """Draw a tree of up to ``max_entries`` entries: files, hard links, directories, links and FIFOs; no repositories."""
    leaves: list[st.SearchStrategy[Node]] = [_files(), _links(), *([_fifos()] if fifos else [])]
    tree: Tree = {}
    for _ in range(draw(st.integers(0, max_entries))):
        parents = [b"", *(path + b"/" for path, node in tree.items() if isinstance(node, Directory))]
        name = draw(names())
        path = draw(st.sampled_from(parents)) + name
        files = [HardLink(at) for at, node in tree.items() if isinstance(node, File)]
        linked = [st.sampled_from(files)] if files else []
        if path not in tree:
            folders = [] if name == CONTROL else [_directories()]
            tree[path] = draw(st.one_of(*leaves, *folders, *linked))
    return canonical(tree)


def canonical(tree: Tree) -> Tree:
    """Return the tree in path order, with the first path of each hard-link group as its file."""
    first = {path: path for path, node in tree.items() if isinstance(node, File)}
    for path, node in tree.items():
        if isinstance(node, HardLink):
            first[node.to] = min(first[node.to], path)
    result = dict(tree)
    for file, path in first.items():
        result[path] = tree[file]
        result |= {at: HardLink(path) for at in (file, *_names_of(tree, file)) if at != path}
    return dict(sorted(result.items()))


def write_tree(tree: Tree, root: Path) -> None:
    """Make ``root`` with the entries of the model."""
    root.mkdir(parents=True, exist_ok=True)
    base = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for path, node in sorted(tree.items()):
            _create(base, path, node)
        # Times of a directory last, and from the bottom up: every entry made in it would change them.
        for path, node in sorted(tree.items(), reverse=True):
            if isinstance(node, Directory):
                _dress(base, path, node.mode, node.mtime_ns)
    finally:
        os.close(base)


def read_tree(root: Path) -> Tree:
    """Return the model of what is below ``root``."""
    seen: dict[tuple[int, int], bytes] = {}
    tree: Tree = {}
    for found in walk(root):
        inode = (found.status.st_dev, found.status.st_ino)
        is_file = stat.S_ISREG(found.status.st_mode)
        tree[found.path] = HardLink(seen[inode]) if is_file and inode in seen else _node(found)
        if is_file:
            seen.setdefault(inode, found.path)
    return canonical(tree)


def _create(base: int, path: bytes, node: Node) -> None:
    match node:
        case File():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=base)
            with os.fdopen(descriptor, "wb") as file:
                file.write(node.content)
            _dress(base, path, node.mode, node.mtime_ns)
        case HardLink():
            os.link(node.to, path, src_dir_fd=base, dst_dir_fd=base)
        case Directory():
            os.mkdir(path, dir_fd=base)
        case Link():
            os.symlink(node.target, path, dir_fd=base)
            os.utime(path, ns=(0, node.mtime_ns), dir_fd=base, follow_symlinks=False)
        case Fifo():
            os.mkfifo(path, dir_fd=base)
            _dress(base, path, node.mode, node.mtime_ns)


def _dress(base: int, path: bytes, mode: int, mtime_ns: int) -> None:
    os.chmod(path, mode, dir_fd=base)
    os.utime(path, ns=(0, mtime_ns), dir_fd=base)


def _node(found: Found) -> Node:
    mode, mtime_ns = stat.S_IMODE(found.status.st_mode), found.status.st_mtime_ns
    match stat.S_IFMT(found.status.st_mode):
        case stat.S_IFDIR:
            return Directory(mode, mtime_ns)
        case stat.S_IFLNK:
            return Link(os.readlink(found.name, dir_fd=found.parent), mtime_ns)
        case stat.S_IFIFO:
            return Fifo(mode, mtime_ns)
        case stat.S_IFREG:
            with open(found.proc_path, "rb") as file:
                return File(file.read(), mode, mtime_ns)
    raise AssertionError(f"{found.path!r} is of a kind that no model has")


def _names_of(tree: Tree, file: bytes) -> list[bytes]:
    return [path for path, node in tree.items() if node == HardLink(file)]


def _modes(always: int) -> st.SearchStrategy[int]:
    return (st.sampled_from((0o644, 0o755, 0o600, 0o4755)) | st.integers(0, 0o7777)).map(
        lambda mode: mode | always
    )


def _files() -> st.SearchStrategy[Node]:
    content = st.binary(max_size=64) | st.sampled_from((b"", b"same", b"\0" * 8192, b"long" * 3000))
    return st.builds(File, content, _modes(0o400), _TIMES)


def _directories() -> st.SearchStrategy[Node]:
    return st.builds(Directory, _modes(0o700), _TIMES)


def _fifos() -> st.SearchStrategy[Node]:
    return st.builds(Fifo, _modes(0o600), _TIMES)


def _links() -> st.SearchStrategy[Node]:
    target = st.sampled_from((b".", b"..", b"/", b"nowhere", b"\xff")) | st.binary(min_size=1, max_size=300)
    return st.builds(Link, target.map(lambda name: name.replace(b"\0", b"_")), _TIMES)


_NO_SEPARATORS = bytes.maketrans(b"\0/", b"__")
