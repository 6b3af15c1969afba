"""Reading manifests that resemble each other: what the one before has too is not taken apart again."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from operator import lt
from pathlib import Path

from jvs_core.payload.manifest.document import HEADER, root_hash_of
from jvs_core.payload.manifest.lines import record
from jvs_core.payload.manifest.parser import Parser
from jvs_core.payload.tree.entry import FOLDER, Entry

_FILE = b"f\t"


@dataclass
class Alike:
    """What was read last. Entries of equal lines are the same object in one answer and the next."""

    _known: dict[bytes, tuple[Entry, bytes]] = field(default_factory=dict)
    _folders: set[bytes] = field(default_factory=set)
    _plain: bool = False

    def read(self, data: bytes, path: Path) -> tuple[list[Entry], str]:
        """Return the entries of a manifest, the bytes ``data`` of the file ``path``, and the root hash that they give.

        Raises PartialSnapshot, DescriptorCorrupt, as ``read`` of a manifest does.
        """
        lines = data.split(b"\n")
        end = b"end %d" % (len(lines) - 3)
        found = None
        if data.startswith(HEADER) and lines[-2:] == [end, b""]:
            found = self._read_alike(lines[1:-2], path)
        if found is None:
            found = self._read_anew(data, lines[1:-2], path)
        return [entry for entry, _ in found], root_hash_of([b"".join([one for _, one in found[1:]])])

    def _read_alike(self, lines: list[bytes], path: Path) -> list[tuple[Entry, bytes]] | None:
        """Read a manifest that differs from the last one in some files of one name; None for any other."""
        known = self._known
        new = [line for line in lines if line not in known]
        if not self._plain or len(lines) != len(set(lines)) or len(new) > len(lines) // 4:
            return None
        gone = known.keys() - set(lines)
        if not all(line.startswith(_FILE) for line in (*new, *gone)):
            return None
        parser = Parser(path)
        parser.folders = self._folders
        try:
            for line in new:
                known[line] = _with_record(parser.parse(line + b"\n"))
        except (ValueError, IndexError):  # the whole reading says which line it is
            return None
        for line in gone:
            del known[line]
        found = [known[line] for line in lines]
        paths = [entry.path for entry, _ in found]
        if parser.groups or not all(map(lt, paths, paths[1:])):
            return None
        return found

    def _read_anew(self, data: bytes, lines: list[bytes], path: Path) -> list[tuple[Entry, bytes]]:
        self._plain = False
        parser = Parser(path)
        entries = parser.read(io.BytesIO(data), HEADER)
        found = [_with_record(entry) for entry in entries]
        self._known = dict(zip(lines, found, strict=True))
        self._folders = {entry.path for entry in entries if entry.kind == FOLDER}
        self._plain = not parser.groups
        return found


def _with_record(entry: Entry) -> tuple[Entry, bytes]:
    path, kind, mode, _, _, size, _, target, _, _, sha = entry
    return entry, record(path, kind.encode(), mode, size, target, sha)
