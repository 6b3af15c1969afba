"""Room for a collection where there is none left: a file that is given up for the first write, and made again afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from jvs_core import files
from jvs_core.control.layout import Layout
from jvs_core.errors import AlreadyExists, NoSpace
from jvs_core.faults import storage_error

T = TypeVar("T")
SIZE = 1 << 20


def keep(layout: Layout) -> None:
    """Make the reserve unless it is there; where there is no space for it there is none."""
    if os.path.lexists(layout.gc_reserve):
        return
    with suppress(NoSpace, AlreadyExists):
        try:
            files.write_new(layout.gc_reserve, os.urandom(SIZE), mode=layout.lock_mode, durable=False)
        except OSError as error:
            raise storage_error(error) from error


def spending(layout: Layout, work: Callable[[], T]) -> T:
    """Do the work of a collection; where there is no space for it, once more without the reserve."""
    try:
        done = work()
    except (OSError, NoSpace) as error:
        if not _is_no_space(error) or not _give_up(layout):
            raise
        return work()
    keep(layout)
    return done


def _is_no_space(error: OSError | NoSpace) -> bool:
    return isinstance(error, NoSpace) or isinstance(storage_error(error), NoSpace)


def _give_up(layout: Layout) -> bool:
    there = os.path.lexists(layout.gc_reserve)
    files.unlink(layout.gc_reserve, missing_ok=True)
    return there
