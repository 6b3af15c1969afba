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

    def make_quickly(self, tree: Path) -> None:
        """Fill the folder ``tree`` by one thread, with content that is another in each file, and not random."""
        for start in range(0, self.files, FOLDER_FILES):
            folder = self._path(tree, start).parent
            folder.mkdir(parents=True, exist_ok=True)
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                for number in range(start, min(start + FOLDER_FILES, self.files)):
                    made = os.open(
                        f"file-{number:06}.bin", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=opened
                    )
                    os.write(made, (b"%012d\n" % number * (self.size // 13 + 1))[: self.size])
                    os.close(made)
            finally:
                os.close(opened)

    def make(self, tree: Path) -> None:
        """Fill the folder ``tree`` and make it durable. The content is the same every time."""
        for number in range(0, self.files, FOLDER_FILES):
            self._path(tree, number).parent.mkdir(parents=True, exist_ok=True)
        writers = _WRITERS if self.size <= _CHUNK_BYTES else 1
        with ThreadPoolExecutor(writers) as threads:
            for _ in threads.map(lambda first: self._fill_each(tree, first, writers), range(writers)):
                pass

    def change(self, tree: Path, generation: int) -> None:
        """Make change set ``generation``: always in the same files, spread over the tree, never of the same bytes."""
        touched = [self._path(tree, number * self.files // self.touched) for number in range(self.touched)]
        for number in range(CHANGES):
            patch = random.Random(f"{generation}.{number}").randbytes(min(_PATCH_BYTES, self.size))
            offset = number * (self.size - len(patch)) // CHANGES
            with touched[number % self.touched].open("r+b") as file:
                file.seek(offset)
                file.write(patch)
                file.flush()
                os.fsync(file.fileno())

    def _path(self, tree: Path, number: int) -> Path:
        return tree / f"part-{number // FOLDER_FILES:04}" / f"file-{number:06}.bin"

    def _fill_each(self, tree: Path, first: int, step: int) -> None:
        for number in range(first, self.files, step):
            self._fill(number, self._path(tree, number))

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
