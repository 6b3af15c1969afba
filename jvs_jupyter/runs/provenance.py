"""What a run was made in: the environment and its digest, the commit around it."""

from __future__ import annotations

import hashlib
import math
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_GIT_TIMEOUT_S = 5.0


@cache
def environment_lines() -> tuple[str, ...]:
    """Return the Python version and what is installed, sorted, as lines ``name==version``; read once a process."""
    names = {
        (dist.metadata["Name"] or "").lower().replace("_", "-") + "==" + dist.version
        for dist in metadata.distributions()
    }
    return (f"python=={platform.python_version()}", *sorted(names))


@cache
def environment_digest() -> str:
    """Return the SHA-256 over ``environment_lines``: the environment of the process that records the run."""
    return hashlib.sha256("\n".join(environment_lines()).encode()).hexdigest()


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
