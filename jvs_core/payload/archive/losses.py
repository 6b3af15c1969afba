"""What an archive cannot hold, by name: nothing is left out in silence."""

from __future__ import annotations

from collections import defaultdict

from jvs_core.payload.tree.faults import listed
from jvs_core.wording import counted

SPECIAL = "setuid, setgid or capabilities left out"
DRIFTED = "extended attributes left out, because they differ from what the snapshot recorded"
UNNAMED = "extended attributes left out, because their names are not UTF-8"
XATTRS = "extended attributes and access lists left out, because a zip file cannot hold them"
FIFOS = "FIFOs left out, because a zip file cannot hold them"
LINKED = "hard links written as separate files, because a zip file cannot hold them"
NAMES = "left out, because a zip file cannot hold their names (not UTF-8, with a backslash or control character, or too long)"
TIMES = "times left out, because a zip file cannot hold them (before 1980 or after 2107)"


class Losses:
    """What got lost, as paths by reason."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[bytes]] = defaultdict(list)

    def add(self, reason: str, path: bytes) -> None:
        """Note that something of ``path`` is not in the archive."""
        self._found[reason].append(path)

    def lines(self) -> list[str]:
        """Return a line for each reason."""
        return [
            f"{reason}: {counted(len(paths), 'entry', 'entries')}: {listed(sorted(paths))}"
            for reason, paths in sorted(self._found.items())
        ]
