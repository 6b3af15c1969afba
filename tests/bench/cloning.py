"""What a clone costs: ``python -m tests.bench.cloning [KIND…] [--files N] [--snapshots N] [--to KIND]``.

A repository with many snapshots of ``many`` lies on one file system of a kind and is cloned to another of it, or of the
kind that ``--to`` names. Its time is compared with that of one ``cp -a`` of its distinct files, and of one of all its
snapshots, hard links kept, each with a sync; its space with that of the source.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from jvs_core import Repository
from jvs_core.control import catalog
from jvs_core.payload import manifest
from tests.bench.workload import MANY
from tests.support.filesystems import KINDS, FileSystem, juicefs_volume, loop_filesystem

_FOLDER_FILES = 200


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND")
    options.add_argument("--files", type=int, default=MANY.files)
    options.add_argument("--snapshots", type=int, default=50)
    options.add_argument("--to", choices=KINDS)
    found = options.parse_args()
    os.nice(5)
    for kind in found.kinds:
        for line in measured(kind, found.to or kind, found.files, found.snapshots):
            print(line, flush=True)


@contextmanager
def _mounted(kind: str) -> Iterator[FileSystem]:
    made = juicefs_volume(clients=1) if kind == "juicefs" else loop_filesystem(kind, size=8 << 30)
    with made as filesystem:
        yield filesystem


def measured(kind: str, to: str, files: int, snapshots: int) -> Iterator[str]:
    """Yield the figures of clones from ``kind`` to ``to``."""
    with ExitStack() as stack:
        source, target = (stack.enter_context(_mounted(each)) for each in (kind, to))
        before = _used(source)
        repo = _repository(source.mount, files, snapshots)
        space = _used(source) - before
        yield f"{kind} to {to}: {repo.info().snapshot_engine}, {snapshots} snapshots of {files:,} files of 4 kB"
        empty = _used(target)
        began, used = time.monotonic(), _processor_s()
        made = Repository.clone(repo.root, target.mount / "clone")
        used = _processor_s() - used
        taken = time.monotonic() - began
        assert (made.snapshots, made.refused) == (snapshots, [])
        cloned = _used(target) - empty
        yield f"  clone {taken:.2f} s ({used:.2f} s of a processor), {cloned / 2**20:.1f} MiB; source {space / 2**20:.1f} MiB: {cloned / space:.3f}"
        _distinct(repo, source.mount / "distinct")
        for what, folder in (
            ("distinct files", source.mount / "distinct"),
            ("snapshots", repo.root / ".jvs" / "snapshots"),
        ):
            once, work = _copy(folder, target.mount / folder.name)
            yield (
                f"  cp -a of all {what} {once:.2f} s ({work:.2f}): clone {taken / once:.2f} times, "
                f"of a processor {used / work:.2f}"
            )
        assert Repository.open(target.mount / "clone").verify(every=True).ok


def _repository(folder: Path, files: int, snapshots: int) -> Repository:
    repo = Repository.init(folder / "repo")
    workload = replace(MANY, files=files)
    workload.make(repo.root / "main")
    for number in range(snapshots):
        if number:
            workload.change(repo.root / "main", number)
        repo.snapshot(f"{number}", lock=True)
    return repo


def _distinct(repo: Repository, folder: Path) -> None:
    """Put each distinct file of all snapshots into ``folder``, once, and the manifests: all bytes that a repository has."""
    known: set[bytes] = set()
    layout = repo._context.layout
    (folder / "manifests").mkdir(parents=True)
    for snapshot_id in catalog.ids(layout):
        (folder / "manifests" / snapshot_id).write_bytes(layout.manifest(snapshot_id).read_bytes())
        for entry in manifest.read(layout.manifest(snapshot_id)):
            if entry.sha256 and entry.sha256 not in known:
                place = folder / str(len(known) // _FOLDER_FILES)
                place.mkdir(parents=True, exist_ok=True)
                path = layout.payload(snapshot_id) / os.fsdecode(entry.path)
                (place / str(len(known))).write_bytes(path.read_bytes())
                known.add(entry.sha256)
    subprocess.run(["sync", "--file-system", folder], check=True)


def _copy(source: Path, target: Path) -> tuple[float, float]:
    began, used = time.monotonic(), _processor_s()
    subprocess.run(["cp", "-a", source, target], check=True)
    subprocess.run(["sync", "--file-system", target], check=True)
    return time.monotonic() - began, _processor_s() - used


def _processor_s() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _used(filesystem: FileSystem) -> int:
    os.sync()
    if filesystem.kind == "juicefs":
        time.sleep(2)  # its statistics come late
    found = os.statvfs(filesystem.mount)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


if __name__ == "__main__":
    main()
