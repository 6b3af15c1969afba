"""``export``: runs into one zip file, with what they read and made, and the proof of it."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jvs_core import AlreadyExists, InputError, Repository, Run
from jvs_core.faults import storage_error
from jvs_jupyter.runs.deliver import copy_of


@dataclass(frozen=True)
class Exported:
    """The crate that was written."""

    path: str
    runs: list[str]
    files: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the crate as plain JSON values."""
        return {"path": self.path, "runs": self.runs, "files": self.files, "bytes": self.bytes}


def export(
    repository: Repository,
    runs: Sequence[Run],
    target: str | os.PathLike[str],
    *,
    key: str | os.PathLike[str] | None = None,
    license_: str | None = None,
) -> Exported:
    """Write the runs, which have ended, to the zip file ``target``, which appears whole or not at all.

    It holds the files that each run was given by name and those that it made or changed, as its snapshots have them; its
    record; the manifests of its snapshots; and the log with a checkpoint, signed with the private key in the file ``key``
    if one is given: ``jvs verify --export`` checks them.

    Raises
    ------
    InputError
        A run has no after-snapshot, the name does not end in ``.zip``, or rocrate is not installed.
    AlreadyExists
        There is something at ``target``.
    SnapshotExpired, SnapshotNotFound, PayloadHashMismatch
        A snapshot of a run is gone or damaged.
    NoSpace, EngineFailed
        The crate could not be written; nothing of it is left.
    """
    place = Path(os.path.abspath(target))
    _require(repository, runs, place)
    try:
        from jvs_jupyter.crate.building import Builder, types_of
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rocrate":
            raise
        raise InputError("rocrate is not installed", hint="pip install 'jvs-workspaces[crate]'") from error
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}.tmp.zip")
    with tempfile.TemporaryDirectory(prefix="jvs-crate-") as scratch:
        builder = Builder(Path(scratch), license_ or "no license was given")
        for run in runs:
            for snapshot_id, paths in _files(repository, run).items():
                for path in paths:
                    local = copy_of(repository, snapshot_id, path, Path(scratch) / "files")
                    if local is None:
                        continue
                    sha256 = repository.stat(snapshot_id, path).sha256 or ""
                    types = types_of(run, path) if snapshot_id == run.before_snapshot_id else ()
                    builder.file(snapshot_id, path, local, sha256, types)
            builder.run(run)
        for name, data in repository.runs.proof(runs, key=key).items():
            builder.proof(name, data)
        try:
            builder.write(temporary)
            _sync(temporary)
            os.link(temporary, place)
            _sync(place.parent)
        except FileExistsError as error:
            raise AlreadyExists(f"{place} exists", hint="choose another name") from error
        except OSError as error:
            raise storage_error(error, str(place)) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
    return Exported(str(place), [run.run_id for run in runs], builder.count, place.stat().st_size)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require(repository: Repository, runs: Sequence[Run], place: Path) -> None:
    """Raise the contract's error for what cannot be exported, before anything is written."""
    if place.suffix != ".zip":
        raise InputError(f"a crate is a zip file: {place.name!r} does not end in .zip", hint="-o CRATE.zip")
    if os.path.lexists(place):
        raise AlreadyExists(f"{place} exists", hint="choose another name")
    if not place.parent.is_dir():
        raise InputError(f"no folder {place.parent}", hint="make the folder, or choose another one")
    for run in runs:
        if run.after_snapshot_id is None:
            raise InputError(
                f"run {run.run_id} is {run.outcome}: no snapshot holds its result", hint="jvs run list"
            )
        repository.runs.require_kept(run)


def _files(repository: Repository, run: Run) -> dict[str, list[str]]:
    """Return, by snapshot, the files that a run was given by name and those that it made or changed, caches apart."""
    before, after = run.before_snapshot_id, str(run.after_snapshot_id)
    changes = repository.compare(before, after, caches=False)
    made = sorted(path for path in (*changes.added, *changes.modified) if not path.endswith("/"))
    return {before: list(run.inputs), after: made}
