"""The caller's session: the secrets of the locks it holds, kept outside the repository; and the turns that its operations take.

One file a repository, worktree, host and session name, readable by its owner only. Whoever can read it is the
session: the next command of the same user finds the lock that this one took.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core import canonical, files, regular
from jvs_core.control.lock.critical import exclusive
from jvs_core.control.lock.lease import Lease
from jvs_core.errors import InputError, JvsError
from jvs_core.model import LeaseRecord
from jvs_core.settings import Settings


@dataclass(frozen=True)
class Session:
    """The state of one session on one worktree."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The file of the held lease."""
        return self.folder / f"{self.name}.json"

    def load(self) -> Lease | None:
        """Return the lease this session took last and did not give back, valid or not."""
        try:
            value = json.loads(regular.read_regular(self.path))
            record = LeaseRecord.parse(canonical.dumps(value["record"]), "the stored lease")
            return Lease(record, str(value["secret"]), int(value["deadline_boot_ms"]), str(value["boot_id"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError, JvsError):
            return None  # a damaged secret proves nothing: the lock is not held, and its lease will run out

    def save(self, lease: Lease) -> None:
        """Keep ``lease`` for this session's next command."""
        self.make_folder()
        value = {
            "record": lease.record.model_dump(),
            "secret": lease.secret,
            "deadline_boot_ms": lease.deadline_boot_ms,
            "boot_id": lease.boot_id,
        }
        # Not durable: after a power cut nobody who held the lock still runs.
        files.write_atomic(self.path, canonical.dumps(value), mode=0o600, durable=False)

    def forget(self, lease: Lease | None = None) -> None:
        """Drop the stored lease, if it is ``lease`` (any, when None)."""
        stored = self.load()
        if lease is None or stored is None or stored.record.lock_id == lease.record.lock_id:
            self.path.unlink(missing_ok=True)

    @contextmanager
    def turn(self, *, wait_s: float) -> Iterator[None]:
        """Take this session's turn on the worktree: its commands run one after another, never at once.

        Raises LockConflict when the turn did not come within ``wait_s`` seconds.
        """
        self.make_folder()
        with exclusive(
            self.folder / f"{self.name}.turn",
            wait_s=wait_s,
            mode=0o600,
            who="another operation of this session",
        ):
            yield

    def make_folder(self) -> None:
        """Make the folder that the session's state lies in. Raises InputError where it cannot be one."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(
                f"{self.folder}: JVS cannot store the state of this user there: a part of the path is not a folder",
                hint="set JVS_STATE_DIR to a folder, or to an unused name",
            ) from error
        except OSError as error:
            raise InputError(
                f"{self.folder}: JVS cannot store the state of this user there: {error.strerror}",
                hint="set JVS_STATE_DIR, or HOME, to a folder that you can write to",
            ) from error


def session(settings: Settings, repo_id: str, worktree_id: str) -> Session:
    """Return the caller's session on a worktree."""
    folder = settings.state_dir / "sessions" / repo_id
    return Session(folder, f"{worktree_id}.{settings.host}.{settings.session}")
