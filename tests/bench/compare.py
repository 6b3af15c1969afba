"""The comparison: every operation by every contender, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.contender import MEANINGS, OPERATIONS, Contender, Operation, reference
from tests.bench.floors import floors
from tests.bench.jvs import Jvs
from tests.bench.machine import now
from tests.bench.others import installed
from tests.bench.process import Sample, measure
from tests.bench.results import Comparison, Figure
from tests.bench.stage import Stage
from tests.bench.workload import Workload
from tests.support.directories import remove_directory
from tests.support.filesystems import FileSystem

Say = Callable[[str], None]


def compare(
    filesystem: FileSystem,
    workload: Workload,
    *,
    runs: int,
    others: Sequence[str] = (),
    say: Say,
    operations: Sequence[Operation] = OPERATIONS,
) -> Comparison:
    """Measure ``operations``, which begin with ``first``; the programs ``others`` take part where installed."""
    base = Path(tempfile.mkdtemp(prefix="bench-", dir=filesystem.mount))
    try:
        with tempfile.TemporaryDirectory(prefix="jvs-bench-") as aside:
            stage = Stage(filesystem, workload, base, Path(aside), base / "tree")
            stage.fill()
            return _compare(stage, runs, others, say, operations)
    finally:
        remove_directory(filesystem, base)


def _compare(
    stage: Stage, runs: int, others: Sequence[str], say: Say, operations: Sequence[Operation]
) -> Comparison:
    plain, jvs, lowest = reference(stage), Jvs(stage), floors(stage)
    contenders: list[Contender] = [plain, jvs, *installed(stage, others)]
    figures: dict[str, dict[str, Figure]] = {}
    bottom: dict[str, Figure] = {}
    for operation in operations:
        say(f"{stage.filesystem.label}: {stage.workload.name}: {MEANINGS[operation]}")
        taking_part = [*contenders, *lowest] if operation == "first" else contenders
        found = _in_turns(stage, taking_part, operation, runs)
        figures[operation] = {each.name: found[each.name] for each in contenders if each.name in found}
        bottom.update({each.name: found[each.name] for each in lowest if each.name in found})
    return Comparison(
        filesystem=stage.filesystem.label,
        workload=stage.workload.name,
        files=stage.workload.files,
        size=stage.workload.size,
        engine=jvs.engine(),
        reference=plain.name,
        date=now(),
        figures=figures,
        floors=bottom,
    )


def _in_turns(
    stage: Stage, contenders: Sequence[Contender], operation: Operation, runs: int
) -> dict[str, Figure]:
    samples: dict[str, list[Sample]] = {}
    for turn in range(runs):
        # Whoever goes first in one turn goes last in the next: what one leaves to its successor is spread over all.
        start = turn % len(contenders)
        for contender in (*contenders[start:], *contenders[:start]):
            command = contender.prepare(operation)
            if command is not None:
                stage.quieten()
                samples.setdefault(contender.name, []).append(measure(command))
    return {name: Figure.of(found) for name, found in samples.items()}
