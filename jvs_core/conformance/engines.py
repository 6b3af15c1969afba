"""Requirements of snapshot engines: each is tried on the file systems where it can work."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

from jvs_core.conformance.requirement import Chapter, Facts, NotHere, Scene, demand
from jvs_core.errors import EngineUnavailable
from jvs_core.payload.copy.captured import EngineName
from jvs_core.payload.engines import select
from jvs_core.payload.tree.sealing import sealed
from jvs_core.payload.tree.walk import scan

engines = Chapter("engine")

_FIEMAP = 0xC020660B
_FIEMAP_SYNC = 1
_EXTENT_SHARED = 0x2000
_Entry = tuple[bytes, str, int, int, int, bytes, bytes]


@engines("chosen", "The engine that the repository is configured to use, or the best engine, works here")
def _chosen(scene: Scene) -> Facts:
    repo = scene.repository()
    taken = repo.snapshot("chosen", lock=True)
    demand(taken.engine == repo.info().snapshot_engine, f"{taken.engine} ran instead")
    return {"engine": taken.engine, "degraded": list(taken.degraded)}


def _contract(scene: Scene, name: EngineName) -> Facts:
    """A snapshot is the worktree as it was; worktree, snapshot and what is restored never touch each other."""
    try:
        select.probe(name, scene.folder)
    except EngineUnavailable as error:
        raise NotHere(error.message) from error
    repo = scene.repository(engine=name)
    main = repo.root / "main"
    os.link(main / "notes.txt", main / "data" / "same.txt")
    (main / "link").symlink_to("notes.txt")
    os.mkfifo(main / "pipe")
    (main / "empty").mkdir(mode=0o710)
    os.chmod(main / "notes.txt", 0o640)
    os.utime(main / "notes.txt", ns=(1, 1_234_567_890_123_456_789))
    before = _state(main)
    first = repo.snapshot("first", lock=True)
    payload = repo.root / ".jvs" / "snapshots" / first.snapshot_id / "payload"
    demand(first.engine == name, f"{first.engine} ran instead")
    stored = _state(payload)
    demand(stored in (before, _sealed(before)), "the snapshot differs from the worktree")
    (main / "notes.txt").write_text("changed")
    (main / "data" / "a.csv").unlink()
    demand(_state(payload) == stored, "a change in the worktree also changed the snapshot")
    second = repo.snapshot("second", lock=True)
    demand(_state(payload) == stored, "a second snapshot changed the first")
    restored = Path(repo.restore(first.snapshot_id, name="back").path)
    demand(_state(restored) == before, "the restored worktree differs from the snapshot")
    with open(restored / "notes.txt", "r+b") as file:
        file.write(b"N")
    demand(_state(payload) == stored, "a change in the restored worktree also changed the snapshot")
    demand(repo.verify(every=True).ok, "the snapshots do not verify")
    return {"engine": name, "degraded": sorted({*first.degraded, *second.degraded})}


def _sealed(state: list[_Entry]) -> list[_Entry]:
    """Return what ``_state`` says of a payload: an engine that clones a whole tree leaves files the modes that they have."""
    return [
        (path, kind, sealed(mode) if kind == "f" else mode, time, group, target, content)
        for path, kind, mode, time, group, target, content in state
    ]


def _state(root: Path) -> list[_Entry]:
    """Return path, kind, mode, time, link group, target and content of everything below ``root``."""
    found: list[_Entry] = []
    for entry in scan(root).entries:
        if entry.path:
            path = os.path.join(os.fsencode(root), entry.path)
            content = Path(os.fsdecode(path)).read_bytes() if entry.kind == "f" else b""
            time = entry.mtime_ns if entry.kind != "d" else 0
            found.append((entry.path, entry.kind, entry.mode, time, entry.link_group, entry.target, content))
    return found


@engines("juicefs-clone", "juicefs-clone keeps what every engine promises")
def _juicefs_clone(scene: Scene) -> Facts:
    return _contract(scene, "juicefs-clone")


@engines("btrfs-snapshot", "btrfs-snapshot keeps what every engine promises")
def _btrfs_snapshot(scene: Scene) -> Facts:
    return _contract(scene, "btrfs-snapshot")


@engines("reflink-copy", "reflink-copy keeps what every engine promises")
def _reflink_copy(scene: Scene) -> Facts:
    return _contract(scene, "reflink-copy")


@engines("copy", "copy keeps what every engine promises")
def _copy(scene: Scene) -> Facts:
    return _contract(scene, "copy")


@engines("reflink-truth", "If reflink-copy or btrfs-snapshot ran, worktree and snapshot share their blocks")
def _reflink_truth(scene: Scene) -> Facts:
    repo = scene.repository()
    (repo.root / "main" / "large").write_bytes(os.urandom(4 << 20))
    taken = repo.snapshot("large", lock=True)
    if taken.engine not in ("reflink-copy", "btrfs-snapshot"):
        raise NotHere(f"{taken.engine} ran; with it, shared blocks are not visible")
    path = repo.root / ".jvs" / "snapshots" / taken.snapshot_id / "payload" / "large"
    extents, shared = _extents(path)
    demand(extents, "the file has no blocks")
    demand(shared == extents, f"{extents - shared} of {extents} extents are not shared")
    return {"engine": taken.engine, "extents": extents, "shared": shared}


def _extents(path: Path) -> tuple[int, int]:
    """Return how many extents a file has and how many of them another file shares, as the file system maps them."""
    most = 200
    head = struct.pack("=QQIIII", 0, (1 << 64) - 1, _FIEMAP_SYNC, 0, most, 0)
    buffer = bytearray(head + bytes(56 * most))
    with open(path, "rb") as file:
        try:
            fcntl.ioctl(file.fileno(), _FIEMAP, buffer)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP):
                raise NotHere("the file system does not say where its blocks are") from error
            raise
    mapped = struct.unpack_from("=QQIIII", buffer)[3]
    flags = [struct.unpack_from("=I", buffer, 32 + 56 * number + 40)[0] for number in range(mapped)]
    return mapped, sum(1 for flag in flags if flag & _EXTENT_SHARED)


@engines(
    "deterministic-hash", "The payload hash depends on content, names, modes and targets, and on nothing else"
)
def _deterministic_hash(scene: Scene) -> Facts:
    hashes = []
    for name, engine in (("one", None), ("other", "copy")):
        repo = scene.repository(name, engine=engine)
        os.utime(repo.root / "main" / "notes.txt", (0, 0)) if engine else None
        hashes.append(repo.snapshot(name, lock=True).payload_root_hash.value)
        if engine:
            for change in ("content", "mode", "name"):
                path = repo.root / "main" / "notes.txt"
                if change == "content":
                    path.write_text("notes.")
                elif change == "mode":
                    path.chmod(0o600 if path.stat().st_mode & 0o77 else 0o644)
                else:
                    path.rename(path.with_name("renamed.txt"))
                hashes.append(repo.snapshot(change, lock=True).payload_root_hash.value)
    demand(hashes[0] == hashes[1], "equal content has two hashes")
    demand(len(set(hashes[1:])) == 4, "different content has one hash")
    return {"hash": hashes[0]}
