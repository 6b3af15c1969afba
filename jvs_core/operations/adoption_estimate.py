"""What keeping a history of a folder takes, before anything is made."""

from __future__ import annotations

import os
import re
import stat
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from jvs_core.errors import JvsError, PathNotFound
from jvs_core.operations import adoption
from jvs_core.payload.engines.footprint import shares_blocks
from jvs_core.payload.tree.entry import text
from jvs_core.payload.tree.exclude_rules import CACHE_FOLDERS
from jvs_core.results import AdoptionEstimate, HeavyFolder

_HEAVY_SHOWN = 10
_SUFFIX = "-history"
_LONGEST_NAME = 100
_BLOCK = 512
_KEPT_OF_A_FILE = 300  # bytes: its line in the manifest, and what the file system notes of a shared file


def estimate(folder: Path, name: str | None, within_s: float) -> AdoptionEstimate:
    """Count what lies in ``folder`` and say whether it can be adopted. See ``Repository.estimate``."""
    if not folder.is_dir():
        raise PathNotFound(f"{folder} is not a folder", hint="give an existing folder")
    folder = Path(os.path.realpath(folder))
    target = folder.parent / (name or free_name(folder))
    reason: JvsError | None = None
    try:
        adoption.require_adoptable(folder, target)
    except JvsError as error:
        reason = error
    counted = _Counted(folder)
    complete = counted.count(time.monotonic() + within_s)
    how: Literal["rename", "copy"] | None
    how = "rename" if reason is None else "copy" if adoption.is_copyable(folder, target) else None
    return AdoptionEstimate(
        folder=str(folder),
        repository=str(target),
        files=counted.files,
        bytes=counted.bytes,
        space=counted.files * _KEPT_OF_A_FILE if shares_blocks(folder) else counted.blocks,
        how=how,
        reason=None if reason is None else reason.to_json(),
        heavy=counted.heavy(),
        complete=complete,
    )


def free_name(folder: Path) -> str:
    """Return a name for the repository beside ``folder``, which nothing there has."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-._") or "folder"
    stem = plain[: _LONGEST_NAME - len(_SUFFIX) - 4] + _SUFFIX
    number = 1
    while os.path.lexists(folder.parent / (stem if number == 1 else f"{stem}-{number}")):
        number += 1
    return stem if number == 1 else f"{stem}-{number}"


class _Counted:
    """Files and bytes of a folder, and of the caches in it; mounts in it are not looked into."""

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)
        self._device = os.stat(root).st_dev
        self.files = self.bytes = self.blocks = 0
        self._cache_files: Counter[bytes] = Counter()
        self._cache_bytes: Counter[bytes] = Counter()

    def count(self, until: float) -> bool:
        """Walk the folder until that time and return whether that was enough."""
        pending: list[tuple[bytes, bytes | None]] = [(self._root, None)]
        while pending:
            if time.monotonic() >= until:
                return False
            folder, cache = pending.pop()
            for entry, found in _entries(folder):
                if stat.S_ISDIR(found.st_mode):
                    if found.st_dev == self._device:
                        name = entry if cache is None and os.path.basename(entry) in CACHE_FOLDERS else cache
                        pending.append((entry, name))
                elif stat.S_ISREG(found.st_mode):
                    self._add(found, cache)
        return True

    def heavy(self) -> list[HeavyFolder]:
        """Return the largest caches, largest first."""
        return [
            HeavyFolder(
                path=text(os.path.relpath(path, self._root)), files=self._cache_files[path], bytes=size
            )
            for path, size in self._cache_bytes.most_common(_HEAVY_SHOWN)
        ]

    def _add(self, found: os.stat_result, cache: bytes | None) -> None:
        self.files += 1
        self.bytes += found.st_size
        self.blocks += found.st_blocks * _BLOCK
        if cache is not None:
            self._cache_files[cache] += 1
            self._cache_bytes[cache] += found.st_size


def _entries(folder: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                yield entry.path, entry.stat(follow_symlinks=False)
