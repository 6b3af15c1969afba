"""Values of a comparison of a payload with its manifest: how deep to look, and what was found to differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from jvs_core.errors import JvsError, PayloadHashMismatch
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.packed import PackedInodes
from jvs_core.payload.tree.stamp import Stamp


class Depth(Enum):
    """How much of a payload is read.

    ``LOOK``: no content; kinds, sizes, link targets, names, modes, owners and times are compared. ``SUSPECT``: also the
    content of each file whose mode, owner or time is not as recorded. ``EVERY_BYTE``: the content of every file; a
    whole payload that is inspected so has its extended attributes compared, too.
    """

    LOOK = "look"
    SUSPECT = "suspect"
    EVERY_BYTE = "every byte"


@dataclass(frozen=True)
class Comparison:
    """What differs between a payload and its manifest; all paths are sorted, and in one category each.

    ``missing`` paths are gone. ``extra`` paths are not in the manifest. ``different`` paths have another kind, size,
    link target or content. ``unreadable`` has the reason why a path could not be read; nothing else is known of it.
    ``drifted`` paths differ only in mode, owner, time, extended attributes or hard links: no content is lost, and the
    manifest has the right values. ``regrouped`` are the drifted paths whose hard links differ.

    ``root_hash`` (hex) is that of the manifest, where it was computed. ``inodes`` has the device and inode number of
    each entry that was looked at and is there. ``sealed`` files have no write bits, as files of a
    payload should, so that their mode is not the manifest's. ``unread`` counts the files that were looked at only, by
    request.
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
    unread: int = 0

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
        """Return a comparison with each path in one category: missing or extra, then different, unreadable, drifted."""
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

    def stamps(self) -> Sequence[Stamp]:
        """Return the stamp of each entry of a sound payload, without ``ctime``, which new hard links move."""
        if isinstance(self.inodes, PackedInodes):
            return self.inodes.stamps()
        return [Stamp(inode[0], inode[1], -1) for inode in self.inodes]

    def dressed_otherwise(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those ``entries`` of the manifest that drifted or are sealed: a clone needs their attributes set."""
        paths = {*self.drifted, *self.sealed}
        return [entry for entry in entries if entry.path in paths] if paths else []

    def require_content(self, *, below: bytes = b"") -> Comparison:
        """Return this comparison if all content was read and is right.

        Errors name paths as they are ``below`` a folder.

        Raises PayloadHashMismatch, which names the damaged paths; if none is damaged, the error of the first unreadable
        one.
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
        f"the snapshot differs from its manifest: {listed(paths)}",
        hint="jvs verify",
        paths=list(paths),
    )
