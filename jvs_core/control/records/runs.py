"""Run records: one file a run, written before its first cell and replaced when it ended.

The log binds each: what a record is to be is written under a temporary name first, then its digest goes into the log,
then it gets its name. A crash in between leaves a record that the log does not know, which is nothing, or one that it
knows, which ``doctor`` gives its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from jvs_core import anchored, clock, files, regular, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.control.records.register import SUFFIX, Register
from jvs_core.errors import DescriptorCorrupt, InputError, JvsError, RunNotFound
from jvs_core.model import RUN_ID, Run
from jvs_core.wording import counted

T = TypeVar("T")
_STARTED = re.compile(rb'"outcome"\s*:\s*"started"')
_RANDOM_AT = len("run-0000000000000-")
_CANDIDATES_SHOWN = 8


# By the folder of a repository: what its records were when they were read, and what they said.
_KNOWN: dict[Path, dict[str, tuple[tuple[int, ...], Run]]] = {}
# By the same: what the records were of runs that had ended.
_ENDED: dict[Path, dict[str, tuple[int, ...]]] = {}
_REPOSITORIES_KNOWN = 8
_RECORDS_KNOWN = 50_000


def _remember(memory: dict[Path, dict[str, T]], folder: Path, records: dict[str, T]) -> None:
    memory.pop(folder, None)
    if len(records) <= _RECORDS_KNOWN:
        memory[folder] = records
    while len(memory) > _REPOSITORIES_KNOWN:
        with suppress(KeyError, StopIteration):  # another thread may have done so
            memory.pop(next(iter(memory)))


def _states(folder: Path, run_ids: Iterable[str]) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    """Yield with each run what changes when its record is replaced; None where it is gone or no regular file."""
    try:
        fd = anchored.open_folder(folder)
    except FileNotFoundError:
        return
    try:
        for run_id in run_ids:
            try:
                about = os.stat(f"{run_id}{SUFFIX}", dir_fd=fd, follow_symlinks=False)
            except OSError:
                yield run_id, None
                continue
            state = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
            yield run_id, state if stat.S_ISREG(about.st_mode) else None
    finally:
        os.close(fd)


def new_id() -> str:
    """Return a new run id: ``run-``, 13 digits of milliseconds, a hyphen, 8 random hexadecimal digits."""
    return f"run-{clock.now_ms():013d}-{secrets.token_hex(4)}"


class _Runs(Register[Run]):
    def encode(self, record: Run) -> bytes:
        """Return the record as JSON. Not the canonical form: a parameter may be an integer beyond 2**53."""
        return json.dumps(record.model_dump(), allow_nan=False, ensure_ascii=True).encode() + b"\n"


RUNS = _Runs("runs", Run, "run_id", RUN_ID, "the record of run {}", replaced=True)


@contextmanager
def written(layout: Layout, run: Run) -> Iterator[str]:
    """Write a record under a temporary name, durable, and yield its digest; after the block it gets its name.

    In the critical section; the block puts the digest into the log. A failure before that leaves nothing.
    """
    critical.require(layout.repository_lock)
    place = RUNS.place(layout, run.run_id)
    data = RUNS.encode(run)
    draft = draft_of(layout, run.run_id)
    try:
        files.write_atomic(draft, data, mode=layout.file_mode)
        yield digest(data)
    except BaseException:
        with suppress(OSError, JvsError):
            files.unlink(draft)
        raise
    files.rename(draft, place)
    syncing.sync_folder(place.parent)


def draft_of(layout: Layout, run_id: str) -> Path:
    """Return the temporary name of a record that is written and perhaps logged, but not renamed yet."""
    place = RUNS.place(layout, run_id)
    return place.with_name(place.name + files.TEMPORARY_SUFFIX)


def is_draft(layout: Layout, run_id: str, sha256: str) -> bool:
    """Return whether a record of this digest lies under the temporary name of a run."""
    try:
        return RUNS.fits(run_id) and digest(regular.read_regular(draft_of(layout, run_id))) == sha256
    except (FileNotFoundError, DescriptorCorrupt):
        return False


def digest(data: bytes) -> str:
    """Return the SHA-256 of the bytes of a record, as the log has it."""
    return hashlib.sha256(data).hexdigest()


def ids(layout: Layout) -> list[str]:
    """Return the ids of all runs, oldest first; listing also refreshes what another client replaced."""
    return RUNS.keys(layout)


def read(layout: Layout, run_id: str) -> Run:
    """Return one run's record. Raises RunNotFound, DescriptorCorrupt."""
    run = RUNS.find(layout, run_id)
    if run is None:
        raise RunNotFound(f"no run {run_id!r}", hint="jvs run list")
    return run


def user_of(layout: Layout, run_id: str) -> int | None:
    """Return the user who wrote a run's record last; None where there is none."""
    try:
        return files.status(RUNS.place(layout, run_id)).st_uid
    except FileNotFoundError:
        return None


def read_all(layout: Layout, wanted: Sequence[str] | None = None) -> tuple[list[Run], list[str]]:
    """Return every run, or those ``wanted`` that a listing has shown, oldest first; and the ids of unreadable records.

    What this process read before and what was not replaced since is not read again.
    """
    folder = layout.runs
    known = _KNOWN.get(folder, {})
    now: dict[str, tuple[tuple[int, ...], Run]] = {}
    broken: list[str] = []
    for run_id, state in _states(folder, ids(layout) if wanted is None else wanted):
        if state is not None and run_id in known and known[run_id][0] == state:
            now[run_id] = known[run_id]
            continue
        try:
            run = RUNS.find_listed(layout, run_id)
        except DescriptorCorrupt:
            broken.append(run_id)
        else:
            if run is not None:
                now[run_id] = (state or (), run)
    _remember(_KNOWN, folder, now if wanted is None else {**known, **now})
    return [run for _, run in now.values()], broken


def read_started(layout: Layout) -> list[Run]:
    """Return the runs recorded as started, oldest first. Others are not parsed; unreadable ones are left to doctor.

    Nor are those read that had ended when this process looked before, unless their record was replaced since.
    """
    found: list[Run] = []
    before = _ENDED.get(layout.runs, {})
    ended: dict[str, tuple[int, ...]] = {}
    for run_id, state in _states(layout.runs, ids(layout)):
        if state is not None and before.get(run_id) == state:
            ended[run_id] = state
            continue
        try:
            data = regular.read_regular(RUNS.place(layout, run_id))
            if _STARTED.search(data):
                found.append(Run.parse(data, f"run {run_id}"))
            elif state is not None:
                ended[run_id] = state
        except (FileNotFoundError, DescriptorCorrupt):
            continue
    _remember(_ENDED, layout.runs, ended)
    return [run for run in found if run.outcome == "started"]


def resolve(layout: Layout, text: str) -> str:
    """Return the id that ``text`` means: an id, a unique prefix of one or of its last 8 digits, or the name of a run.

    Raises RunNotFound, InputError with the candidates in the hint.
    """
    known = ids(layout)
    if text in known:
        return text
    matches = [i for i in known if text and (i.startswith(text) or i[_RANDOM_AT:].startswith(text))]
    if not matches:
        matches = [run.run_id for run in read_all(layout)[0] if text and run.name == text]
    if not matches:
        raise RunNotFound(f"no run {text!r}", hint="jvs run list")
    if len(matches) > 1:
        shown = ", ".join(matches[:_CANDIDATES_SHOWN]) + (", …" if len(matches) > _CANDIDATES_SHOWN else "")
        raise InputError(
            f"{text!r} matches {counted(len(matches), 'run')}", hint=f"one of: {shown}", candidates=matches
        )
    return matches[0]


def remove(layout: Layout, run_id: str) -> None:
    """Remove a run's record, durable, in the critical section and after the log has it as removed.

    A crash in between leaves what ``doctor`` removes.
    """
    RUNS.remove(layout, run_id, missing_ok=True)


def begin_attempt(layout: Layout, point: str, run_id: str) -> int:
    """Return the number of a new attempt at a sweep's point, from 1; no two attempts get the same.

    The caller holds the critical section. Not durable: after a power cut the number of a run that was lost with it may be
    given again.
    """
    folder = _point(layout, point)
    files.make_folder(folder.parent, mode=layout.folder_mode, exist_ok=True)
    files.make_folder(folder, mode=layout.folder_mode, exist_ok=True, durable=False)
    attempt = 1 + max((int(name) for name in layout.listing(folder) if name.isdigit()), default=0)
    files.write_new(folder / str(attempt), run_id.encode(), mode=layout.file_mode, durable=False)
    return attempt


def winner(layout: Layout, point: str) -> str | None:
    """Return the run that gave a sweep's point its result, if there is one."""
    folder = _point(layout, point)
    if "result" not in layout.listing(folder):
        return None
    run_id = regular.read_regular(folder / "result").decode("ascii", "replace")
    return run_id if run_id in ids(layout) and read(layout, run_id).outcome == "ok" else None


def win(layout: Layout, point: str, run_id: str) -> bool:
    """Make a run the winner of its point, durable; return False when another one won before.

    The caller holds the critical section. A crash before the run's record says ``ok`` leaves the point open.
    """
    if winner(layout, point) not in (None, run_id):
        return False
    files.write_atomic(_point(layout, point) / "result", run_id.encode(), mode=layout.file_mode)
    return True


def _point(layout: Layout, point: str) -> Path:
    if re.fullmatch("[0-9a-f]{64}", point) is None:
        raise DescriptorCorrupt(f"{point[:80]!r} is not a point of a sweep", hint="jvs doctor")
    return layout.runs / "points" / point
