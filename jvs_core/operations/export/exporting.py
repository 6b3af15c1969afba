"""Export: a snapshot, or a part of it, written to a file or folder and checked against its manifest on the way."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO

from jvs_core import clock, files
from jvs_core.model import ExportedPart
from jvs_core.operations import stored
from jvs_core.operations.context import Context, step
from jvs_core.operations.export.place import HashedFile, kind_of, new_file, new_folder, require_free
from jvs_core.operations.export.selection import Selection, choose
from jvs_core.operations.proof import making
from jvs_core.payload import manifest
from jvs_core.payload.archive import tar, zip  # noqa: A004 - what it writes
from jvs_core.payload.archive.compression import compressed, zstd
from jvs_core.payload.copy.single import extract_part
from jvs_core.progress import Progress
from jvs_core.results import Exported

_PIECE = 1 << 20


def export(
    ctx: Context,
    snapshot_id: str,
    path: str,
    target: Path,
    *,
    with_proof: bool,
    key: Path | None,
    progress: Progress,
) -> Exported:
    """Write ``path`` of a snapshot to ``target``, which appears whole, durable and checked, or not at all.

    See ``Repository.export``. Nothing in the repository is changed, and nothing keeps gc from taking the snapshot away
    meanwhile: then this fails with SnapshotExpired.
    """
    place = Path(os.path.abspath(target))
    kind = kind_of(place)
    require_free(ctx.layout, place)
    if kind == "tar.zst":
        zstd()
    with stored.unless_gone(ctx.layout, snapshot_id):
        chosen = choose(ctx, snapshot_id, path)
        part = ExportedPart(snapshot_id=snapshot_id, path=chosen.path.hex())
        proof = making.make(ctx, [snapshot_id], [], key, part) if with_proof else {}
        if kind == "folder":
            digest, degraded = _to_folder(ctx, chosen, place, proof, progress)
        else:
            digest, degraded = _to_file(chosen, place, kind, proof, progress)
    held = (entry for entry in chosen.entries if kind != "zip" or zip.can_hold(entry, chosen.name(entry)))
    count, size = manifest.totals(held)
    return Exported(path=str(place), files=count, bytes=size, sha256=digest, degraded=tuple(degraded))


def _to_file(
    chosen: Selection, place: Path, kind: str, proof: dict[str, bytes], progress: Progress
) -> tuple[str, list[str]]:
    """Write an archive; return its SHA-256 and what it does not hold."""
    descriptor = chosen.source.descriptor
    made_at = clock.parse(descriptor.created_at) // 1000
    arguments = (chosen.source.payload, chosen.entries, chosen.top, proof, made_at, progress)
    with new_file(place) as file:
        with step(progress, "export", manifest.totals(chosen.entries)[1]), chosen.source.read():
            if kind == "zip":
                degraded = zip.write(file, *arguments)
                digest = _digest(file)
            else:
                hashed = HashedFile(file)
                with compressed(hashed, kind) as sink:  # type: ignore[arg-type]  # compressors only write
                    degraded = tar.write(_Counted(sink), *arguments)
                digest = hashed.hexdigest()
        with step(progress, "settle"):
            file.flush()
            os.fsync(file.fileno())
    return digest, degraded


def _to_folder(
    ctx: Context, chosen: Selection, place: Path, proof: dict[str, bytes], progress: Progress
) -> tuple[str, list[str]]:
    """Make a folder; return the payload hash over what it holds and what it does not."""
    with new_folder(place) as temporary:
        tree = temporary
        if proof:
            files.make_folder(temporary, durable=False)
            tree = temporary / chosen.top
        with chosen.source.read(), ctx.bringing():
            degraded = extract_part(chosen.source.payload, chosen.entries, tree, progress)
        for name, data in proof.items():
            _make_folders(temporary, name)
            files.write_new(temporary / name, data, durable=False)
    return manifest.root_hash(chosen.entries), degraded


def _make_folders(top: Path, name: str) -> None:
    for folder in reversed(Path(name).parents[:-1]):
        files.make_folder(top / folder, exist_ok=True, durable=False)


def _digest(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file that was just written; a zip file is not written from beginning to end."""
    file.flush()
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


class _Counted:
    """A sink that knows how many bytes it took."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._count = 0

    def write(self, data: bytes | memoryview, /) -> None:
        """Write all of ``data``."""
        self._sink.write(data)
        self._count += len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._count
