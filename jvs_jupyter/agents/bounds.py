"""Bounds of an answer: no list, no text and no answer as a whole is longer than an agent can take in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

ITEMS, CHARACTERS = 500, 32_768
WHOLE = 262_144
_ENOUGH_CHARACTERS = 256


@dataclass
class _Cut:
    items: int
    characters: int
    left_out: dict[str, int] = field(default_factory=dict)

    def of(self, value: Any, place: str) -> Any:
        if isinstance(value, dict):
            return {
                key: self.of(part, f"{place}.{key}" if place else str(key)) for key, part in value.items()
            }
        if isinstance(value, list):
            self._note(place, len(value) - self.items)
            return [self.of(part, f"{place}[{number}]") for number, part in enumerate(value[: self.items])]
        if isinstance(value, str):
            self._note(place, len(value) - self.characters)
            return value[: self.characters]
        return value

    def _note(self, place: str, more: int) -> None:
        if more > 0:
            self.left_out[place] = more


def bounded(answer: dict[str, Any]) -> dict[str, Any]:
    """Return ``answer`` with its longest lists and texts cut, and in ``left_out`` how much of each was left out.

    Lists keep their first items and texts their first characters: texts are cut before lists.
    """
    items, characters = ITEMS, CHARACTERS
    while True:
        cut = _Cut(items, characters)
        found: dict[str, Any] = cut.of(answer, "")
        if cut.left_out:
            found["left_out"] = cut.left_out
        if items == 1 or len(json.dumps(found)) <= WHOLE:
            return found
        if characters > _ENOUGH_CHARACTERS:
            characters //= 2
        else:
            items //= 2
