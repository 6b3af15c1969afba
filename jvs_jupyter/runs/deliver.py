"""Delivering results: files out of an after-snapshot, each whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from jvs_core import Repository, Run
from jvs_core.faults import storage_error


def deliver(repository: Repository, run: Run, path: str, target: Path) -> None:
    """Write a file of the after-snapshot of a run to ``target``; a link as a link. Raises NoSpace, EngineFailed."""
    assert run.after_snapshot_id is not None
    entry = repository.stat(run.after_snapshot_id, path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.type == "symlink":
            os.symlink(entry.target or "", temporary)
        elif entry.type == "file":
            with repository.open_file(run.after_snapshot_id, path) as source, temporary.open("wb") as sink:
                shutil.copyfileobj(source, sink)
                sink.flush()
                os.fsync(sink.fileno())
            temporary.chmod(int(str(entry.mode), 8) & 0o777)
        else:
            return
        os.replace(temporary, target)
    except OSError as error:
        raise storage_error(error, f"the result {target} of run {run.run_id}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def deliver_all(repository: Repository, run: Run, folder: Path) -> None:
    """Write every file that a run made or changed, caches apart, below ``folder``. Raises JvsError."""
    assert run.after_snapshot_id is not None
    changes = repository.compare(run.before_snapshot_id, run.after_snapshot_id, caches=False)
    for path in (*changes.added, *changes.modified):
        if not path.endswith("/"):
            deliver(repository, run, path, folder / os.fsdecode(path.encode("utf-8", "surrogateescape")))


def copy_of(repository: Repository, snapshot_id: str, path: str, folder: Path) -> Path | None:
    """Copy a file of a snapshot into ``folder``, under a name made from both, and return where it is.

    None for what is no regular file. Raises JvsError.
    """
    if repository.stat(snapshot_id, path).type != "file":
        return None
    target = folder / hashlib.sha256(f"{snapshot_id}/{path}".encode("utf-8", "surrogatepass")).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with repository.open_file(snapshot_id, path) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except OSError as error:
        raise storage_error(error, f"{target}, a copy of {path} of snapshot {snapshot_id}") from error
    return target
