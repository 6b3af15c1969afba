"""The hub's own record of which home is whose, kept beside the homes, where their users cannot write."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from jvs_jupyter.hub.command import ANSWER_S, Refused, work
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
    folder: Path,
    task: str,
    request: Callable[[str], BaseModel],
    shape: type[T],
    *,
    seconds: float = ANSWER_S,
) -> list[tuple[Person, T | Refused]]:
    """Run a task in every home, each with its owner's rights; return the answers, and the refusals of who gave none.

    ``request`` makes one for a home's path.
    """
    everybody = homes(folder)

    def one(found: tuple[Person, Path]) -> T | Refused:
        try:
            return work(found[1], task, request(str(found[1])), shape, seconds=seconds)
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        answers = threads.map(one, everybody)
        return [(user, answer) for (user, _), answer in zip(everybody, answers, strict=True)]


def sync(path: Path) -> None:
    """Make a file's content, or a folder's names, durable."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _recorded(record: Path, name: str) -> Person:
    found = _record(record)
    return Person(found["user"], "", found["identity"]) if found else Person(name)


def _record(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found
