"""One way to list, read, write and remove the records of a folder in ``.jvs``.

A repository may come from somebody else, so a record is believed in its form only: its name and its fields have the
forms that the model demands, and the identity inside is the name of the file. It is rewritten and removed under the
name that it was asked for by, never by a name that it holds.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from jvs_core import canonical, files, syncing
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.model import Record

R = TypeVar("R", bound=Record)
SUFFIX = ".json"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Register(Generic[R]):
    """The records of one kind: the files ``<folder>/<identity>.json`` below ``.jvs``.

    ``form`` is the pattern of an identity, ``identity`` the field that holds it, ``called`` what a record is called in
    messages (``{}`` is its identity) and ``damaged`` what is raised for one that is not what it should be. Records that
    are ``replaced`` are read after a listing of their folder, which on JuiceFS refreshes the names in it. Those that are
    ``carried_out`` nobody but their owner can write.
    """

    folder: str
    model: type[R]
    identity: str
    form: str
    called: str
    replaced: bool = False
    carried_out: bool = False
    damaged: type[JvsError] = DescriptorCorrupt
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(self.form.removeprefix("^").removesuffix("$")))

    def fits(self, key: str) -> bool:
        """Return whether ``key`` has the form of an identity."""
        return self._pattern.fullmatch(key) is not None

    def place(self, layout: Layout, key: str) -> Path:
        """Return the file of a record. Raises ``damaged`` for what cannot be an identity."""
        if not self.fits(key):
            raise self.damaged(f"{key!r} cannot be {self.called.format('one')}", hint="jvs doctor")
        return layout.control / self.folder / f"{key}{SUFFIX}"

    def keys(self, layout: Layout) -> list[str]:
        """Return the identities of all records, sorted, readable or not."""
        names = layout.listing(layout.control / self.folder)
        return sorted(
            name[: -len(SUFFIX)]
            for name in names
            if name.endswith(SUFFIX) and self.fits(name[: -len(SUFFIX)])
        )

    def exists(self, layout: Layout, key: str) -> bool:
        """Return whether there is a record of this identity, readable or not."""
        return self.fits(key) and os.path.lexists(self.place(layout, key))

    def find(self, layout: Layout, key: str) -> R | None:
        """Return a record; None when there is none, or ``key`` cannot be an identity. Raises ``damaged``."""
        if not self.fits(key) or (
            self.replaced and f"{key}{SUFFIX}" not in layout.listing(layout.control / self.folder)
        ):
            return None
        return self._read(layout, key)

    def find_listed(self, layout: Layout, key: str) -> R | None:
        """Return a record whose name a listing has just shown; None when it is gone meanwhile. Raises ``damaged``."""
        return self._read(layout, key) if self.fits(key) else None

    def find_own(self, layout: Layout, key: str) -> R | None:
        """Return a record that the caller wrote and nobody else can write; None when it is not, or there is none."""
        if not self.fits(key):
            return None
        try:
            data, about = layout.read_with_status(self.place(layout, key))
        except FileNotFoundError:
            return None
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE:
            return None
        return self._parsed(key, data)

    def readable(self, layout: Layout) -> tuple[list[R], dict[str, JvsError]]:
        """Return the records that can be read, and by its identity what is wrong with each of the others."""
        found: list[R] = []
        broken: dict[str, JvsError] = {}
        for key in self.keys(layout):
            try:
                record = self._read(layout, key)
            except self.damaged as error:
                broken[key] = error
            else:
                found += [record] if record is not None else []
        return found, broken

    def all(self, layout: Layout) -> list[R]:
        """Return all records by identity. Raises ``damaged`` for the first that cannot be read."""
        found, broken = self.readable(layout)
        for error in broken.values():
            raise error
        return found

    def encode(self, record: R) -> bytes:
        """Return the bytes of a record's file."""
        return canonical.dumps(record.to_json()) + b"\n"

    def create(self, layout: Layout, record: R) -> None:
        """Write a new record, durable. A crash leaves all of it or nothing. Raises AlreadyExists."""
        critical.require(layout.repository_lock)
        files.create_atomic(self._own_place(layout, record), self.encode(record), mode=self._mode(layout))

    def create_together(self, layout: Layout, records: Iterable[R]) -> None:
        """Write new records, each whole or not at all, durable together at one sync. Raises AlreadyExists."""
        critical.require(layout.repository_lock)
        contents: Mapping[Path, bytes] = {
            self._own_place(layout, record): self.encode(record) for record in records
        }
        files.create_together(contents, mode=layout.file_mode)
        syncing.sync_folder(layout.control / self.folder)  # also for those that a killed run left undurable

    def replace(self, layout: Layout, record: R) -> None:
        """Replace a record, durable. A crash leaves the old or the new one."""
        critical.require(layout.repository_lock)
        files.write_atomic(self._own_place(layout, record), self.encode(record), mode=self._mode(layout))

    def remove(self, layout: Layout, key: str, *, missing_ok: bool = False) -> None:
        """Remove the record that is listed as ``key``, readable or not, durable. Raises FileNotFoundError."""
        critical.require(layout.repository_lock)
        files.remove_file(self.place(layout, key), missing_ok=missing_ok)

    def _own_place(self, layout: Layout, record: R) -> Path:
        return self.place(layout, str(getattr(record, self.identity)))

    def _mode(self, layout: Layout) -> int | None:
        return layout.intent_mode if self.carried_out else layout.file_mode

    def _read(self, layout: Layout, key: str) -> R | None:
        try:
            return self._parsed(key, layout.read(self.place(layout, key)))
        except FileNotFoundError:
            return None
        except DescriptorCorrupt as error:
            if self.damaged is DescriptorCorrupt:
                raise
            raise self.damaged(error.message, hint="jvs doctor") from error

    def _parsed(self, key: str, data: bytes) -> R:
        called = self.called.format(key)
        try:
            record = self.model.parse(data, called)
        except DescriptorCorrupt as error:
            if self.damaged is DescriptorCorrupt:
                raise
            raise self.damaged(error.message, hint="jvs doctor") from error
        if getattr(record, self.identity) != key:
            raise self.damaged(
                f"the file of {called} names {getattr(record, self.identity)}", hint="jvs doctor"
            )
        return record
