"""Values of a replication: the plan of a second tree like the first, and what was made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from jvs_core.payload.changes.writeback_time import NEVER, WritebackTime
from jvs_core.payload.copy.linking import Owner
from jvs_core.payload.copy.transfer import Action, Outcome, attribute_losses
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.packed import Editable
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.work import pool
from jvs_core.wording import counted


class Hint(NamedTuple):
    """What is known of a file before it is copied; the fields are those of ``Item``."""

    action: Action = "make"
    sha256: bytes = b""
    xattrs: bytes | None = None
    previous_sha256: bytes = b""
    previous_xattrs: bytes = b""


NOTHING_KNOWN = Hint()


@dataclass
class Replica:
    """What a replication made.

    ``entries`` is parallel to those of the plan and describes the target; None stands for a file that was gone.
    ``changed`` names what was not as scanned.
    """

    entries: Editable
    changed: set[bytes] = field(default_factory=set)
    refused: list[bytes] = field(default_factory=list)
    drifted: list[bytes] = field(default_factory=list)
    unshared: dict[str, list[bytes]] = field(default_factory=dict)

    def note(self, position: int, old: Entry, result: Outcome, usual: tuple[str, ...]) -> None:
        """Record what became of an item that did not go as most do; ``usual`` ways of copying are not mentioned."""
        if result.changed:
            self.changed.add(old.path)
        if result.gone:
            self.entries[position] = None
            return
        self.entries[position] = old._replace(
            mode=result.mode, uid=result.uid, gid=result.gid, size=result.size, mtime_ns=result.mtime_ns,
            xattrs=result.xattrs, sha256=result.sha256,
        )  # fmt: skip
        if result.refused:
            self.refused.append(old.path)
        if result.drifted:
            self.drifted.append(old.path)
        if result.how not in ("", "link", *usual):
            self.unshared.setdefault(result.how, []).append(old.path)

    def losses(self) -> list[str]:
        """Return what could not be kept, one line each."""
        return attribute_losses(self.refused, self.drifted)

    def degraded(self) -> list[str]:
        """Return what could not be kept or not be shared, one line each."""
        lines = self.losses()
        for how, paths in sorted(self.unshared.items()):
            way = (
                "copied without shared blocks"
                if how == "copy"
                else "cloned with copy_file_range, because the file system refused FICLONE"
            )
            lines.append(f"{counted(len(paths), 'file was', 'files were')} {way}: {listed(sorted(paths))}")
        return lines


@dataclass(frozen=True)
class Plan:
    """What to replicate: ``entries``, with the mode and owner that the target is to have, found at ``source``.

    ``stamps`` is parallel to ``entries``. A ``ctime_ns`` of -1 is not compared: nobody changes that source. For others
    ``writeback`` says which changes would show. ``shared``, parallel where given, marks files that the snapshot
    ``previous`` has as they are wanted; ``adapted`` has ``st_mode`` and owner of those that differ from their source.
    ``hint`` is called with the position of every other regular file. With ``held`` the source is a payload, and
    ``entries`` decide on extended attributes. Processes in ``waiting`` may do the work. With ``seal`` the target is the
    payload of a snapshot, whose files nobody may write.
    """

    source: Path
    target: Path
    entries: Sequence[Entry]
    stamps: Sequence[Stamp]
    method: Method
    writeback: WritebackTime = NEVER
    previous: Path | None = None
    shared: bytearray = field(default_factory=bytearray)
    adapted: Mapping[int, Owner] = field(default_factory=dict)
    hint: Callable[[int], Hint] = lambda position: NOTHING_KNOWN
    held: bool = False
    waiting: pool.Standby = field(default_factory=list)
    seal: bool = False
