"""The JupyterLab panel is a part of its own, which a package built without Node.js does not have: saying so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jupyter_core.paths import jupyter_path

EXTENSION = "jvs-snapshots"
_FRONT_ENDS = frozenset({"jupyterlab", "notebook"})
_WHY_NOT = Path(__file__).with_name("panel_missing.txt")
_LONGEST_REASON = 1_000
_MEND = (
    "Install Node.js 20 or later and run the same pip install again with --force-reinstall --no-deps "
    "--no-cache-dir, or install a wheel made by 'make build'. In a checkout installed with --editable: make lab"
)


def missing(extensions: Iterable[str]) -> str | None:
    """Return what to tell the user of a server with these extensions when it has no panel, else None.

    A server without JupyterLab and Notebook needs none.
    """
    if _FRONT_ENDS.isdisjoint(extensions) or _installed():
        return None
    return f"JVS has no panel in JupyterLab: {_reason()}. Everything else works. {_MEND}"


def _installed() -> bool:
    return any(Path(folder, EXTENSION, "package.json").is_file() for folder in jupyter_path("labextensions"))


def _reason() -> str:
    try:
        text = _WHY_NOT.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "it is not installed"
    return text.strip().rstrip(".")[:_LONGEST_REASON]
