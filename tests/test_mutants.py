"""The mutants: each still applies to the source as it is, names tests that exist, and changes the copy only."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.mutants import copy
from tests.mutants.catalog import MUTANTS
from tests.mutants.copy import BROKEN, HUNG, KILLED, SURVIVED, Copy, Verdict
from tests.mutants.mutant import PROJECT, Mutant, of
from tests.mutants.runner import BaselineFailed, Result, run, summary

SOURCE = """
def is_full(count: int) -> bool:
    return count >= 3
"""
TESTS = """
from jvs_core.small import is_full

def test_at_its_end():
    assert is_full(3)

def test_below():
    assert not is_full(1)

def test_fails():
    assert False
"""


@cache
def functions(path: Path) -> set[str]:
    """Return the names of the functions of a module."""
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_applies_and_its_tests_are_there(mutant: Mutant) -> None:
    text = mutant.applied()
    assert text != (PROJECT / mutant.file).read_text()
    compile(text, mutant.file, "exec")
    assert mutant.file.startswith("jvs_core/")
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert (PROJECT / path).is_file(), test
        assert not name or name.partition("[")[0] in functions(PROJECT / path), test


def test_mutants_have_names_of_their_own_and_cover_what_holds_data_and_trust() -> None:
    assert [name for name, times in Counter(m.name for m in MUTANTS).items() if times > 1] == []
    areas = Counter("/".join(mutant.file.split("/")[1:3]) for mutant in MUTANTS)
    wanted = ("control/lock", "control/records", "control/audit", "payload/changes", "payload/copy")
    assert all(areas[area] >= 10 for area in wanted), areas
    assert all(areas[f"operations/{area}"] >= 3 for area in ("publish.py", "gc", "inplace"))


def test_a_text_that_is_gone_or_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("a = 1\na = 1\n")
    for old in ("a = 1", "b = 1"):
        with pytest.raises(ValueError, match="times"):
            Mutant("name", "m.py", old, "", ()).applied(tmp_path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project of one module and a few tests that takes the place of this one."""
    project = tmp_path / "small"
    for name in ("jvs_core", "jvs_magics", "jvs_jupyter", "tests"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").touch()
    (project / "jvs_core/small.py").write_text(SOURCE)
    (project / "tests/test_small.py").write_text(TESTS)
    markers = '[tool.pytest.ini_options]\npythonpath = ["."]\nmarkers = ["realfs"]\n'
    (project / "pyproject.toml").write_text(markers)
    monkeypatch.setattr(copy, "PROJECT", project)
    monkeypatch.setattr(copy, "_END_S", 3.0)
    return project


@pytest.mark.slow
def test_a_mutant_is_tried_on_a_copy_and_the_project_stays_as_it_is(project: Path) -> None:
    small = of("jvs_core/small.py", "tests/test_small.py::test_at_its_end").mutant
    below = "tests/test_small.py::test_below"
    mutants = [
        small("the end is none", "count >= 3", "count > 3"),
        small("two is the end", "count >= 3", "count >= 2", below),
        small("always full", "count >= 3", "True", below),
        small("twice no", "count >= 3", "not count < 3", equivalent="it says the same"),
        small("no name", "count >= 3", "kount >= 3"),
        small("no module", "def is_full", "def is_empty"),
    ]
    said: list[str] = []
    results = run(mutants, workers=2, seconds=60, told=said.append)
    outcomes = [result.outcome for result in results]
    assert outcomes == [KILLED, SURVIVED, KILLED, "equivalent", KILLED, BROKEN]
    assert [result.as_expected for result in results] == [True, False, True, True, True, False]
    assert len(said) == len(mutants)
    assert (project / "jvs_core/small.py").read_text() == SOURCE
    lines = summary(results)
    assert "score: 3 of 5 killed (60 %)" in lines
    assert any("two is the end" in line for line in lines)


@pytest.mark.slow
def test_tests_that_fail_without_a_mutant_tell_nothing(project: Path) -> None:
    mutant = Mutant("any", "jvs_core/small.py", "3", "4", ("tests/test_small.py::test_fails",))
    with pytest.raises(BaselineFailed, match="test_fails"):
        run([mutant], workers=1, seconds=60, told=lambda _: None)


@pytest.mark.slow
def test_a_run_that_hangs_is_ended(project: Path, tmp_path: Path) -> None:
    (project / "tests/test_endless.py").write_text("import time\ntime.sleep(60)\n")
    assert Copy(tmp_path / "copy").run(["tests/test_endless.py"], 3).outcome == HUNG


def test_what_hung_counts_as_killed_and_an_equivalent_one_must_survive() -> None:
    mutant = Mutant("m", "f", "a", "b", ())
    assert Result(mutant, Verdict(HUNG, "")).outcome == KILLED
    same = Mutant("m", "f", "a", "b", (), equivalent="because")
    assert Result(same, Verdict(SURVIVED, "")).as_expected
    assert not Result(same, Verdict(KILLED, "")).as_expected
