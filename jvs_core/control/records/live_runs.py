"""What is known of runs under way beside their records: how far they came, and whether they are to stop.

In ``.jvs/runs/live``: a run replaces ``<run id>.json`` once a second at most, and whoever wants it stopped makes
``<run id>.cancel``, which says so. Neither is durable, in the log, or believed: a crash may lose them, they go with the end of the run,
and what lies there without a run under way means nothing.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from jvs_core import files, regular
from jvs_core.control.layout import Layout
from jvs_core.control.records.runs import RUNS
from jvs_core.errors import DescriptorCorrupt, JvsError, LockConflict, PathEscape
from jvs_core.model import RunProgress

PROGRESS = ".json"
CANCEL = ".cancel"
_LARGEST = 1 << 16
_MOST_METRICS = 50
_LONGEST = 200


def write(layout: Layout, progress: RunProgress) -> None:
    """Replace what is known of a run; of its metrics the first 50, of their texts the first 200 characters.

    Not durable. A crash leaves what was there before, or nothing.
    """
    data = _bounded(progress).model_dump_json().encode()
    place = _place(layout, progress.run_id, PROGRESS)
    files.make_folder(place.parent, mode=layout.folder_mode, exist_ok=True)
    files.write_atomic(place, data, mode=layout.file_mode, durable=False)


def read(layout: Layout, run_id: str) -> RunProgress | None:
    """Return what is known of a run; None where nothing is, or what lies there is none of it."""
    try:
        data = regular.read_regular(_place(layout, run_id, PROGRESS), most=_LARGEST)
        found = RunProgress.parse(data, f"the progress of run {run_id}")
    except (OSError, JvsError):
        return None
    return _bounded(found) if found.run_id == run_id else None


def ask_to_stop(layout: Layout, run_id: str) -> None:
    """Leave the request that a run stop, in place of whatever has its name: another user's is none, and must not hide it."""
    place = _place(layout, run_id, CANCEL)
    files.make_folder(place.parent, mode=layout.folder_mode, exist_ok=True)
    try:
        files.write_atomic(place, _request(run_id), mode=layout.intent_mode, durable=False)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
        raise LockConflict(
            f"run {run_id} cannot be stopped: {place} is in the way, and you may not replace it",
            hint="interrupt its process, or ask the owner of that file to remove it",
        ) from error


def is_to_stop(layout: Layout, run_id: str) -> bool:
    """Return whether the caller, or root, asked that a run stop. What others ask does not count.

    In a folder that a group writes, its members can give any file there this name, and a second one to any file that they
    may write. So the request says which run it means, and nobody but its owner can have written it.
    """
    try:
        data, about = regular.read_with_status(_place(layout, run_id, CANCEL), most=_LONGEST)
    except (OSError, JvsError):
        return False
    alone = about.st_nlink == 1 and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return about.st_uid in (os.geteuid(), 0) and alone and data == _request(run_id)


def _request(run_id: str) -> bytes:
    return f"stop {run_id}\n".encode("ascii")


def mark(layout: Layout) -> tuple[int, ...]:
    """Return what changes with whatever is known of runs under way."""
    try:
        about = files.status(_folder(layout))
    except (OSError, PathEscape):
        return ()
    return about.st_ino, about.st_mtime_ns


def forget(layout: Layout, run_id: str) -> None:
    """Remove what is known of a run that ended. What cannot be removed stays, and means nothing."""
    for suffix in (PROGRESS, CANCEL):
        with suppress(OSError, JvsError):
            files.unlink(_place(layout, run_id, suffix))


def forget_ended(layout: Layout, started: Callable[[], Iterable[str]]) -> None:
    """Remove what killed runs left: of those that are not among the ``started``, which are looked up only then."""
    try:
        known = {name.partition(".")[0] for name in layout.listing(_folder(layout))}
    except (OSError, DescriptorCorrupt, PathEscape):
        return
    if known:
        for run_id in known.difference(started()):
            if RUNS.fits(run_id):
                forget(layout, run_id)


def _folder(layout: Layout) -> Path:
    return layout.runs / "live"


def _place(layout: Layout, run_id: str, suffix: str) -> Path:
    return _folder(layout) / RUNS.place(layout, run_id).with_suffix(suffix).name


def _bounded(progress: RunProgress) -> RunProgress:
    metrics = list(progress.metrics.items())[:_MOST_METRICS]
    return progress.changed(metrics={name[:_LONGEST]: _short(value) for name, value in metrics})


def _short(value: object) -> object:
    if value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < math.inf):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
