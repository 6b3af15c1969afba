"""``%jvs``: snapshots of the workspace from the notebook. Load with ``%load_ext jvs_magics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_magics.metric import metric

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension", "metric", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make ``%jvs`` and ``%%jvs`` known to the shell, with completion and the record of executed cells."""
    from jvs_magics.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Give kept locks back and leave the shell as it was."""
    from jvs_magics.magics import unload

    unload(shell)
