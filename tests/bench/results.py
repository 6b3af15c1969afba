"""What was measured, as values and as a file, so that a page can be made of several runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.process import Sample


@dataclass(frozen=True)
class Figure:
    """The runs of one command: seconds in the order they ran, the highest memory peaks in bytes, processor seconds."""

    seconds: Sequence[float]
    largest: int = 0
    together: int = 0
    processor: Sequence[float] = ()

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Figure:
        """Return the figure of ``samples``."""
        return cls(
            [sample.seconds for sample in samples],
            max(sample.largest for sample in samples),
            max(sample.together for sample in samples),
            [sample.processor for sample in samples],
        )

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return median(self.seconds)

    def ratio(self, other: Figure) -> float:
        """Return the median of the ratios run by run, which a drift of the machine's speed leaves alone."""
        return median(mine / theirs for mine, theirs in zip(self.seconds, other.seconds, strict=True))


@dataclass(frozen=True)
class Comparison:
    """One workload on one file system: figures by operation and contender, and by floor."""

    filesystem: str
    workload: str
    files: int
    size: int
    engine: str
    reference: str
    date: str
    figures: Mapping[str, Mapping[str, Figure]]
    floors: Mapping[str, Figure]


@dataclass(frozen=True)
class Single:
    """A figure that stands alone: what was run, on what, and the floor beside it."""

    what: str
    where: str
    date: str
    figure: Figure
    aim: str = ""


@dataclass
class Results:
    """Everything measured so far; a later measurement of the same thing takes the place of the earlier."""

    machine: str = ""
    versions: Sequence[str] = ()
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    singles: dict[str, Single] = field(default_factory=dict)

    def add(self, found: Comparison | Single) -> None:
        """Take in one more."""
        if isinstance(found, Comparison):
            self.comparisons[f"{found.filesystem} {found.workload}"] = found
        else:
            self.singles[f"{found.where} {found.what}"] = found


def save(results: Results, path: Path) -> None:
    """Write ``results`` to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(results), indent=1), encoding="utf-8")


def load(path: Path) -> Results:
    """Return what ``save`` wrote, nothing where there is no file."""
    if not path.exists():
        return Results()
    found = json.loads(path.read_text(encoding="utf-8"))
    return Results(
        found["machine"],
        found["versions"],
        {key: _comparison(value) for key, value in found["comparisons"].items()},
        {
            key: Single(**{**value, "figure": Figure(**value["figure"])})
            for key, value in found["singles"].items()
        },
    )


def _comparison(value: dict[str, Any]) -> Comparison:
    figures = {
        operation: {name: Figure(**figure) for name, figure in by_name.items()}
        for operation, by_name in value["figures"].items()
    }
    floors = {name: Figure(**figure) for name, figure in value["floors"].items()}
    return Comparison(**{**value, "figures": figures, "floors": floors})
