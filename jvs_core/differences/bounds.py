"""How much work a difference may take: by bytes, values, pixels and steps, never by time, so that an answer is the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from jvs_core.differences.model import More

KB, MB = 1_000, 1_000_000
WHOLE_SOURCE = 100 * KB
"""The longest source of a cell, in characters, that is given whole."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of one path; sizes are bytes, of each of the two files."""

    text: int = 32 * MB
    lines_shown: int = 5_000
    line: int = 2_000
    notebook: int = 128 * MB
    json_values: int = 4_000_000
    cells: int = 5_000
    output_text: int = 1 * MB
    output_lines_shown: int = 200
    table: int = 128 * MB
    table_rows: int = 500_000
    table_values: int = 2_000_000
    rows_shown: int = 1_000
    columns_shown: int = 200
    cell: int = 200
    image: int = 64 * MB
    pixels: int = 25_000_000
    pixels_in_outputs: int = 16_000_000
    header: int = 25 * MB
    values: int = 256 * MB
    tensors_shown: int = 1_000
    opcodes: int = 500_000
    sought: int = 1_000 * MB
    unpacked: int = 256 * MB
    members: int = 50_000
    members_shown: int = 1_000
    steps: int = 3_000_000


class Unreadable(Exception):
    """A file is not what its name says, or is beyond a bound: the next simpler kind has the word. The text says why."""


@dataclass
class Notes:
    """What is found out beside the difference itself: where it stopped, which extra would give more, and steps left."""

    bounds: Bounds = field(default_factory=Bounds)
    stopped: list[str] = field(default_factory=list)
    more: More | None = None
    steps: int = 0
    pixels: int = 0

    def __post_init__(self) -> None:
        self.steps = self.bounds.steps
        self.pixels = self.bounds.pixels_in_outputs

    def stop(self, sentence: str) -> None:
        """Note, once, that something was left out."""
        if sentence not in self.stopped:
            self.stopped.append(sentence)
