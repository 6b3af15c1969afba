"""What every operation works on: a repository's layout, its configuration, and who is calling."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jvs_core import anchored, regular
from jvs_core.control import catalog, identity, trust
from jvs_core.control.layout import Layout
from jvs_core.control.records import worktree
from jvs_core.errors import DescriptorCorrupt, EngineUnavailable, InputError
from jvs_core.settings import RepositoryConfig, Settings, parse_config

if TYPE_CHECKING:
    from jvs_core.control.lock.session import Session
    from jvs_core.model import AuditRecord, Intent, Worktree
    from jvs_core.operations.stored import Stored
    from jvs_core.payload.changes.index import StatIndex
    from jvs_core.payload.engines.base import SnapshotEngine
    from jvs_core.payload.tree.exclude_rules import ExcludeRules
    from jvs_core.progress import Progress

AUTO = "auto"
_LONGEST_CONFIG = 1 << 20


@dataclass(frozen=True)
class Memory:
    """What one operation has read, so that none of its parts reads it again; it ends with the operation."""

    snapshots: dict[str, Stored] = field(default_factory=dict)
    indexes: dict[str, StatIndex] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """An open repository, as operations see it. Immutable; safe to share between threads, unless it remembers."""

    layout: Layout
    settings: Settings
    config: RepositoryConfig
    repo_id: str
    memory: Memory | None = None
    same_owner: bool = False

    @classmethod
    def open(cls, layout: Layout, settings: Settings) -> Context:
        """Open the repository at ``layout``, after making sure that its owner is trusted. There is no other way in.

        Raises NotARepository, UntrustedRepository, FormatUnsupported, DescriptorCorrupt (no identity), InputError
        (configuration).
        """
        with suppress(FileNotFoundError, NotADirectoryError):
            anchored.hold(layout.root)
        trust.require(layout.root, settings)
        identity.check_format(layout)
        config = read_config(layout.config)
        return cls(Layout(layout.root, config.shared), settings, config, identity.repo_id(layout))

    def remembering(self) -> Context:
        """Return a context for one operation, which reads each snapshot and stat cache once."""
        return replace(self, memory=Memory())

    @property
    def exclude(self) -> ExcludeRules:
        """What the configuration leaves out of snapshots."""
        from jvs_core.payload.tree.exclude_rules import ExcludeRules

        return ExcludeRules(self.config.exclude.patterns, self.config.exclude.caches)

    @property
    def requested_engine(self) -> str:
        """The engine asked for by environment or configuration, or ``auto``."""
        return self.settings.engine or self.config.engine or AUTO

    def engine(self) -> SnapshotEngine:
        """Return the engine to work with, probed on the repository's own file system.

        Raises EngineUnavailable with the reason, InputError for an unknown name.
        """
        from jvs_core.payload.engines import select

        return select.choose(self.requested_engine, self.layout.control)

    def removal_engine(self) -> SnapshotEngine:
        """Return the engine that can remove whatever any engine may have made here."""
        from jvs_core.payload.engines import select

        return select.for_removal(self.layout.control)

    def restoring(self, same_owner: bool) -> Context:
        """Return a context in which manifests decide on owners, setuid, setgid and capabilities, where ``same_owner``.

        Raises InputError unless root asks, in a repository that only root can write.
        """
        if same_owner and os.geteuid() != 0:
            raise InputError(
                "only root can use --same-owner", hint="leave it out: what you restore belongs to you"
            )
        if same_owner and self.is_written_by_others:
            raise InputError(
                f"--same-owner: users other than root can write to {self.layout.control}, and may have changed the recorded owners",
                hint="leave it out, and set the owners of the files yourself",
            )
        return replace(self, same_owner=same_owner)

    def bringing(self) -> AbstractContextManager[None]:
        """Restore entries in the block without giving the special rights that a manifest names.

        Nothing becomes setuid or setgid or gets capabilities, and what root brings is root's and, in a shared
        repository, its group's; unless root asked for owners, see ``restoring``. Files that are in a worktree already
        keep their rights.
        """
        from jvs_core.payload.tree import authority

        if self.same_owner and os.geteuid() == 0 and not self.is_written_by_others:
            return authority.believing(authority.ALL)
        if os.geteuid() != 0:
            return authority.believing(authority.Authority(special=False))
        group = os.lstat(self.layout.control).st_gid if self.layout.shared else os.getegid()
        return authority.believing(authority.Authority(special=False, owner=(0, group)))

    @property
    def is_written_by_others(self) -> bool:
        """Whether anybody but root can write the records of the repository."""
        found = os.lstat(self.layout.control)
        return self.layout.shared or found.st_uid != 0 or bool(found.st_mode & 0o022)

    def engine_name(self) -> str:
        """Return the name of the engine to work with, or ``unavailable: reason``."""
        try:
            return self.engine().name
        except EngineUnavailable as error:
            return f"unavailable: {error.message}"

    def session(self, worktree_id: str) -> Session:
        """Return the caller's session on a worktree."""
        from jvs_core.control.lock.session import session

        return session(self.settings, self.repo_id, worktree_id)

    def index(self, worktree_id: str) -> StatIndex:
        """Return the stat cache of a worktree."""
        if self.memory is None:
            return self._index(worktree_id)
        return self.memory.indexes.setdefault(worktree_id, self._index(worktree_id))

    def _index(self, worktree_id: str) -> StatIndex:
        from jvs_core.payload.changes.index import StatIndex

        folder = self.index_folder()
        return StatIndex(None if folder is None else folder / f"{worktree_id}.sqlite")

    def index_folder(self) -> Path | None:
        """Return the caller's folder for what is remembered of worktrees; None where it cannot be made."""
        folder = self.settings.cache_dir / "index" / self.repo_id
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:  # no cache costs time, nothing else
            return None
        return folder

    def stored(self, snapshot_id: str) -> Stored:
        """Return a stored snapshot, read and checked. Raises as ``stored.load`` does."""
        from jvs_core.operations import stored

        if self.memory is None:
            return stored.load(self.layout, snapshot_id)
        if snapshot_id not in self.memory.snapshots:
            self.memory.snapshots[snapshot_id] = stored.load(self.layout, snapshot_id)
        return self.memory.snapshots[snapshot_id]

    def critical(self) -> AbstractContextManager[None]:
        """Hold the repository's critical section: for audit, heads, refs and gc commits only."""
        from jvs_core.control import control_folders
        from jvs_core.control.lock import critical

        control_folders.complete(self.layout)
        return critical.exclusive(self.layout.repository_lock, mode=self.layout.lock_mode)

    def audit(self, operation: str, **fields: Any) -> AuditRecord:
        """Append an audit record; the caller holds the critical section."""
        from jvs_core.control.audit import writer

        return writer.append(self.layout, self.settings, operation, **fields)

    def begin(self, operation: str, **fields: Any) -> Intent:
        """Write the intent of an operation, durable."""
        from jvs_core.control.records import journal

        return journal.begin(self.layout, self.settings, operation, **fields)

    def worktree(self, name: str) -> Worktree:
        """Return a worktree's record. Raises WorktreeNotFound."""
        return worktree.get(self.layout, name)

    def resolve(self, snapshot: str, worktree_name: str) -> str:
        """Return the full id that ``snapshot`` names, seen from a worktree: by time, by tag, or as ``catalog.resolve`` says."""
        if snapshot.startswith(("@", "tag:")):
            from jvs_core.operations import selecting  # few commands are called that way

            head = self.worktree(worktree_name).head_snapshot_id
            return selecting.select(self.layout, snapshot, head, worktree_name)
        head = self.worktree(worktree_name).head_snapshot_id if snapshot.startswith("HEAD") else None
        return catalog.resolve(self.layout, snapshot, head)

    def resolve_or_head(self, snapshot: str | None, worktree_name: str) -> list[str]:
        """Return the full id that ``snapshot`` names; for None that of the worktree's head, if it has one."""
        if snapshot is not None:
            return [self.resolve(snapshot, worktree_name)]
        head = self.worktree(worktree_name).head_snapshot_id
        return [] if head is None else [head]

    def base_for_new_worktree(self, snapshot: str | None, current: str) -> str | None:
        """Return the snapshot a new worktree starts from: the one named, else the current worktree's head."""
        return (
            self.worktree(current).head_snapshot_id if snapshot is None else self.resolve(snapshot, current)
        )


def read_config(path: Path) -> RepositoryConfig:
    """Return a repository's configuration, which may be a link to one; the defaults when there is none.

    Raises InputError.
    """
    try:
        data = regular.read_regular(path, most=_LONGEST_CONFIG, follow=True)
    except FileNotFoundError:
        return RepositoryConfig()
    except DescriptorCorrupt as error:
        raise InputError(error.message, hint=f"repair or delete {path}") from error
    return parse_config(data, path)


@contextmanager
def step(progress: Progress, name: str, total: int | None = None) -> Iterator[None]:
    """Report the block as one named step."""
    progress.started(name, total)
    yield
    progress.finished(name)
