"""Annotations: edits of a snapshot's note and tags, each a record of its own; the descriptor never changes.

An edit is the file ``annotations/<snapshot>/<number>``, numbered from 1, created exclusively and never
rewritten. The log binds each and holds it: it lies under a temporary name first, then the log is told, then it gets its
number. A crash in between leaves what the log does not know, which is nothing, or what ``doctor`` writes from the log.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import canonical, files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.model import SNAPSHOT_ID, Annotation

_NUMBER = re.compile(r"[1-9][0-9]{0,15}")
_ID = re.compile(SNAPSHOT_ID[1:-1])
_LAST = 2**53 - 1


def ids(layout: Layout) -> list[str]:
    """Return the snapshots that have something in the place of their annotations, sorted."""
    return sorted(name for name in layout.listing(layout.annotations()) if _ID.fullmatch(name))


def numbers(layout: Layout, snapshot_id: str) -> list[int]:
    """Return the numbers of a snapshot's annotations, lowest first."""
    names = layout.listing(layout.annotations(snapshot_id))
    return sorted(int(name) for name in names if _NUMBER.fullmatch(name))


def read(layout: Layout, snapshot_id: str) -> list[Annotation]:
    """Return a snapshot's annotations, oldest first.

    A missing one is not noticed here, but when the log is compared. Raises DescriptorCorrupt when one cannot be read,
    or speaks of another number or snapshot.
    """
    found = []
    for number in numbers(layout, snapshot_id):
        with suppress(FileNotFoundError):  # gone since the listing: gc takes all of a snapshot
            found.append(_read(layout, snapshot_id, number))
    return found


def next_number(layout: Layout, snapshot_id: str) -> int:
    """Return the number of a snapshot's next annotation. Raises DescriptorCorrupt when no number is left."""
    newest = max(numbers(layout, snapshot_id), default=0)
    if newest >= _LAST:
        raise DescriptorCorrupt(
            f"snapshot {snapshot_id} has an annotation {newest} that JVS never made", hint="jvs doctor"
        )
    return newest + 1


def encode(annotation: Annotation) -> bytes:
    """Return the bytes of an annotation's file."""
    return canonical.dumps(annotation.to_json()) + b"\n"


def place(layout: Layout, annotation: Annotation) -> Path:
    """Return the file of an annotation."""
    return layout.annotations(annotation.snapshot_id) / str(annotation.number)


@contextmanager
def written(layout: Layout, annotation: Annotation) -> Iterator[str]:
    """Write an annotation under a temporary name, durable, and yield its digest; after the block it gets its number.

    In the critical section; the block tells the log. A failure before that leaves nothing. Raises AlreadyExists: an
    annotation is never replaced.
    """
    critical.require(layout.repository_lock)
    data = encode(annotation)
    own = place(layout, annotation)
    files.make_folder(own.parent, mode=layout.folder_mode, exist_ok=True)
    draft = (
        layout.annotations() / f".{own.parent.name}-{own.name}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}"
    )
    try:
        files.write_new(draft, data, mode=layout.file_mode)
        yield hashlib.sha256(data).hexdigest()
        files.rename_durable(draft, own)
    except BaseException:
        with suppress(OSError, JvsError):
            files.unlink(draft)
        raise


def remove_all(layout: Layout, snapshot_id: str) -> None:
    """Remove a snapshot's annotations, durable; only of one that has a tombstone, which nobody annotates any more."""
    files.remove_any(layout.annotations(snapshot_id))


def _read(layout: Layout, snapshot_id: str, number: int) -> Annotation:
    called = f"annotation {number} of snapshot {snapshot_id}"
    found = Annotation.parse(layout.read(layout.annotations(snapshot_id) / str(number)), called)
    if (found.number, found.snapshot_id) != (number, snapshot_id):
        raise DescriptorCorrupt(f"{called} names another edit", hint="jvs doctor")
    return found
