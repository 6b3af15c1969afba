"""Run records: one file a run, created before its first cell and replaced once, when it ended."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from jvs_core import clock, files, regular
from jvs_core.control.layout import Layout
from jvs_core.errors import DescriptorCorrupt, InputError, RunNotFound
from jvs_core.model import Run

_ID = re.compile(r"run-[0-9]{13}-[0-9a-f]{8}")
_STARTED = re.compile(rb'"outcome"\s*:\s*"started"')
_RANDOM_AT = len("run-0000000000000-")
_CANDIDATES_SHOWN = 8


def new_id() -> str:
    """Return a new run id: ``run-``, 13 digits of milliseconds, a hyphen, 8 random hexadecimal digits."""
    return f"run-{clock.now_ms():013d}-{secrets.token_hex(4)}"


def create(layout: Layout, run: Run) -> None:
    """Write the record of a run that begins, durable."""
    files.create_atomic(_path(layout, run.run_id), _encode(run), mode=layout.file_mode)


def replace(layout: Layout, run: Run) -> None:
    """Replace the record of a run, durable. A crash leaves the old or the new one."""
    files.write_atomic(_path(layout, run.run_id), _encode(run), mode=layout.file_mode)


def ids(layout: Layout) -> list[str]:
    """Return the ids of all runs, oldest first; listing also refreshes what another client replaced."""
    return sorted(
        name[:-5]
        for name in layout.listing(layout.runs)
        if name.endswith(".json") and _ID.fullmatch(name[:-5])
    )


def read(layout: Layout, run_id: str) -> Run:
    """Return one run's record. Raises RunNotFound, DescriptorCorrupt."""
    if run_id not in ids(layout):
        raise RunNotFound(f"no run {run_id!r}", hint="jvs run list")
    return _read(layout, run_id)


def read_all(layout: Layout) -> tuple[list[Run], list[str]]:
    """Return every run, oldest first, and the ids of those whose record is unreadable."""
    found: list[Run] = []
    unreadable: list[str] = []
    for run_id in ids(layout):
        try:
            found.append(_read(layout, run_id))
        except DescriptorCorrupt:
            unreadable.append(run_id)
    return found, unreadable


def read_started(layout: Layout) -> list[Run]:
    """Return the runs recorded as started, oldest first. Others are not parsed; unreadable ones are left to doctor."""
    found: list[Run] = []
    for run_id in ids(layout):
        try:
            data = regular.read_regular(_path(layout, run_id))
            if _STARTED.search(data):
                found.append(Run.parse(data, f"run {run_id}"))
        except (FileNotFoundError, DescriptorCorrupt):
            continue
    return [run for run in found if run.outcome == "started"]


def resolve(layout: Layout, text: str) -> str:
    """Return the id that ``text`` names: an id, or a unique prefix of one or of its last 8 digits.

    Raises RunNotFound, InputError with the candidates in the hint.
    """
    known = ids(layout)
    if text in known:
        return text
    matches = [i for i in known if text and (i.startswith(text) or i[_RANDOM_AT:].startswith(text))]
    if not matches:
        raise RunNotFound(f"no run {text!r}", hint="jvs run list")
    if len(matches) > 1:
        shown = ", ".join(matches[:_CANDIDATES_SHOWN]) + (", …" if len(matches) > _CANDIDATES_SHOWN else "")
        raise InputError(f"{text!r} matches {len(matches)} runs", hint=f"one of: {shown}", candidates=matches)
    return matches[0]


def begin_attempt(layout: Layout, point: str, run_id: str) -> int:
    """Return the number of a new attempt at a sweep's point, from 1; no two attempts get the same.

    The caller holds the critical section.
    """
    folder = _point(layout, point)
    files.make_folder(folder.parent, mode=layout.folder_mode, exist_ok=True)
    files.make_folder(folder, mode=layout.folder_mode, exist_ok=True)
    attempt = 1 + max((int(name) for name in layout.listing(folder) if name.isdigit()), default=0)
    files.create_atomic(folder / str(attempt), run_id.encode(), mode=layout.file_mode)
    return attempt


def winner(layout: Layout, point: str) -> str | None:
    """Return the run that gave a sweep's point its result, if there is one."""
    folder = _point(layout, point)
    if "result" not in layout.listing(folder):
        return None
    run_id = regular.read_regular(folder / "result").decode("ascii", "replace")
    return run_id if run_id in ids(layout) and _read(layout, run_id).outcome == "ok" else None


def win(layout: Layout, point: str, run_id: str) -> bool:
    """Make a run the one that gave its point the result, durable; False when another one did before.

    The caller holds the critical section. A crash before the run's record says ``ok`` leaves the point open.
    """
    if winner(layout, point) not in (None, run_id):
        return False
    files.write_atomic(_point(layout, point) / "result", run_id.encode(), mode=layout.file_mode)
    return True


def _point(layout: Layout, point: str) -> Path:
    return layout.runs / "points" / point


def _path(layout: Layout, run_id: str) -> Path:
    return layout.runs / f"{run_id}.json"


def _read(layout: Layout, run_id: str) -> Run:
    try:
        run = Run.parse(regular.read_regular(_path(layout, run_id)), f"run {run_id}")
    except FileNotFoundError as error:
        raise RunNotFound(f"no run {run_id!r}", hint="jvs run list") from error
    if run.run_id != run_id:
        raise DescriptorCorrupt(f"the record of run {run_id} speaks of {run.run_id}", hint="jvs doctor")
    return run


def _encode(run: Run) -> bytes:
    """Return the record as JSON. Not the canonical form: a parameter may be an integer beyond 2**53."""
    return json.dumps(run.model_dump(), allow_nan=False, ensure_ascii=True).encode() + b"\n"
