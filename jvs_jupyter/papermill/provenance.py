"""What a run was made from: the notebook's hash."""

from __future__ import annotations

import hashlib
from typing import Any

from jvs_jupyter.papermill.place import IN_SNAPSHOT, local_path


def notebook_sha256(nb: Any, input_path: Any) -> str:
    """Return the SHA-256 of the notebook as it lies in its file.

    A notebook that came from a pipe, from memory or over the network is hashed as papermill read it, without what
    papermill put into it.
    """
    local = local_path(input_path)
    if local is not None and local.is_file():
        return hashlib.sha256(local.read_bytes()).hexdigest()
    if isinstance(input_path, str) and input_path.startswith(IN_SNAPSHOT):
        from jvs_jupyter.papermill.io import handler

        return hashlib.sha256(handler.read(input_path).encode()).hexdigest()
    sources = "\0".join(
        f"{cell.cell_type}\0{cell.source}"
        for cell in nb.cells
        if "injected-parameters" not in cell.metadata.get("tags", ())
    )
    return hashlib.sha256(sources.encode("utf-8", "surrogatepass")).hexdigest()
