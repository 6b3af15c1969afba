"""A notebook as seen from the worktree of an isolated run, and where its output notebook is wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jvs_core import InputError, Run
from jvs_jupyter.papermill import place as places
from jvs_jupyter.papermill.spec import RunSpec, default_output
from jvs_jupyter.runs.isolate import Isolated, copy
from jvs_jupyter.runs.place import within


@dataclass(frozen=True)
class SeenNotebook:
    """Where papermill is to read and write."""

    input_path: str
    output_path: Path
    wanted_output: Path | None

    def collect(self, isolated: Isolated, run: Run) -> None:
        """Copy the output notebook to the place asked for."""
        if isolated.delivers(run) and self.wanted_output is not None and self.output_path.is_file():
            copy(self.output_path, self.wanted_output)


def seen_from(spec: RunSpec, isolated: Isolated) -> SeenNotebook:
    """Return the paths of a notebook in an isolated worktree. Raises InputError when its snapshot does not hold it."""
    root, input_path = isolated.root, spec.notebook
    inside: str | None
    if input_path.startswith(places.IN_SNAPSHOT):
        inside = places.in_snapshot(input_path)[1]
    else:
        local = Path(os.path.abspath(input_path))
        inside = within(isolated.here, local)
        input_path = str(local if inside is None else root / inside)
        if inside is not None and not (root / inside).is_file():
            raise InputError(
                f"snapshot {isolated.base} contains no notebook {inside}",
                hint=f"jvs ls {isolated.base} shows what it holds",
            )
    wanted = None if spec.output is None else Path(os.path.abspath(spec.output))
    output = (within(isolated.here, wanted) if wanted else None) or default_output(
        inside or Path(input_path).name
    )
    (root / output).parent.mkdir(parents=True, exist_ok=True)
    return SeenNotebook(input_path, root / output, wanted)
