"""A run in a worktree of its own, made from one snapshot, so that runs beside each other share nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jvs_core import InputError, JvsError, Repository, Run
from jvs_jupyter.papermill import place as places
from jvs_jupyter.papermill.request import RunRequest
from jvs_jupyter.papermill.spec import RunSpec, default_output


@dataclass
class Isolated:
    """The worktree of one isolated run, the notebook as seen from it, and where its results are wanted."""

    spec: RunSpec
    repository: Repository
    worktree: str
    root: Path
    base: str
    input_path: str
    output_path: Path
    cwd: Path
    wanted_output: Path | None
    keep: bool = True

    def request(self) -> RunRequest:
        """Return the request for the run."""
        return RunRequest(
            places.Place(self.repository, self.worktree, self.root, self.cwd),
            before_snapshot_id=self.base,
            reproduces=self.spec.reproduces,
            point=self.spec.point,
        )

    def collect(self, run: Run) -> None:
        """Copy what the run made to the places asked for, and decide whether the worktree stays.

        A file appears whole or not at all. A run that is no result (``lost``) delivers nothing.
        """
        self.keep = self.spec.keep == "all" or (self.spec.keep == "failed" and run.outcome != "ok")
        if run.outcome == "lost" or not self.spec.deliver:
            return
        if self.wanted_output is not None and self.output_path.is_file():
            _copy(self.output_path, self.wanted_output)
        if self.spec.outputs is not None and run.after_snapshot_id is not None:
            changed = self.repository.compare(self.base, run.after_snapshot_id)
            for path in (*changed.added, *changed.modified):
                source = self.root / os.fsdecode(path.encode("utf-8", "surrogateescape"))
                if not path.endswith("/"):
                    _copy(source, Path(self.spec.outputs) / source.relative_to(self.root))


@contextmanager
def worktree_of(spec: RunSpec, repository: Repository, worktree: str) -> Iterator[Isolated]:
    """Make the worktree of an isolated run and, unless it is to be kept, remove it after the block.

    The snapshot is the one the spec names, else one taken now of ``worktree``, under its lock. What a crash leaves
    ``jvs doctor`` finds, saves and removes.
    """
    here = repository.worktrees.path(worktree)
    base = base_snapshot(spec, repository, worktree)
    name = f"run-{base[:13]}-{secrets.token_hex(4)}"
    with repository.worktrees.isolated_run(name, from_=base) as made:
        try:
            isolated = _seen_from(spec, repository, here, name, made.path, base)
            yield isolated
        except BaseException:
            made.keep = spec.keep != "none"
            raise
        made.keep = isolated.keep


def base_snapshot(spec: RunSpec, repository: Repository, worktree: str) -> str:
    """Return the snapshot that an isolated run starts from."""
    if spec.from_ is not None:
        return repository.resolve(spec.from_, worktree=worktree)
    made = repository.snapshot(
        f"before run of {spec.notebook}",
        worktree=worktree,
        tags=("run", "before-run"),
        consistency="prefer_quiesced",
        kind="run",
        lock=True,
        wait_s=spec.wait_s,
    )
    return made.snapshot_id


def _seen_from(
    spec: RunSpec, repository: Repository, here: Path, name: str, root: Path, base: str
) -> Isolated:
    input_path = spec.notebook
    inside: str | None
    if input_path.startswith(places.IN_SNAPSHOT):
        inside = places.in_snapshot(input_path)[1]
    else:
        local = Path(os.path.abspath(input_path))
        inside = _within(here, local)
        input_path = str(local if inside is None else root / inside)
        if inside is not None and not (root / inside).is_file():
            raise InputError(
                f"snapshot {base} holds no notebook {inside}", hint=f"jvs ls {base} shows what it holds"
            )
    wanted = None if spec.output is None else Path(os.path.abspath(spec.output))
    output = (_within(here, wanted) if wanted else None) or default_output(inside or Path(input_path).name)
    cwd = _within(here, Path(os.path.abspath(spec.cwd or "."))) or "."
    (root / output).parent.mkdir(parents=True, exist_ok=True)
    return Isolated(
        spec=spec,
        repository=repository,
        worktree=name,
        root=root,
        base=base,
        input_path=input_path,
        output_path=root / output,
        cwd=root / cwd if (root / cwd).is_dir() else root,
        wanted_output=wanted,
    )


def _within(folder: Path, path: Path) -> str | None:
    try:
        return str(Path(os.path.realpath(path)).relative_to(os.path.realpath(folder)))
    except ValueError:
        return None


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copy2(source, temporary, follow_symlinks=False)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise JvsError(f"the result {source} could not be copied to {target}: {error.strerror}") from error
