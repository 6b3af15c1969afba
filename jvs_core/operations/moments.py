"""Times as people write them: of the calendar, or so long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from jvs_core import clock
from jvs_core.errors import InputError
from jvs_core.operations.gc import retention

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_MS = 86_400_000


def moment(text: str, *, end: bool = False) -> int:
    """Return the milliseconds since 1970 of an ISO 8601 time (without a zone UTC), or of a duration ago, such as ``7d``.

    A day alone is its beginning, or its ``end``. Raises InputError.
    """
    try:
        found = clock.parse(text)
    except InputError:
        pass
    else:
        return found + _DAY_MS - 1 if end and _DAY.fullmatch(text) else found
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    try:
        return round(retention.before(now, text).timestamp() * 1000)
    except InputError as error:
        raise InputError(
            f"not a time: {text!r}", hint="for example 2026-11-29, 2026-11-29T14:00, or 7d for a week ago"
        ) from error
