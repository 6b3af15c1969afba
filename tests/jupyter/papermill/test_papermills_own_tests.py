"""papermill's own tests of its engine, with this one as the default; ``make papermill`` runs all and compares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jupyter.papermill.suite import ENGINE, inside, results


@pytest.mark.slow
@pytest.mark.further
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("place", "modules"), [("inside", ENGINE), ("outside", ENGINE[:2])])
def test_papermills_own_tests_of_its_engine_pass(
    place: str, modules: tuple[str, ...], tmp_path: Path
) -> None:
    repository = inside(tmp_path)
    folder = repository.root / "main" if place == "inside" else tmp_path
    ended = results(folder, tmp_path / "report.xml", modules, jvs=True)
    assert len(ended) > 10
    failing = {name for name, how in ended.items() if how not in ("passed", "skipped")}
    if (
        failing
    ):  # a release's tests may not fit the kernel installed: then they fail with papermill's engine too
        classes = " or ".join(sorted({name.split(".")[-2] for name in failing}))
        plain = results(tmp_path, tmp_path / "plain.xml", ENGINE, jvs=False, only=classes)
        assert failing == {name for name, how in plain.items() if how not in ("passed", "skipped")}
    recorded = repository.runs.all()
    assert bool(recorded) == (place == "inside")
    assert all(run.outcome != "started" for run in recorded)
