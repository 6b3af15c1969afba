"""How a payload compares with its manifest: how deep to look, and the one answer to every such question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from jvs_core.errors import JvsError, PayloadHashMismatch
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.walk import Stamp


class Depth(Enum):
    """How much of a payload is read.

    ``LOOK``: no content; kinds, sizes, link targets, names, modes, owners and times are compared. ``SUSPECT``: also the
    content of each file whose mode, owner or time is not as recorded. ``EVERY_BYTE``: the content of every file; a whole
    payload that is inspected so has its extended attributes compared, too.
    """

    LOOK = "look"
    SUSPECT = "suspect"
    EVERY_BYTE = "every byte"


@dataclass(frozen=True)
class Comparison:
    """What of a payload is not as its manifest says; all paths are sorted, and in one category each.

    ``missing`` paths are gone, ``extra`` ones are not in the manifest, ``different`` ones have another kind, size, target
    or content. ``unreadable`` says why something could not be read: then nothing is known of it. Of ``drifted`` ones only
    mode, owner, time, extended attributes or the other names of the file differ: no content is lost, and the manifest has
    what they should be. ``regrouped`` are those of them that are one file with other names than the manifest says.

    ``root_hash`` (hex) is that of the manifest, where it was computed. ``inodes`` has the device and inode number of each
    entry that is there, where a whole payload was looked at. ``sealed`` files have the mode of a payload, which is not the one
    that they have outside.
    """

    missing: Sequence[bytes] = ()
    extra: Sequence[bytes] = ()
    different: Sequence[bytes] = ()
    drifted: Sequence[bytes] = ()
    unreadable: dict[bytes, JvsError] = field(default_factory=dict)
    regrouped: Sequence[bytes] = ()
    root_hash: str = ""
    inodes: Sequence[tuple[int, ...]] = field(default=(), compare=False, repr=False)
    sealed: Sequence[bytes] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(
        cls,
        missing: Iterable[bytes],
        extra: Iterable[bytes],
        different: Iterable[bytes],
        drifted: Iterable[bytes],
        unreadable: Mapping[bytes, JvsError],
        *,
        regrouped: Iterable[bytes] = (),
        root_hash: str = "",
        inodes: Sequence[tuple[int, ...]] = (),
        sealed: Sequence[bytes] = (),
    ) -> Comparison:
        """Return the comparison in which each path has the first category that it was found to be in."""
        gone, new = set(missing), set(extra)
        other = set(different) - gone - new
        closed = {path: why for path, why in sorted(unreadable.items()) if path not in other | new}
        grouped = set(regrouped)
        moved = {*drifted, *grouped}.difference(gone, other, closed)
        return cls(
            sorted(gone),
            sorted(new),
            sorted(other),
            sorted(moved),
            closed,
            sorted(grouped & moved),
            root_hash,
            inodes,
            sealed,
        )

    @property
    def damaged(self) -> list[bytes]:
        """Return the paths whose content is known to be wrong, sorted: missing, extra and different ones."""
        return sorted([*self.missing, *self.extra, *self.different])

    @property
    def wrong(self) -> list[bytes]:
        """Return the damaged and the unreadable paths, sorted."""
        return sorted([*self.damaged, *self.unreadable])

    @property
    def sound(self) -> bool:
        """Say whether nothing at all differs."""
        return not self.wrong and not self.drifted

    def stamps(self) -> list[Stamp]:
        """Return what identifies each entry of a sound payload for a copy. The time is left open: another snapshot that shares a file moves it."""
        return [Stamp(inode[0], inode[1], -1) for inode in self.inodes]

    def dressed_otherwise(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of the manifest's ``entries`` that drifted or are sealed: a clone of the whole has other attributes."""
        paths = {*self.drifted, *self.sealed}
        return [entry for entry in entries if entry.path in paths] if paths else []

    def require_content(self, *, below: bytes = b"") -> Comparison:
        """Return this, if all content could be read and is right; paths are told as they are ``below`` a folder.

        Raises PayloadHashMismatch, which names the damaged paths; else the error of the first one that is unreadable.
        """
        prefix = below + b"/" if below else b""
        if self.damaged:
            raise mismatch([prefix + path if path else below for path in self.damaged])
        for error in self.unreadable.values():
            raise error
        return self


def mismatch(paths: Sequence[bytes]) -> PayloadHashMismatch:
    """Return the error that names the damaged ``paths``."""
    return PayloadHashMismatch(
        f"the snapshot is not what its manifest says: {listed(paths)}",
        hint="jvs verify",
        paths=list(paths),
    )
