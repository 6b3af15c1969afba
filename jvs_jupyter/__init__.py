"""Bring JVS into Jupyter's server, JupyterHub and papermill."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Return the server extension, as Jupyter Server asks for it."""
    from jvs_jupyter.server.extension import JvsServer

    return [{"module": "jvs_jupyter", "app": JvsServer}]
