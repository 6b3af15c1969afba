"""What a run was made from: the notebook's hash, the environment's digest, the commit around it."""

from __future__ import annotations

import hashlib
import math
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from jvs_jupyter.papermill.place import IN_SNAPSHOT, local_path

_GIT_TIMEOUT_S = 5.0


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


@cache
def environment_digest() -> str:
    """Return the SHA-256 over the Python version and the sorted ``name==version`` lines of what is installed.

    The environment is that of the process that runs papermill; it is read once a process.
    """
    names = {
        (dist.metadata["Name"] or "").lower().replace("_", "-") + "==" + dist.version
        for dist in metadata.distributions()
    }
    lines = [f"python=={platform.python_version()}", *sorted(names)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def git_commit(folder: Path) -> str | None:
    """Return the commit that a git checkout around ``folder`` is at; None where there is none, or no git."""
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return None
    try:
        done = subprocess.run(
            ["git", "-C", folder, "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def plain(value: Any) -> Any:
    """Return a parameter or metric as JSON can carry it; what has no JSON form as text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return plain(value.item())
    return str(value).encode("utf-8", "backslashreplace").decode()
