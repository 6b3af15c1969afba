"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 file``, ``2 files``, ``12,345 files``; ``many`` where it is not ``one`` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
