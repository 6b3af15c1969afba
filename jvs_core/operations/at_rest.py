"""Looking at a repository while no operation is between writing a record and logging it.

An operation publishes something and logs it in one critical section. So inside our own critical section, a difference
from the log is the work of a crash or of somebody else, never of an operation under way; no intent has to explain it,
which anybody could plant.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from jvs_core.control.lock import critical
from jvs_core.control.records import journal
from jvs_core.errors import JvsError
from jvs_core.model import Intent
from jvs_core.operations.context import Context

_WAIT_S = 5.0
_PAUSE_S = 0.3


@contextmanager
def at_rest(ctx: Context) -> Iterator[None]:
    """Hold the critical section for the block, so that nobody publishes meanwhile.

    Where the caller may not take the repository's lock, or does not get it soon, this waits longer than a publication
    takes instead.
    """
    path = ctx.layout.repository_lock
    with ExitStack() as undo:
        if not critical.is_held(path):
            try:
                if not path.is_file():
                    raise FileNotFoundError(path)
                undo.enter_context(critical.exclusive(path, wait_s=_WAIT_S, mode=ctx.layout.lock_mode))
            except (JvsError, OSError):
                time.sleep(_PAUSE_S)
        yield


def own_intents(ctx: Context) -> list[Intent]:
    """Return the intents that the caller wrote: what they left unfinished is known, and will be completed."""
    return [intent for intent in journal.pending(ctx.layout)[0] if journal.is_own(intent)]
