"""Delivering results: files out of an after-snapshot, each whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from jvs_core import JvsError, Repository, Run


def deliver(repository: Repository, run: Run, target: Path) -> None:
    """Write the output notebook of a run, as its after-snapshot holds it, to ``target``. Raises JvsError."""
    if run.after_snapshot_id is None or run.output_path is None:
        return
    with repository.open_file(run.after_snapshot_id, run.output_path) as source:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            os.replace(temporary, target)
        except OSError as error:
            raise JvsError(
                f"the result of run {run.run_id} could not be written to {target}: {error.strerror}"
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
