"""A run in a worktree of its own, made from one snapshot, so that runs beside each other share nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core import Repository, Run
from jvs_core.faults import storage_error
from jvs_jupyter.runs.place import Place, within
from jvs_jupyter.runs.request import RunRequest
from jvs_jupyter.runs.spec import Spec


@dataclass
class Isolated:
    """The worktree of one isolated run. ``here`` is the worktree that the caller sees, ``cwd`` lies in the new one."""

    spec: Spec
    repository: Repository
    here: Path
    worktree: str
    root: Path
    base: str
    cwd: Path
    keep: bool = True

    def request(self) -> RunRequest:
        """Return the request for the run."""
        return RunRequest(
            Place(self.repository, self.worktree, self.root, self.cwd),
            before_snapshot_id=self.base,
            reproduces=self.spec.reproduces,
            point=self.spec.point,
        )

    def collect(self, run: Run) -> None:
        """Copy what the run made to the folder asked for, and decide whether the worktree stays.

        A file appears whole or not at all; caches do not. A run that is no result (``lost``) delivers nothing.
        """
        self.keep = self.spec.keep == "all" or (self.spec.keep == "failed" and run.outcome != "ok")
        if not self.delivers(run) or self.spec.outputs is None or run.after_snapshot_id is None:
            return
        changed = self.repository.compare(self.base, run.after_snapshot_id, caches=False)
        for path in (*changed.added, *changed.modified):
            source = self.root / os.fsdecode(path.encode("utf-8", "surrogateescape"))
            if not path.endswith("/"):
                copy(source, Path(self.spec.outputs) / source.relative_to(self.root))

    def delivers(self, run: Run) -> bool:
        """Return whether results of a run leave its worktree."""
        return run.outcome != "lost" and self.spec.deliver


@contextmanager
def worktree_of(spec: Spec, repository: Repository, worktree: str) -> Iterator[Isolated]:
    """Make the worktree of an isolated run and, unless it is to be kept, remove it after the block.

    The snapshot is the one the spec names, else one taken now of ``worktree``, under its lock. What a crash leaves
    ``jvs doctor`` finds, saves and removes.
    """
    here = repository.worktrees.path(worktree)
    base = base_snapshot(spec, repository, worktree)
    name = f"run-{base[:13]}-{secrets.token_hex(4)}"
    with repository.worktrees.isolated_run(name, from_=base) as made:
        try:
            cwd = within(here, os.path.abspath(spec.cwd or ".")) or "."
            inside = made.path / cwd
            isolated = Isolated(
                spec, repository, here, name, made.path, base, inside if inside.is_dir() else made.path
            )
            yield isolated
        except BaseException:
            made.keep = spec.keep != "none"
            raise
        made.keep = isolated.keep


def base_snapshot(spec: Spec, repository: Repository, worktree: str) -> str:
    """Return the snapshot that an isolated run starts from."""
    if spec.from_ is not None:
        return repository.resolve(spec.from_, worktree=worktree)
    made = repository.snapshot(
        f"before run of {spec.subject}"[:200],
        worktree=worktree,
        tags=("run", "before-run"),
        consistency="prefer_quiesced",
        kind="run",
        lock=True,
        wait_s=spec.wait_s,
    )
    return made.snapshot_id


def copy(source: Path, target: Path) -> None:
    """Copy a file or a link, with its times and mode; it appears whole or not at all. Raises NoSpace, EngineFailed."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, temporary, follow_symlinks=False)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise storage_error(error, f"the result {target}, a copy of {source}") from error
