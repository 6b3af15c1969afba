"""The verdict on a payload: what of it is not as its manifest says."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.payload.check.part import IDENTITY
from jvs_core.payload.check.sighting import Sighting
from jvs_core.payload.manifest.lines import decode, path_of
from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.faults import EXHAUSTED, GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import KINDS


class Verdict(NamedTuple):
    """What is wrong with a payload.

    ``root_hash`` (hex) is that of its manifest. ``damaged`` paths have another content or form than it says, are missing,
    surplus or unreadable (``failures`` says why); of ``drifted`` ones only times, owner, attributes or the other names
    of the file differ. Both are sorted.
    """

    root_hash: str
    damaged: list[bytes]
    drifted: list[bytes]
    failures: dict[bytes, JvsError]

    @property
    def sound(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.damaged and not self.drifted


def judge(root: Path, lines: Sequence[bytes], seen: Sighting, root_hash: str) -> Verdict:
    """Return the verdict on the payload ``root``, of which ``seen`` was seen. Raises DescriptorCorrupt for a malformed line."""
    drifted = {path_of(lines[position]) for position in _regrouped(seen)}
    failures = {path_of(lines[position]): error for position, error in sorted(seen.failures.items())}
    damaged = set(failures)
    suspect = {folder for folder, count in seen.listed.items() if 0 <= count != seen.children.get(folder, 0)}
    for position, made in seen.found.items():
        try:
            wanted = decode(lines[position])
        except ValueError as error:
            raise DescriptorCorrupt(f"this is no manifest: {error}") from error
        found = None if made is None else decode(made)
        if found is None or (wanted.path and _form(wanted) != _form(found)):
            damaged.add(wanted.path)
            suspect.add(split(wanted.path)[0])
        else:
            drifted.add(wanted.path)
    if suspect:
        damaged.update(_surplus(root, suspect, {path_of(line) for line in lines}))
    return Verdict(root_hash, sorted(damaged), sorted(drifted - damaged), failures)


def _form(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.mode, entry.size, entry.target, entry.sha256


def _regrouped(seen: Sighting) -> Iterator[int]:
    """Yield the positions of what is not one file with just those names with which the manifest says it is."""
    count = len(seen.inodes) - seen.inodes.count(b"")
    if not seen.groups and len({inode[:IDENTITY] for inode in seen.inodes if inode}) == count:
        return
    identities = [inode[:IDENTITY] for inode in seen.inodes]
    members: dict[int, list[int]] = {}
    for position, group in seen.groups.items():
        members.setdefault(group, []).append(position)
    taken = Counter(
        identity for position, identity in enumerate(identities) if identity and position not in seen.groups
    )
    for positions in members.values():
        taken.update({identities[position] for position in positions})
    for positions in members.values():
        found = {identities[position] for position in positions}
        if len(found) > 1 or b"" in found or any(taken[identity] > 1 for identity in found):
            yield from positions
    for position, identity in enumerate(identities):
        if identity and position not in seen.groups and taken[identity] > 1:
            yield position


@contextmanager
def _opened(root: Path) -> Iterator[Folders | None]:
    """Yield the folders of a payload, None where it is gone by now."""
    try:
        folders = Folders(root)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, os.fsencode(root), reading=True) from error
        yield None
        return
    with folders:
        yield folders


def _surplus(root: Path, suspect: set[bytes], wanted: set[bytes]) -> set[bytes]:
    """Return what the folders ``suspect`` hold besides ``wanted``, and what of them cannot be listed."""
    found: set[bytes] = set()
    waiting = list(suspect)
    with _opened(root) as folders:
        while folders and waiting:
            folder = waiting.pop()
            try:
                names = os.listdir(folders.at(folder))
                for name in map(os.fsencode, names):
                    path = folder + b"/" + name if folder else name
                    st = os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
                    kind = KINDS.get(stat.S_IFMT(st.st_mode))
                    if kind is None or path in wanted:
                        continue
                    found.add(path)
                    if kind == FOLDER:
                        waiting.append(path)
            except OSError as error:
                if error.errno in EXHAUSTED:
                    raise translate(error, folder, reading=True) from error
                if error.errno not in GONE:
                    found.add(folder)
    return found
