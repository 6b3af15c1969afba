"""How many operations JVS asks JuiceFS for: some for each folder, none for a file, and a bounded number for a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import pytest

from jvs_core import Repository
from tests.bench.workload import FOLDER_FILES, MANY, Workload
from tests.support.filesystems import FileSystem, juicefs_volume
from tests.support.juicefs_operations import Operations, counted

pytestmark = pytest.mark.realfs
FEW, MORE = 1, 6
_EXPIRY_S = 1.2  # what the kernel keeps for a second saves operations that others would pay


@pytest.fixture(params=["redis", pytest.param("sqlite", marks=pytest.mark.further)])
def volume(request: pytest.FixtureRequest) -> Iterator[FileSystem]:
    """Mount a volume as it is by default: without extended attributes, of which a file has to be asked."""
    metadata: Literal["sqlite", "redis"] = request.param
    with juicefs_volume(metadata=metadata, clients=1, xattr=False) as found:
        yield found


def test_operations_grow_with_the_folders_not_with_the_files(volume: FileSystem) -> None:
    """Each walk asks for a folder's entries with their attributes at once; a snapshot walks twice, all else once."""
    few, more = _asked(volume, FEW), _asked(volume, MORE)
    for name, walks in {"status": 1, "snapshot": 2, "restore": 1}.items():
        for kind in ("meta", "fuse"):
            grown = getattr(more[name], kind).total() - getattr(few[name], kind).total()
            # A folder is looked up, opened, listed until its end and closed; a clone of it counts, too. It has 200 files.
            assert grown <= 12 * walks * (MORE - FEW), (name, kind, grown)
    for name, (meta, fuse) in {"status": (100, 150), "snapshot": (380, 560), "restore": (280, 420)}.items():
        found = few[name]
        assert found.meta.total() <= meta, (name, found)
        assert found.fuse.total() <= fuse, (name, found)


def _asked(volume: FileSystem, folders: int) -> dict[str, Operations]:
    """Return what is asked for by a status, a snapshot after one change and a restore of ``folders`` full folders."""
    repository = Repository.init(volume.mount / f"{folders}")
    workload = replace(MANY, files=folders * FOLDER_FILES)
    main = repository.root / "main"
    workload.make(main)
    head = repository.snapshot("first", lock=True)
    found = {}
    steps: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "status": (repository.status, repository.status),
        "snapshot": (lambda: _change(workload, repository), lambda: repository.snapshot("next", lock=True)),
        "restore": (lambda: None, lambda: repository.restore(head.snapshot_id, name="back")),
    }
    for name, (prepare, step) in steps.items():
        prepare()
        time.sleep(_EXPIRY_S)
        with counted(volume.mount) as found[name]:
            step()
    assert repository.status().clean
    return found


def _change(workload: Workload, repository: Repository) -> None:
    replace(workload, touched=1).change(repository.root / "main", 1)
