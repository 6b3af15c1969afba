"""What is measured: trees of files with content that nothing compresses."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

FOLDER_FILES = 200
CHANGES = 10
_PATCH_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_WRITERS = 16


@dataclass(frozen=True)
class Workload:
    """``files`` files of ``size`` bytes each; a change set overwrites 4 kB at ten places in ``touched`` of them."""

    name: str
    files: int
    size: int
    touched: int = CHANGES

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return self.files * self.size

    def make(self, tree: Path) -> None:
        """Fill the folder ``tree`` and make it durable. The content is the same every time."""
        for folder in {path.parent for path in self._paths(tree)}:
            folder.mkdir(parents=True, exist_ok=True)
        writers = _WRITERS if self.size <= _CHUNK_BYTES else 1
        with ThreadPoolExecutor(writers) as threads:
            for _ in threads.map(lambda first: self._fill_each(tree, first, writers), range(writers)):
                pass

    def change(self, tree: Path, generation: int) -> None:
        """Make change set ``generation``: always in the same files, spread over the tree, never of the same bytes."""
        paths = self._paths(tree)
        touched = [paths[number * self.files // self.touched] for number in range(self.touched)]
        for number in range(CHANGES):
            patch = random.Random(f"{generation}.{number}").randbytes(min(_PATCH_BYTES, self.size))
            offset = number * (self.size - len(patch)) // CHANGES
            with touched[number % self.touched].open("r+b") as file:
                file.seek(offset)
                file.write(patch)
                file.flush()
                os.fsync(file.fileno())

    def _paths(self, tree: Path) -> list[Path]:
        return [
            tree / f"part-{number // FOLDER_FILES:04}" / f"file-{number:06}.bin"
            for number in range(self.files)
        ]

    def _fill_each(self, tree: Path, first: int, step: int) -> None:
        for number, path in list(enumerate(self._paths(tree)))[first::step]:
            self._fill(number, path)

    def _fill(self, number: int, path: Path) -> None:
        source = random.Random(number)
        left = self.size
        with path.open("wb") as file:
            while left:
                file.write(source.randbytes(min(left, _CHUNK_BYTES)))
                left -= min(left, _CHUNK_BYTES)
            file.flush()
            if self.size > _CHUNK_BYTES:
                os.fsync(file.fileno())


NOTEBOOK = Workload("notebook", 60, 20_000)
MANY = Workload("many", 20_000, 4096)
LARGE = Workload("large", 8, 128 << 20, touched=1)
WORKLOADS = {workload.name: workload for workload in (NOTEBOOK, MANY, LARGE)}
