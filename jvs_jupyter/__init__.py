"""Bring JVS into Jupyter's server, JupyterHub and papermill, and record runs of notebooks and commands."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jvs_jupyter.runs.execute import run
    from jvs_jupyter.runs.reproduce import Reproduction, reproduce
    from jvs_jupyter.runs.sweep import sweep
    from jvs_jupyter.runs.table import Sweep

# Loaded on first use: the server needs no papermill.
_HOMES = {
    "Reproduction": "jvs_jupyter.runs.reproduce",
    "Sweep": "jvs_jupyter.runs.table",
    "reproduce": "jvs_jupyter.runs.reproduce",
    "run": "jvs_jupyter.runs.execute",
    "sweep": "jvs_jupyter.runs.sweep",
}

__all__ = ["Reproduction", "Sweep", "reproduce", "run", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jvs_jupyter' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return the server extension, as Jupyter Server asks for it."""
    from jvs_jupyter.server.extension import JvsServer

    return [{"module": "jvs_jupyter", "app": JvsServer}]
