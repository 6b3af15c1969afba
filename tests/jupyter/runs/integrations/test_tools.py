"""Other tools that start runs: each through its real package or program, as the guides say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from jvs_jupyter import sweep
from jvs_jupyter.runs.execute import run_one
from tests.jupyter.papermill.support import Workspace, environment

Jvs = Callable[..., subprocess.CompletedProcess[str]]
JVS = f"{sys.executable} -m jvs_core.cli"
WORK = "echo $((2 * {alpha})) > twice.txt; printf '{\"twice\": %s}' $((2 * {alpha})) > $JVS_RUN_DIR/metrics.jsonl"


def outcomes(workspace: Workspace) -> list[str]:
    """Return the outcomes of all runs."""
    return [run.outcome for run in workspace.repository.runs.all()]


@pytest.mark.slow
def test_dask_runs_the_points_of_a_command(workspace: Workspace) -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False, retries=0)
        found = sweep(["bash", "-c", WORK], {"alpha": [1, 2, 3]}, executor=executor)
    assert [point.metrics for point in found.points] == [{"twice": 2}, {"twice": 4}, {"twice": 6}]
    assert found.ok
    assert [info.name for info in workspace.repository.worktrees.all()] == ["main"]


@pytest.mark.slow
def test_joblib_runs_specs(workspace: Workspace) -> None:
    joblib = pytest.importorskip("joblib")
    from joblib.externals.loky import get_reusable_executor

    base = workspace.repository.snapshot("base", lock=True).snapshot_id
    specs = [
        {"command": ["bash", "-c", WORK], "parameters": {"alpha": alpha}, "from": base} for alpha in (1, 2, 3)
    ]
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(run_one)(spec) for spec in specs)
    get_reusable_executor().shutdown(wait=True)
    assert [record["metrics"] for record in found] == [{"twice": 2}, {"twice": 4}, {"twice": 6}]
    assert outcomes(workspace) == ["ok"] * 3


def test_make_runs_its_recipes_and_heeds_their_status(workspace: Workspace) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    Path("Makefile").write_text(
        f"SHELL = bash\nall: model.txt\n\nmodel.txt: data.txt\n\t{JVS} run exec -q -- bash -c 'tr a-z A-Z < $< > $@'\n\n"
        f"bad:\n\t{JVS} run exec -q -- false\n"
    )
    Path("data.txt").write_text("data\n")
    for _ in range(2):
        subprocess.run(["make", "-s"], check=True, env=environment(), stdout=subprocess.DEVNULL)
    assert Path("model.txt").read_text() == "DATA\n"
    assert outcomes(workspace) == ["ok"]  # it is up to date the second time
    failed = subprocess.run(["make", "-s", "bad"], check=False, env=environment(), capture_output=True)
    assert failed.returncode == 2
    assert outcomes(workspace) == ["failed", "ok"]


@pytest.mark.further
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_snakemake_runs_its_rules(workspace: Workspace, tmp_path: Path) -> None:
    python = installed(tmp_path, "snakemake>=8")
    Path("Snakefile").write_text(
        'rule all:\n    input: "model.txt"\n\n'
        'rule train:\n    input: "data.txt"\n    output: "model.txt"\n'
        f"    shell: \"{JVS} run exec -q -- bash -c 'tr a-z A-Z < {{input}} > {{output}}'\"\n"
    )
    Path("data.txt").write_text("data\n")
    done = subprocess.run(
        [python, "-m", "snakemake", "-c1"], check=False, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert Path("model.txt").read_text() == "DATA\n"
    assert outcomes(workspace) == ["ok"]


@pytest.mark.further
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_airflows_papermill_operator_runs_with_the_engine(workspace: Workspace, tmp_path: Path) -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["project"]
    python = installed(
        tmp_path,
        "apache-airflow-providers-papermill>=3.8",
        "apache-airflow>=2.9",
        *project["dependencies"],
        *project["optional-dependencies"]["papermill"],
    )
    workspace.notebook("in.ipynb", "print(alpha)", parameters="alpha = 1")
    (tmp_path / "operate.py").write_text(
        "from airflow.providers.papermill.operators.papermill import PapermillOperator\n"
        "from jvs_jupyter.papermill.engine import PapermillEngine\n"
        "from papermill.engines import papermill_engines\n"
        "papermill_engines.register(None, PapermillEngine)\n"
        "operator = PapermillOperator(task_id='train', input_nb='in.ipynb', output_nb='out.ipynb',\n"
        "    parameters={'alpha': 3}, kernel_name='python3')\n"
        "operator.execute(context={})\n"
    )
    done = subprocess.run(
        [python, tmp_path / "operate.py"],
        check=False,
        env={**environment(), "AIRFLOW_HOME": str(tmp_path / "airflow")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("out.ipynb").read_text())["metadata"]["jvs"]["outcome"] == "ok"
    assert workspace.only_run().parameters == {"alpha": 3}


def installed(folder: Path, *requirements: str) -> Path:
    """Return the interpreter of a new environment that holds ``requirements``; skip the test where that cannot be."""
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    python = folder / "environment" / "bin" / "python"
    made = subprocess.run(
        [python, "-m", "pip", "install", "-q", *requirements], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"{requirements[0]} cannot be installed: {made.stderr.strip().splitlines()[-1]}")
    return python
