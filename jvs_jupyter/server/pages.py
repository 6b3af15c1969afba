"""Lists in pages: ``{"items": […], "next": cursor|null}``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jvs_jupyter.server.errors import invalid

T = TypeVar("T")


def page(
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    show: Callable[[T], dict[str, Any]],
    after: str | None,
    limit: int,
) -> dict[str, Any]:
    """Return the items that follow the cursor ``after``, no more than ``limit``.

    ``key`` is unique. The cursor is the last item's key: what was inserted meanwhile is not shown twice, and an item
    that was removed meanwhile still says where to go on when the items are sorted by it.
    """
    start = 0
    if after is not None:
        start = _position(items, key, key_of(after))
    shown = items[start : start + limit]
    more = start + limit < len(items)
    return {"items": [show(item) for item in shown], "next": cursor(key(shown[-1])) if more else None}


def whole(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a list that is short by nature."""
    return {"items": list(items), "next": None}


def cursor(key: str) -> str:
    """Return the cursor that leads past the item with this key."""
    return base64.urlsafe_b64encode(key.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")


def key_of(after: str) -> str:
    """Return the key of a cursor. Raises RequestError (422)."""
    try:
        padded = after + "=" * (-len(after) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise invalid("after is not a cursor of this list") from error


def _position(items: Sequence[T], key: Callable[[T], str], wanted: str) -> int:
    for position, item in enumerate(items):
        if key(item) == wanted:
            return position + 1
    return next((position for position, item in enumerate(items) if key(item) > wanted), len(items))
