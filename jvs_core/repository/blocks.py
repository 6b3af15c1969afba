"""``with`` blocks of a repository, which raise what its methods raise."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

from jvs_core.faults import storage_error, translated

T = TypeVar("T")


class Translated(AbstractContextManager[T], Generic[T]):
    """A block whose beginning and end raise the contract's error wherever the file system refuses them.

    What the caller's own lines raise stays as it is.
    """

    def __init__(self, block: AbstractContextManager[T]) -> None:
        self._block = block

    def __enter__(self) -> T:
        return translated(self._block.__enter__)()

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return self._block.__exit__(kind, raised, trace)
        except OSError as error:
            if error is raised:
                raise
            raise storage_error(error) from error
