"""Which changes of files are meant: by size, and by when they were made."""

from __future__ import annotations

from dataclasses import dataclass

from jvs_core.errors import InputError
from jvs_core.operations.moments import moment


@dataclass(frozen=True)
class FileFilter:
    """Bounds of a change: the size in bytes, both exclusive, and its time in milliseconds, both inclusive."""

    larger: int | None = None
    smaller: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    @classmethod
    def asked(
        cls, *, larger: int | None, smaller: int | None, since: str | None = None, until: str | None = None
    ) -> FileFilter:
        """Return the filter that a person asks for, with times as ``moments`` reads them. Raises InputError."""
        for bound in (larger, smaller):
            if bound is not None and bound < 0:
                raise InputError(f"not a size: {bound}", hint="for example 10M")
        return cls(
            larger,
            smaller,
            None if since is None else moment(since),
            None if until is None else moment(until, end=True),
        )

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return self != FileFilter()

    def fits(self, size: int, ms: int) -> bool:
        """Return whether a change to a file of ``size`` bytes, made at ``ms``, is meant."""
        return self.fits_size(size) and (
            (self.since_ms is None or ms >= self.since_ms) and (self.until_ms is None or ms <= self.until_ms)
        )

    def fits_size(self, size: int) -> bool:
        """Return whether the size is meant."""
        return (self.larger is None or size > self.larger) and (self.smaller is None or size < self.smaller)
