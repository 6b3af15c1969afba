"""Parameters that JSON has no form for: recorded, and passed on, as they were."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import nbformat
import numpy as np
import pytest
from papermill import execute_notebook

from jvs_core import InputError
from jvs_jupyter import reproduce, run, sweep
from jvs_jupyter.papermill import literals
from jvs_jupyter.papermill.spec import RunSpec
from jvs_jupyter.runs.values import decoded, encoded, encoded_all
from tests.jupyter.papermill.support import Workspace

VALUES: dict[str, Any] = {
    "inf": -math.inf,
    "pair": (1, (2.5, "x")),
    "day": date(2020, 1, 2),
    "moment": datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "hour": time(1, 2),
    "span": timedelta(days=1, seconds=2),
    "price": Decimal("1.10"),
    "file": Path("a/b"),
    "odd": "a\udc80\n",
    "tag": {"$jvs": "float", "value": "nan"},
    "data": b"a\x00\xff",
    "names": {"b", "a", ("c", 1)},
    "frozen": frozenset({1, 2}),
    "none": set(),
    "keys": {1: "a", None: {2.5: (1,)}, "\udc80": b""},
    "plain": [1, None, True, 0.5, {"k": "v"}],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_as_it_was(name: str) -> None:
    form = json.loads(json.dumps(encoded(VALUES[name]), allow_nan=False))
    assert decoded(form) == VALUES[name]
    assert type(decoded(form)) is type(VALUES[name])


def test_what_is_no_form_of_a_value_stays() -> None:
    for found in (
        {"$jvs": "date", "value": "never"},
        {"$jvs": "other", "value": 1},
        {"$jvs": ["x"], "value": 1},
    ):
        assert decoded(found) == found


def test_a_spec_is_json_and_back() -> None:
    spec = RunSpec.parse({"notebook": "n.ipynb", "parameters": {"v": math.nan, "pair": (1, 2)}})
    text = json.dumps(spec.to_json(), allow_nan=False)
    again = RunSpec.parse(json.loads(text)).parameters
    assert math.isnan(again["v"])
    assert again["pair"] == (1, 2)


@pytest.mark.parametrize(
    "value", [1, 2.5, True, math.nan, -math.inf, -0.0], ids=["int", "float", "bool", "nan", "inf", "zero"]
)
def test_a_number_of_numpys_is_pythons(value: Any) -> None:
    kinds = {int: np.int64, float: np.float64, bool: np.bool_}
    for given in (kinds[type(value)](value), np.array(value)):
        back = decoded(encoded(given))
        assert type(back) is type(value)
        assert repr(back) == repr(value)


def test_a_single_of_numpys_keeps_its_value() -> None:
    assert encoded(np.float32(0.1)) == float(np.float32(0.1))


GIVEN = {
    "v": math.nan,
    **{name: value for name, value in VALUES.items() if name != "tag"},
    "pair": (1, 2),
    "count": np.int64(3),
    "share": np.float64(0.5),
}
SHOWN = {**GIVEN, "count": 3, "share": 0.5}


@pytest.mark.parametrize("through_papermill", [False, True])
def test_a_notebook_gets_the_values_and_gets_them_again(
    workspace: Workspace, through_papermill: bool
) -> None:
    given = {
        name: value for name, value in GIVEN.items() if not (through_papermill and name in ("keys", "names"))
    }
    workspace.notebook(
        "in.ipynb",
        f"found = [{', '.join(given)}]\n"
        "print([(type(x).__name__, sorted(map(repr, x)) if isinstance(x, (set, frozenset)) else x) for x in found])",
    )
    if through_papermill:
        execute_notebook("in.ipynb", "out.ipynb", parameters=given, engine_name="jvs", progress_bar=False)
    else:
        run("in.ipynb", given, output="out.ipynb")
    made = workspace.only_run()
    assert made.outcome == "ok"
    shown = [SHOWN[name] for name in given]
    told = [(type(x).__name__, sorted(map(repr, x)) if isinstance(x, set | frozenset) else x) for x in shown]
    assert workspace.printed("out.ipynb") == f"{told}\n"
    assert workspace.recorded(made.run_id)["parameters"]["v"] == {"$jvs": "float", "value": "nan"}
    assert made.parameters["pair"] == {"$jvs": "tuple", "value": [1, 2]}

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    json.loads(Path("out.ipynb").read_bytes(), parse_constant=refuse)
    assert reproduce(made).verdict == "identical"
    execute_notebook("out.ipynb", "out.ipynb", engine_name="jvs", progress_bar=False)
    assert workspace.repository.runs.all()[0].parameters == made.parameters
    assert workspace.printed("out.ipynb") == f"{told}\n"


ITSELF: list[Any] = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        1j,
        range(3),
        np.arange(3),
        np.datetime64("2020-01-01T00:00:00.000000001"),
        np.longdouble(1),
        datetime(2020, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")),
        time(1, 2, fold=1),
        PureWindowsPath("a"),
        {"k": object()},
        ITSELF,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_would_not_come_back_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InputError, match="'mine'"):
        encoded_all({"mine": value})


@pytest.mark.parametrize("value", [object(), [{"k": (1, 2)}]])
def test_a_value_that_no_record_keeps_is_refused_before_anything_runs(
    workspace: Workspace, value: Any
) -> None:
    workspace.notebook("in.ipynb", "print(1)")
    with pytest.raises(InputError, match="'mine'"):
        execute_notebook(
            "in.ipynb", "o.ipynb", parameters={"mine": value}, engine_name="jvs", progress_bar=False
        )
    assert workspace.repository.runs.all() == []
    assert workspace.repository.history() == []


@pytest.mark.parametrize("value", [date(2020, 1, 2), (1, 2), math.nan, {1: "a"}, np.int64(1)], ids=repr)
def test_another_language_than_python_gets_no_text_in_place_of_a_value(value: Any) -> None:
    cell = nbformat.v4.new_code_cell("as papermill wrote it", metadata={"tags": ["injected-parameters"]})
    nb = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, cells=[cell]
    )
    literals.write(nb, "ir", {"plain": [1, "x", {"a": None}]})
    assert cell.source == "as papermill wrote it"
    with pytest.raises(InputError, match="'mine'"):
        literals.write(nb, "ir", {"plain": 1, "mine": value})


def test_a_sweep_over_such_values(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "from jvs_magics import metric\nmetric('kind', type(v).__name__)")
    done = sweep("in.ipynb", {"v": [math.nan, 1.0]}, jobs=1)
    assert [point.run.metrics["kind"] for point in done.points if point.run] == ["float", "float"]
    assert json.dumps(done.to_json(), allow_nan=False)
    assert all(point.skipped for point in sweep("in.ipynb", {"v": [math.nan, 1.0]}, jobs=1).points)
