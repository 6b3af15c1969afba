"""Names of worktrees and refs: which are allowed, and that none leads out of the repository."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from jvs_core.errors import NameInvalid, PathEscape
from jvs_core.model import NAME, SNAPSHOT_ID

MAIN = "main"
_RULE = "letters, digits, '.', '_' and '-', at most 100, starting with a letter or digit"


def check_name(name: str, what: str) -> str:
    """Return ``name`` in NFC if it may name a ``what`` (repository, worktree, ref, policy).

    Raises NameInvalid.
    """
    normal = unicodedata.normalize("NFC", name)
    if not normal:
        raise NameInvalid(f"the name of the {what} is empty", hint=f"use {_RULE}")
    if not re.fullmatch(NAME[1:-1], normal):
        raise NameInvalid(f"not a valid {what} name: {name!r}", hint=f"use {_RULE}")
    return normal


def check_worktree_name(name: str) -> str:
    """Return the name for a new worktree. ``main`` is taken by every repository. Raises NameInvalid."""
    normal = check_name(name, "worktree")
    if normal == MAIN:
        raise NameInvalid(
            "a worktree cannot be called 'main': every repository already has that worktree",
            hint="choose another name",
        )
    return normal


def check_ref_name(name: str) -> str:
    """Return the name for a new ref: never ``HEAD``, never the shape of a snapshot id.

    Raises NameInvalid.
    """
    normal = check_name(name, "ref")
    if normal.upper() == "HEAD" or re.fullmatch(SNAPSHOT_ID[1:-1], normal):
        raise NameInvalid(
            f"a ref cannot be called {normal!r}: it looks like a snapshot id, or like HEAD",
            hint="choose another name",
        )
    return normal


def check_run_name(name: str) -> str:
    """Return the name for a run: never the shape of a run's id, nor of what may begin one. Raises NameInvalid."""
    normal = check_name(name, "run")
    if re.fullmatch(r"run-[0-9]*(-[0-9a-f]*)?|[0-9a-f]{1,8}", normal):
        raise NameInvalid(
            f"a run cannot be called {normal!r}: it looks like the id of a run", hint="choose another name"
        )
    return normal


def inside(root: Path, path: Path) -> Path:
    """Return ``path`` if it is in ``root`` and no part of it below ``root`` is a symbolic link.

    Raises PathEscape.
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError as error:
        raise PathEscape(f"{path} is outside the repository {root}") from error
    here = root
    for part in parts:
        here = here / part
        if part == ".." or here.is_symlink():
            raise PathEscape(
                f"{here} leads outside the repository",
                hint="replace the symbolic link by a real folder",
                path=str(here),
            )
    return path
