"""Parameters that JSON has no form for: recorded, and passed on, as they were."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from papermill import execute_notebook

from jvs_core import InputError
from jvs_jupyter import reproduce, run, sweep
from jvs_jupyter.papermill.spec import RunSpec
from jvs_jupyter.papermill.values import decoded, encoded
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


@pytest.mark.parametrize("through_papermill", [False, True])
def test_a_run_reproduces_with_the_same_values(workspace: Workspace, through_papermill: bool) -> None:
    given = {
        "v": math.nan,
        **{name: VALUES[name] for name in ("inf", "day", "file", "plain")},
        "pair": (1, 2),
    }
    shown = ", ".join(given)
    workspace.notebook("in.ipynb", f"print([(type(x).__name__, x) for x in ({shown},)])")
    if through_papermill:
        execute_notebook("in.ipynb", "out.ipynb", parameters=given, engine_name="jvs", progress_bar=False)
    else:
        run("in.ipynb", given, output="out.ipynb")
    made = workspace.only_run()
    assert made.outcome == "ok"
    assert workspace.recorded(made.run_id)["parameters"]["v"] == {"$jvs": "float", "value": "nan"}
    assert made.parameters["pair"] == {"$jvs": "tuple", "value": [1, 2]}

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    json.loads(Path("out.ipynb").read_bytes(), parse_constant=refuse)
    assert reproduce(made).verdict == "identical"
    execute_notebook("out.ipynb", "out.ipynb", engine_name="jvs", progress_bar=False)
    assert workspace.repository.runs.all()[0].parameters == made.parameters


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", [{"k": (1, 2)}]])
def test_a_value_that_no_record_keeps_is_refused_by_name(workspace: Workspace, value: Any) -> None:
    workspace.notebook("in.ipynb", "print(1)")
    with pytest.raises(InputError, match="'mine'"):
        execute_notebook(
            "in.ipynb", "o.ipynb", parameters={"mine": value}, engine_name="jvs", progress_bar=False
        )
    assert workspace.repository.runs.all() == []
    assert workspace.repository.history() == []


def test_a_sweep_over_such_values(workspace: Workspace) -> None:
    workspace.notebook("in.ipynb", "from jvs_magics import metric\nmetric('kind', type(v).__name__)")
    done = sweep("in.ipynb", {"v": [math.nan, 1.0]}, jobs=1)
    assert [point.run.metrics["kind"] for point in done.points if point.run] == ["float", "float"]
    assert json.dumps(done.to_json(), allow_nan=False)
    assert all(point.skipped for point in sweep("in.ipynb", {"v": [math.nan, 1.0]}, jobs=1).points)
