"""The metrics that a command reports: by lines in ``$JVS_RUN_DIR/metrics.jsonl``, or in a file of its own."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jvs_jupyter.runs.provenance import plain

LINES = "metrics.jsonl"
_LARGEST = 16 << 20
_AT_ONCE = 1 << 20
_MOST = 1_000
_LONGEST_NAME = 200
logger = logging.getLogger("jvs.runs")


@dataclass(frozen=True)
class Source:
    """A file that the command is to write, and what it was before: that of an earlier run does not count."""

    path: Path
    before: tuple[int, ...] | None


def source(folder: Path, name: str | None) -> Source | None:
    """Return the file ``name`` in ``folder`` as it is before the run; None without a name."""
    return None if name is None else Source(folder / name, _state(folder / name))


def named_file(found: Source | None) -> dict[str, Any]:
    """Return the metrics in a file that the run wrote: one JSON object, or one a line."""
    if found is None:
        return {}
    if _state(found.path) in (None, found.before):
        logger.warning("the run did not write %s, so there are no metrics from it", found.path)
        return {}
    return _read(found.path)


def of_run_folder(folder: Path) -> dict[str, Any]:
    """Return the metrics that the run reported; of several values under one name the last."""
    path = folder / LINES
    return _read(path) if os.path.lexists(path) else {}


class SoFar:
    """The metrics of a command that runs, as its files have them: nothing is said of what is none.

    A look reads at most the next MiB of the lines, and a file of its own only up to a MiB.
    """

    def __init__(self, folder: Path, named: Source | None) -> None:
        self._lines = folder / LINES
        self._read_to = 0
        self._named = named
        self._state = None if named is None else named.before
        self._found: dict[str, Any] = {}
        self._in_file: dict[str, Any] = {}

    def look(self) -> dict[str, Any]:
        """Return the metrics so far."""
        with suppress(OSError):
            data = _bytes(self._lines, start=self._read_to, most=_AT_ONCE)
            whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == _AT_ONCE else b"")
            self._read_to += len(whole)
            _collect(self._found, ((0, _parsed(line)) for line in whole.splitlines()))
        if self._named is not None and (state := _state(self._named.path)) != self._state:
            self._state = state
            with suppress(OSError):
                if state is not None and state[1] <= _AT_ONCE:
                    self._in_file = _collect({}, _values(_bytes(self._named.path)))
        return {**self._in_file, **self._found}


def _read(path: Path) -> dict[str, Any]:
    try:
        data = _bytes(path)
    except OSError as error:
        logger.warning("JVS reads no metrics from %s: %s", path, error.strerror or error)
        return {}
    return _collect({}, _values(data), path)


def _collect(
    found: dict[str, Any], values: Iterable[tuple[int, Any]], path: Path | None = None
) -> dict[str, Any]:
    """Add to the metrics that were ``found`` and return them; with a ``path`` say what is none there."""
    for number, value in values:
        if not isinstance(value, dict):
            if path is not None:
                logger.warning("%s, line %d: not a JSON object, so not a metric", path, number)
            continue
        pairs = {value["name"]: value["value"]} if set(value) == {"name", "value"} else value
        for name, measured in pairs.items():
            if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
                if path is not None:
                    logger.warning("%s, line %d: not a valid name of a metric", path, number)
            elif name in found or len(found) < _MOST:
                found[name] = plain(measured)
    return found


def _values(data: bytes) -> Iterator[tuple[int, Any]]:
    with suppress(ValueError, RecursionError):
        yield 1, json.loads(data)
        return
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _bytes(path: Path, *, start: int | None = None, most: int = _LARGEST) -> bytes:
    """Return the bytes of a regular file, however the run made it; from ``start`` only so many. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(None, "not a regular file")
        if start is not None:
            file.seek(start)
        elif about.st_size > most:
            raise OSError(None, "larger than 16 MiB")
        return file.read(most)


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        about = path.lstat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
