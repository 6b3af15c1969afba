"""``jvs run list|name|note|remove|compare`` and ``reproduce --times``."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_core import Run
from jvs_jupyter import run
from tests.jupyter.papermill.support import Workspace

Jvs = Callable[..., subprocess.CompletedProcess[str]]
SCORE = 'printf \'{"score": %s}\' {alpha} > "$JVS_RUN_DIR/metrics.jsonl"; echo {alpha} > made.txt'


@pytest.fixture
def three(workspace: Workspace) -> list[Run]:
    return [run(["bash", "-c", SCORE], {"alpha": alpha}) for alpha in (0.5, 2, 1)]


def test_the_list_is_filtered_sorted_and_printed_as_asked(three: list[Run], jvs: Jvs) -> None:
    line = ["run", "list", "--where", "alpha>0.5", "--sort=-score"]
    found = json.loads(jvs(*line, "--json").stdout)
    assert [item["run_id"] for item in found] == [three[1].run_id, three[2].run_id]
    rows = list(csv.DictReader(io.StringIO(jvs(*line, "--csv", "--columns", "alpha,score").stdout)))
    assert rows == [{"alpha": "2", "score": "2"}, {"alpha": "1", "score": "1"}]
    table = jvs("run", "list", "--columns", "alpha,nothing", "--sort", "alpha").stdout.splitlines()
    assert [row.split() for row in table] == [["alpha", "nothing"], ["0.5", "–"], ["1", "–"], ["2", "–"]]
    assert json.loads(jvs("run", "list", "--columns", "score", "--limit", "1", "--json").stdout) == [
        {"score": 1}
    ]
    assert "score=2" in jvs("run", "list").stdout
    assert jvs("run", "list", "--grep", "nothing-of-it").stdout == ""
    for wrong in (["--where", "alpha"], ["--csv", "--json"], ["--columns", ","], ["--sort", ""]):
        status = 0 if wrong == ["--sort", ""] else 2
        jvs("run", "list", *wrong, status=status)


def test_a_run_is_named_noted_and_removed(three: list[Run], jvs: Jvs) -> None:
    assert "has the name best" in jvs("run", "name", three[1].run_id, "best").stdout
    jvs("run", "note", "best", "for the paper")
    shown = jvs("run", "show", "best").stdout
    assert "for the paper" in shown
    assert "best" in jvs("run", "list").stdout
    jvs("run", "name", three[0].run_id, "best", status=4)
    jvs("run", "remove", "best", "nothing", status=3)
    assert json.loads(jvs("run", "show", "best", "--json").stdout)["name"] == "best"
    removed = json.loads(jvs("run", "remove", "best", three[0].run_id, "best", "--json").stdout)
    assert [item["run_id"] for item in removed] == [three[1].run_id, three[0].run_id]
    jvs("run", "show", "best", status=3)


def test_runs_are_compared_with_deltas_to_the_first(three: list[Run], jvs: Jvs) -> None:
    ids = [made.run_id for made in three]
    pair = json.loads(jvs("run", "compare", *ids[:2], "--json").stdout)
    assert (pair["deltas"], pair["metrics"]) == ({"score": 1.5}, {"score": [0.5, 2]})
    assert pair["modified"] == ["made.txt"]
    assert pair["parameters"] == {"alpha": [0.5, 2]}
    assert "+1.5" in jvs("run", "compare", *ids[:2]).stdout
    many = json.loads(jvs("run", "compare", *ids, "--json").stdout)
    assert many["baseline"] == ids[0]
    assert [item["deltas"] for item in many["runs"]] == [{}, {"score": 1.5}, {"score": 0.5}]
    assert "2 (+1.5)" in jvs("run", "compare", *ids).stdout


def test_several_times_find_what_is_flaky(workspace: Workspace, jvs: Jvs, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    script = f"echo x >> {counter}; wc -l < {counter} | awk '{{print int($1 / 3)}}' > out.txt"
    made = run(["bash", "-c", script])
    done = json.loads(jvs("run", "reproduce", made.run_id, "--times", "3", "--json", status=20).stdout)
    assert (done["verdict"], done["times"], done["flaky"]) == ("differs", 3, {"out.txt": 2})
    assert [item["verdict"] for item in done["runs"]] == ["identical", "differs", "differs"]
    stable = run(["bash", "-c", "echo same > out.txt"])
    said = jvs("run", "reproduce", stable.run_id, "--times", "2").stdout
    assert said.splitlines()[-1] == "2 identical of 2 times"


@pytest.mark.parametrize(
    ("script", "hint"),
    [
        ("import gzip; gzip.open('a.gz', 'w').write(b'x'); import time; time.sleep(1.1)", "mtime=0"),
        (
            "import datetime; open('a.txt', 'w').write(f'made {datetime.datetime.now()} by me')",
            "differ only in times",
        ),
        ("import random; open('a.txt', 'w').write(str(random.random()))", "JVS sees no seed"),
        (
            "import zipfile, os, time; open('b', 'w'); z = zipfile.ZipFile('a.zip', 'w'); z.write('b'); z.close(); time.sleep(2.1)",
            "date_time",
        ),
    ],
    ids=["gzip", "time", "seed", "zip"],
)
def test_hints_say_what_the_bytes_show(workspace: Workspace, jvs: Jvs, script: str, hint: str) -> None:
    Path("make.py").write_text(script + "\n")
    made = run([sys.executable, "make.py"])
    done = jvs("run", "reproduce", made.run_id, status=20)
    assert hint in done.stderr
    assert "hint" not in jvs("run", "show", made.run_id).stdout
