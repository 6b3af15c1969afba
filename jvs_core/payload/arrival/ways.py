"""How payloads are made on the file system where they arrive: file by file, or after a clone of an earlier payload."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jvs_core.payload.copy.replication import make_top
from jvs_core.payload.engines import subvolume
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.faults import making


@dataclass(frozen=True)
class Way:
    """How one engine makes payloads that arrive.

    ``clone`` makes a new tree of an earlier payload in one call, hard links kept or (not ``keeps_links``) not; where it is
    None, unchanged files become further names of earlier ones. ``make_top`` makes an empty payload, and ``close`` is
    called when one is complete. ``threads`` above 0: every call waits for a network.
    """

    method: Method
    make_top: Callable[[Path], None] = make_top
    clone: Callable[[Path, Path], None] | None = None
    keeps_links: bool = True
    close: Callable[[Path], None] = lambda payload: None
    seal: bool = True
    threads: int = 0
    durable: bool = False


def way_of(engine: SnapshotEngine) -> Way:
    """Return the way of ``engine``, whose snapshots the payloads are to be like."""
    if engine.name == "juicefs-clone":
        return Way(
            "reflink",
            clone=_clone_on_juicefs,
            keeps_links=False,
            seal=False,
            threads=juicefs.THREADS,
            durable=True,
        )
    if engine.name == "btrfs-snapshot":
        return Way("reflink", make_top=_make_subvolume, clone=_snapshot, close=_close)
    return Way("copy" if engine.name == "copy" else "reflink")


def _clone_on_juicefs(earlier: Path, target: Path) -> None:
    with juicefs.clone(juicefs.find_client() or Path("juicefs"), earlier, target) as request:
        request.wait()


def _make_subvolume(target: Path) -> None:
    with making(target):
        subvolume.create(target)
        os.chmod(target, 0o700)


def _snapshot(earlier: Path, target: Path) -> None:
    with making(target):
        subvolume.snapshot(earlier, target, read_only=False)


def _close(payload: Path) -> None:
    with making(payload):
        subvolume.set_read_only(payload, True)
