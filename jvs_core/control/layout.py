"""Where everything of a repository lies, and finding the repository around a path."""

from __future__ import annotations

import errno
import os
import re
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path

from jvs_core import anchored, files, regular
from jvs_core.control.names import MAIN, inside
from jvs_core.errors import AlreadyExists, DescriptorCorrupt, FormatUnsupported, PathEscape
from jvs_core.model import FORMAT_VERSION, NAME, SNAPSHOT_ID, UUID

CONTROL_FOLDERS = (
    "worktrees",
    "snapshots",
    "descriptors",
    "annotations",
    "refs",
    "locks",
    "intents",
    "audit",
    "runs",
    "damage",
    "gc",
    "gc/plans",
    "gc/pins",
    "gc/tombstones",
    "gc/trash",
)


CELLS = "cells.ipynb"
_SHORT = 4096


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
    def runs(self) -> Path:
        """The folder of run records."""
        return self.control / "runs"

    @property
    def damage(self) -> Path:
        """The folder of what is known to be damaged."""
        return self.control / "damage"

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

    def close(self, worktree: Path) -> None:
        """Take from ``.jvs`` what others may do there and not in ``worktree``: the group's part stays in a shared one.

        What is in ``.jvs`` tells of the worktree. Only the owner of ``.jvs`` can; for others this does nothing.
        """
        now = os.lstat(self.control)
        wanted = stat.S_IMODE(now.st_mode) & (os.stat(worktree).st_mode | ~0o077)
        wanted = (wanted | 0o2070) & ~0o007 if self.shared else wanted & ~0o022
        if wanted != stat.S_IMODE(now.st_mode) and now.st_uid == os.geteuid():
            files.set_mode(self.control, wanted)

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

    def worktree_at(self, path: Path) -> str:
        """Return the name of the worktree that ``path`` lies in; ``main`` when it lies in none."""
        try:
            parts = Path(os.path.realpath(path)).relative_to(self.root).parts
        except ValueError:
            return MAIN
        if len(parts) >= 2 and parts[0] == "worktrees" and re.fullmatch(NAME[1:-1], parts[1]):
            return parts[1]
        return MAIN

    def repo_id(self) -> str:
        """Return the repository's identity. Raises DescriptorCorrupt when it is missing or not a UUID."""
        path = self.control / "repo_id"
        try:
            return str(uuid.UUID(regular.read_regular(path, most=_SHORT).decode("ascii").strip()))
        except (FileNotFoundError, ValueError, DescriptorCorrupt) as error:
            raise DescriptorCorrupt(
                f"{path} is missing or damaged", hint="restore it from a backup"
            ) from error

    def complete(self) -> None:
        """Make the folders that are missing: empty and runtime ones are lost when a repository is moved.

        Raises PathEscape for a symbolic link in the place of one.
        """
        if not self.shared and self._is_complete():  # in a shared one a crash may have left a mode to mend
            return
        folders = dict.fromkeys((self.control / name for name in CONTROL_FOLDERS), self.folder_mode)
        for folder, mode in {**folders, self.root / "worktrees": self.worktree_mode}.items():
            try:
                files.make_folder(folder, mode=mode, exist_ok=True)
            except AlreadyExists as error:
                inside(self.root, folder)
                raise DescriptorCorrupt(f"{folder} is no folder", hint="jvs doctor") from error

    def _is_complete(self) -> bool:
        there = {f"{above}{entry.name}" for above in ("", "gc/") for entry in self._folders(above)}
        return there.issuperset(CONTROL_FOLDERS) and self._is_folder(self.root / "worktrees")

    @staticmethod
    def _is_folder(path: Path) -> bool:
        return path.is_dir() and not path.is_symlink()

    def _folders(self, below: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.control / below) as found:
                return [entry for entry in found if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []

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

    def check_format(self) -> None:
        """Raise FormatUnsupported unless this version of JVS can work on the repository; PathEscape for a link."""
        path = inside(self.root, self.control / "format_version")
        try:
            found = regular.read_regular(path, most=_SHORT).strip()
        except FileNotFoundError:
            found = b""
        except DescriptorCorrupt:
            found = b"damaged"
        if found == str(FORMAT_VERSION).encode():
            return
        shown = found[:40].decode("utf-8", "replace") or "missing"
        if found == b"1":
            hint = (
                f"format 1 is that of JVS in Go: its history comes over with `jvs import`, "
                f"the files alone with: jvs init NAME --from {self.root / MAIN}"
            )
        elif found.isdigit():
            hint = "install the version of JVS that wrote it"
        else:
            hint = f"restore {path} from a backup"
        raise FormatUnsupported(
            f"repository format {shown} at {self.root}; this version reads format {FORMAT_VERSION}", hint=hint
        )


def _checked(identity: str, form: str) -> str:
    """Return an identity that becomes a part of a path. Raises PathEscape for anything of another form."""
    if re.fullmatch(form[1:-1], identity) is None:
        raise PathEscape(f"{identity[:100]!r} is no identity that JVS gives", hint="jvs doctor")
    return identity
