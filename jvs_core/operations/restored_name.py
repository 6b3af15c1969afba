"""A name for a restored worktree that says what it is: the snapshot's note and time, as in ``explored-nov28-1727``."""

from __future__ import annotations

import os
import re
import time
import unicodedata

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.layout import Layout
from jvs_core.operations.context import Context

_LONGEST = 40
_WITHOUT_NOTE = "back"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def suggest(ctx: Context, snapshot_id: str) -> str:
    """Return a free name for a worktree made of a snapshot. Another one may take it meanwhile."""
    shown = catalog.show(ctx.layout, snapshot_id)
    taken = time.localtime(clock.parse(shown.created_at) / 1000)
    moment = f"{_MONTHS[taken.tm_mon - 1]}{taken.tm_mday:02}-{taken.tm_hour:02}{taken.tm_min:02}"
    name = f"{_word(shown.note)}-{moment}"
    number = 1
    while not _is_free(ctx.layout, candidate := name if number == 1 else f"{name}-{number}"):
        number += 1
    return candidate


def _word(note: str) -> str:
    """Return the beginning of a note as a part of a name: whole words of ASCII letters and digits, where there are any."""
    first = note.strip().partition("\n")[0].casefold()
    plain = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode()
    found = ""
    for word in re.findall(r"[a-z0-9]+", plain):
        longer = f"{found}-{word}" if found else word[:_LONGEST]
        if len(longer) > _LONGEST:
            break
        found = longer
    return found or _WITHOUT_NOTE


def _is_free(layout: Layout, name: str) -> bool:
    return not os.path.lexists(layout.worktree(name)) and not layout.worktree_config(name).parent.exists()
