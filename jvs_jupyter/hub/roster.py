"""The hub's own record of which home is whose, kept beside the homes, where their users cannot write."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jvs_jupyter.hub.command import ANSWER_S, Refused, ask, no_answer
from jvs_jupyter.hub.names import Person, digest

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """The template's snapshot that a home was made from: its id, and the hash of its content."""

    snapshot_id: str
    payload_root_hash: str


RECORDS = ".people"
_HOME = re.compile(r"(?:[A-Za-z0-9-]+-)?([0-9a-f]{20})")


def enter(folder: Path, user: Person, origin: Origin | None) -> None:
    """Record whose home it is, under the name that the user has now, and what it was made from; durable.

    Without an ``origin`` that of before stays.
    """
    records = folder / RECORDS
    records.mkdir(mode=0o700, exist_ok=True)
    target = records / digest(user)
    before = _record(target)
    listed = _record(records / digest(user.by_name()))
    known = asdict(origin) if origin else before.get("template") or listed.get("template")
    record = {"user": user.user, "identity": user.identity, "template": known}
    if record == before:
        return
    data = json.dumps(record)
    fresh = target.with_suffix(f".{os.getpid()}-{threading.get_native_id()}.tmp")
    fresh.write_text(data)
    sync(fresh)
    os.replace(fresh, target)
    sync(records)


def leave(folder: Path, home: Path, archived: str) -> None:
    """Keep a home's record under the name that it has once it is archived."""
    named = _HOME.fullmatch(home.name)
    if named and (record := folder / RECORDS / named[1]).exists():
        os.replace(record, folder / RECORDS / archived)


def archived_person(folder: Path, archived: str) -> Person:
    """Return whose an archived home was; one without a record is its folder's name's."""
    return _recorded(folder / RECORDS / archived, archived.rsplit("-", 3)[0])


def homes(folder: Path) -> list[tuple[Person, Path]]:
    """Return everybody's home, in the order of names; one without a record is its folder's name's."""
    found = []
    for place in folder.iterdir():
        named = _HOME.fullmatch(place.name)
        if named and place.is_dir() and not place.is_symlink():
            found.append((_recorded(folder / RECORDS / named[1], place.name), place))
    return sorted(found, key=lambda one: (one[0].user, one[1]))


def by_user(folder: Path) -> dict[str, tuple[Person, Path]]:
    """Return the homes by user; where a listed one was never adopted, the one of the hub's identity counts."""
    found: dict[str, tuple[Person, Path]] = {}
    for user, home in homes(folder):
        if user.identity or user.user not in found:
            found[user.user] = (user, home)
    return found


def ask_all(
    folder: Path, read: Callable[[dict[str, Any]], T], *command: str, seconds: float = ANSWER_S
) -> tuple[list[T], list[tuple[Person, Refused]]]:
    """Run ``jvs hub`` in every home, each with its owner's rights; return the rows, and who could not be asked.

    A row's ``user`` is the person that the home was made for, whatever the row says; ``read`` raises TypeError,
    ValueError or LookupError for a row that is none, and then that home alone counts as not asked.
    """
    everybody = homes(folder)
    rows: list[T] = []
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for (user, _), answer in zip(
            everybody, threads.map(partial(_asked, read, command, seconds), everybody), strict=True
        ):
            if isinstance(answer, Refused):
                failed.append((user, answer))
            else:
                rows += answer
    return rows, failed


def sync(path: Path) -> None:
    """Make a file's content, or a folder's names, durable."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _asked(
    read: Callable[[dict[str, Any]], T], command: tuple[str, ...], seconds: float, one: tuple[Person, Path]
) -> list[T] | Refused:
    user, home = one
    try:
        return [read({**row, "user": user.user}) for row in ask(home, "hub", *command, seconds=seconds)]
    except Refused as refused:
        return refused
    except (TypeError, ValueError, LookupError):
        return no_answer(str(home))


def _recorded(record: Path, name: str) -> Person:
    found = _record(record)
    return Person(found["user"], "", found["identity"]) if found else Person(name)


def _record(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found
