"""The run of a notebook as one JSON object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from jvs_core import InputError, Repository, Run
from jvs_jupyter.runs.deliver import deliver
from jvs_jupyter.runs.place import within
from jvs_jupyter.runs.spec import Spec

OUTPUT_SUFFIX = ".out.ipynb"


class RunSpec(Spec):
    """One run of a notebook.

    ``output`` is where the output notebook goes (default: beside the notebook, ``NAME.out.ipynb``; an isolated run
    leaves it in its after-snapshot; ``deliver`` false leaves it there in any case).
    """

    notebook: Annotated[str, Field(min_length=1)]
    output: str | None = None
    kernel: str | None = None
    execution_timeout: Annotated[int, Field(gt=0)] | None = None

    @property
    def subject(self) -> str:
        """The notebook's path."""
        return self.notebook

    def settled(self, here: Path, worktree: str) -> Self:
        """Return the spec with absolute paths. Raises InputError for a notebook outside the worktree, or none."""
        local = Path(os.path.realpath(self.notebook))
        if within(here, local) is None:
            raise InputError(
                f"{self.notebook} is not in worktree {worktree!r}: a sweep runs the files of a snapshot",
                hint="copy the notebook into the worktree",
            )
        if self.from_ is None and not local.is_file():
            raise InputError(f"no notebook {self.notebook}")
        return self.model_copy(update={"notebook": str(local), "cwd": os.path.abspath(self.cwd or ".")})

    def identity(self, here: Path) -> str:
        """Return the notebook's path in the worktree."""
        return within(here, self.notebook) or self.notebook

    def repeats(self, run: Run, here: Path) -> bool:
        """Return whether a run is one of this notebook."""
        return run.notebook == self.identity(here)

    def result(self, folder: Path, label: str) -> Path:
        """Return the file for the output notebook of a point."""
        name = Path(default_output(self.notebook)).name.removesuffix(OUTPUT_SUFFIX)
        return folder / f"{name}.{label}.ipynb"

    def hand_over(self, repository: Repository, run: Run, target: Path) -> None:
        """Write the output notebook of a run."""
        if run.after_snapshot_id is not None and run.output_path is not None:
            deliver(repository, run, run.output_path, target)


def default_output(notebook: str) -> str:
    """Return where the output notebook goes unless somebody says so: beside the notebook."""
    return str(Path(notebook).with_name(Path(notebook).stem + OUTPUT_SUFFIX))
