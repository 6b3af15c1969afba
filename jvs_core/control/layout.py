"""Where everything of a repository lies, and reading what lies there while others may remove it."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from jvs_core import anchored, regular
from jvs_core.control.names import MAIN, inside
from jvs_core.errors import DescriptorCorrupt, PathEscape
from jvs_core.model import NAME, SNAPSHOT_ID, UUID, VIEW

CELLS = "cells.ipynb"


@dataclass(frozen=True)
class Layout:
    """Paths of the repository at ``root``; ``shared`` repositories give their group write access."""

    root: Path
    shared: bool = False

    def __post_init__(self) -> None:
        anchored.enclose(self.root)

    @property
    def control(self) -> Path:
        """The control plane's folder."""
        return self.root / ".jvs"

    @property
    def config(self) -> Path:
        """The repository's ``config.toml``."""
        return self.control / "config.toml"

    @property
    def snapshots(self) -> Path:
        """The folder of all snapshots."""
        return self.control / "snapshots"

    @property
    def descriptors(self) -> Path:
        """The folder of all descriptors."""
        return self.control / "descriptors"

    def annotations(self, snapshot_id: str | None = None) -> Path:
        """The folder of all edits of notes and tags; with ``snapshot_id`` of those of one snapshot."""
        folder = self.control / "annotations"
        return folder if snapshot_id is None else folder / _checked(snapshot_id, SNAPSHOT_ID)

    @property
    def refs(self) -> Path:
        """The folder of all refs."""
        return self.control / "refs"

    @property
    def intents(self) -> Path:
        """The folder of what is under way."""
        return self.control / "intents"

    @property
    def audit(self) -> Path:
        """The folder of the audit log."""
        return self.control / "audit"

    @property
    def gc(self) -> Path:
        """The folder of plans, pins, tombstones and trash."""
        return self.control / "gc"

    @property
    def gc_reserve(self) -> Path:
        """The space that is kept for a collection when there is no other."""
        return self.gc / "reserve"

    @property
    def runs(self) -> Path:
        """The folder of run records."""
        return self.control / "runs"

    @property
    def damage(self) -> Path:
        """The folder of what is known to be damaged."""
        return self.control / "damage"

    def kept(self, worktree_id: str | None = None, copy_id: str | None = None) -> Path:
        """The folder of all kept copies of files; of those of one worktree; of one of these."""
        folder = self.control / "kept"
        if worktree_id is None:
            return folder
        folder = folder / _checked(worktree_id, UUID)
        return folder if copy_id is None else folder / _checked(copy_id, SNAPSHOT_ID)

    @property
    def repository_lock(self) -> Path:
        """The file locked during short critical sections."""
        return self.control / "locks" / "repository"

    @property
    def file_mode(self) -> int | None:
        """The mode of control files; None leaves it to the umask."""
        return 0o660 if self.shared else None

    @property
    def folder_mode(self) -> int | None:
        """The mode of control folders; None leaves it to the umask."""
        return 0o2770 if self.shared else None

    @property
    def intent_mode(self) -> int:
        """The mode of intents: nobody but their owner writes them, for what they say is done with the owner's rights."""
        return 0o640 if self.shared else 0o644

    @property
    def lock_mode(self) -> int:
        """The mode of files that are locked: who may only read cannot open them, and so not hold the lock."""
        return 0o660 if self.shared else 0o600

    @property
    def worktree_mode(self) -> int | None:
        """The mode of folders that hold worktrees; None leaves it to the umask."""
        return 0o2775 if self.shared else None

    def snapshot(self, snapshot_id: str) -> Path:
        """The folder of one snapshot."""
        return self.snapshots / _checked(snapshot_id, SNAPSHOT_ID)

    def payload(self, snapshot_id: str) -> Path:
        """The payload of one snapshot."""
        return self.snapshot(snapshot_id) / "payload"

    def manifest(self, snapshot_id: str) -> Path:
        """The manifest of one snapshot."""
        return self.snapshot(snapshot_id) / "manifest"

    def cells(self, snapshot_id: str) -> Path:
        """The notebook of executed cells kept with one snapshot."""
        return self.snapshot(snapshot_id) / CELLS

    def ready(self, snapshot_id: str) -> Path:
        """The READY marker of one snapshot."""
        return self.snapshot(snapshot_id) / ".READY"

    def descriptor(self, snapshot_id: str) -> Path:
        """The descriptor of one snapshot."""
        return self.descriptors / f"{_checked(snapshot_id, SNAPSHOT_ID)}.json"

    def trash(self, snapshot_id: str | None = None) -> Path:
        """The folder of what gc is deleting; with ``snapshot_id`` that snapshot's place in it."""
        folder = self.gc / "trash"
        return folder if snapshot_id is None else folder / _checked(snapshot_id, SNAPSHOT_ID)

    def locks(self, worktree_id: str) -> Path:
        """The folder of one worktree's leases."""
        return self.control / "locks" / _checked(worktree_id, UUID)

    def worktree_config(self, name: str) -> Path:
        """The configuration file of one worktree. Raises PathEscape for what cannot be a name."""
        if re.fullmatch(NAME[1:-1], name) is None:
            raise PathEscape(f"{name!r} cannot be the name of a worktree")
        return self.control / "worktrees" / name / "config.json"

    def heads(self, name: str) -> Path:
        """The folder that says where one worktree stands."""
        return self.worktree_config(name).with_name("heads")

    def worktree(self, name: str) -> Path:
        """The payload folder of one worktree, which no symbolic link may stand in for. Raises PathEscape."""
        self.worktree_config(name)
        path = self.root / MAIN if name == MAIN else self.root / "worktrees" / name
        return inside(self.root, path)

    def views(self, tree: str | None = None) -> Path:
        """The folder of all views; with ``tree`` that of one. Raises PathEscape for what is no view's name."""
        folder = self.control / "views"
        return folder if tree is None else folder / _checked(tree, VIEW)

    def worktree_at(self, path: Path) -> str:
        """Return the name of the worktree that ``path`` lies in; ``main`` when it lies in none."""
        try:
            parts = Path(os.path.realpath(path)).relative_to(self.root).parts
        except ValueError:
            return MAIN
        if len(parts) >= 2 and parts[0] == "worktrees" and re.fullmatch(NAME[1:-1], parts[1]):
            return parts[1]
        return MAIN

    def listing(self, folder: Path) -> list[str]:
        """Return the names in a control folder; none when it is missing, as empty ones are in a moved repository.

        Raises PathEscape for a symbolic link, DescriptorCorrupt for anything else in its place.
        """
        try:
            fd = anchored.open_folder(folder, os.O_RDONLY)
        except FileNotFoundError:
            return []
        except NotADirectoryError as error:
            raise DescriptorCorrupt(
                regular.irregular(folder, "folder"), hint="put the folder back in its place", path=str(folder)
            ) from error
        try:
            return os.listdir(fd)
        except FileNotFoundError:  # another client of a JuiceFS volume removed the folder meanwhile
            return []
        finally:
            os.close(fd)

    def read(self, path: Path) -> bytes:
        """Return the bytes of a file that others may remove at any time.

        Raises FileNotFoundError, also where another client of a JuiceFS volume removed the file between opening and
        reading it, which fails in other ways (``EBADF``, measured); DescriptorCorrupt when it is no file.
        """
        return self.read_with_status(path)[0]

    def read_with_status(self, path: Path) -> tuple[bytes, os.stat_result]:
        """Return what ``read`` does, and the status of the very file that was read, whatever has its name by now."""
        try:
            return regular.read_with_status(path)
        except OSError as error:
            if path.name in self.listing(path.parent):
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error


def _checked(identity: str, form: str) -> str:
    """Return an identity that becomes a part of a path. Raises PathEscape for anything of another form."""
    if re.fullmatch(form[1:-1], identity) is None:
        raise PathEscape(f"{identity[:100]!r} is not an identity that JVS gives", hint="jvs doctor")
    return identity
