"""What a repository's configuration leaves out of snapshots: paths by patterns, and known caches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import Changed

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

EXCLUDED = "excluded"
CACHE_FOLDERS = frozenset((b"__pycache__", b".ipynb_checkpoints", b".venv", b"node_modules", b"lost+found"))
TAG_NAME = b"CACHEDIR.TAG"
TAG_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"


@dataclass(frozen=True)
class ExcludeRules:
    """What is left out: ``patterns`` in the syntax of gitignore, from the top of the worktree, and with ``caches`` known caches.

    Known caches are folders of a known name, and those with a valid ``CACHEDIR.TAG``. A folder that is left out is left
    out whole: no pattern brings back what lies in it, as with git.
    """

    patterns: tuple[str, ...] = ()
    caches: bool = False

    def __bool__(self) -> bool:
        return bool(self.patterns) or self.caches

    def described(self) -> tuple[str, ...]:
        """Return what is left out, one text each: the patterns, then those that stand for known caches."""
        if not self.caches:
            return self.patterns
        names = sorted(os.fsdecode(name) for name in CACHE_FOLDERS)
        return (*self.patterns, *(f"{name}/" for name in names), os.fsdecode(TAG_NAME))

    def leaves_out(self, path: bytes, *, folder: bool) -> bool:
        """Say whether the entry at ``path`` is left out itself; its parents are not asked for."""
        if folder and self.caches and path.rpartition(b"/")[2] in CACHE_FOLDERS:
            return True
        if not self.patterns:
            return False
        return self._spec.match_file(os.fsdecode(path + b"/" if folder else path))

    def covers(self, path: bytes) -> bool:
        """Say whether ``path``, with a trailing slash that of a folder, or a folder that it lies in is left out by its name."""
        folder = path.endswith(b"/")
        parts = path.rstrip(b"/").split(b"/")
        above = (b"/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self.leaves_out(each, folder=True) for each in above) or self.leaves_out(
            b"/".join(parts), folder=folder
        )

    def is_tagged(self, folder: int) -> bool:
        """Say whether known caches are left out and the open ``folder`` has a tag that says it is one."""
        if not self.caches:
            return False
        try:
            fd, _ = content.open_regular(TAG_NAME, folder)
        except (OSError, Changed):
            return False
        with open(fd, "rb") as file:
            return file.read(len(TAG_SIGNATURE)) == TAG_SIGNATURE

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec  # only repositories with patterns pay for it

        return GitIgnoreSpec.from_lines(self.patterns)


NOTHING = ExcludeRules()
