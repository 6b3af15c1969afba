"""A week of somebody's work on churn: customers, a notebook that was run, a model, figures, runs of a script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
from nbclient import NotebookClient

from jvs_core import Repository, clock
from jvs_core.settings import from_environment
from jvs_jupyter import run
from tests.browser.server import JupyterServer
from tests.browser.versions import KERNEL

MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOTEBOOK = "churn.ipynb"
POINTS = ((0.01, 4), (0.03, 3), (0.1, 2), (0.1, 4), (0.3, 3), (1.0, 2))

_READ = """import pandas as pd

customers = pd.read_csv("data/customers.csv")
customers.head(3)"""
_LOOK = """import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7.2, 2.3), dpi=110)
for plan, group in customers.groupby("plan"):
    group.groupby(group.months // 6 * 6).left.mean().plot(ax=axes, label=plan, marker="o")
axes.set(xlabel="months with us", ylabel="share that leaves")
axes.legend(frameon=False)
figure.tight_layout()"""
_TRAIN = """from churn import fit, roc, split

rate = {rate}
features = {features}
X, X_test, y, y_test = split(customers, features)
model = fit(X, y, rate=rate)
print(f"accuracy {{model.score(X_test, y_test):.3f}}")
roc(model, X_test, y_test)"""
_MODULE = """import joblib
import matplotlib.pyplot as plt
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay
from sklearn.model_selection import train_test_split


def split(customers, features):
    return train_test_split(customers[features], customers.left, random_state=0)


def fit(X, y, rate=0.1, depth=3):
    model = GradientBoostingClassifier(
        learning_rate=rate, max_depth=depth, n_estimators=60, random_state=0
    )
    return model.fit(X, y)


def roc(model, X, y):
    joblib.dump(model, "models/churn.joblib")
    figure, axes = plt.subplots(figsize=(3.8, 2.3), dpi=100)
    RocCurveDisplay.from_estimator(model, X, y, ax=axes, name="churn")
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
    axes.set(xlabel="false alarms", ylabel="found", aspect="auto")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig("figures/roc.png")
"""
_SCRIPT = """import json, os, sys
import pandas as pd
from sklearn.metrics import log_loss
from churn import fit, split

rate, depth = float(sys.argv[1]), int(sys.argv[2])
X, X_test, y, y_test = split(pd.read_csv("data/customers.csv"), ["months", "monthly", "calls"])
model = fit(X, y, rate, depth)
found = {
    "accuracy": round(model.score(X_test, y_test), 3),
    "loss": round(log_loss(y_test, model.predict_proba(X_test)), 3),
}
with open(os.environ["JVS_RUN_DIR"] + "/metrics.jsonl", "a") as file:
    file.write(json.dumps(found) + "\\n")
"""


def make(server: JupyterServer, name: str = "churn") -> Repository:
    """Return a repository below the server's root: a few days of snapshots, and six runs."""
    folder = server.root.parent
    settings = replace(from_environment(), state_dir=folder / "state", cache_dir=folder / "cache")
    with _ago(3 * DAY):
        repo = Repository.init(server.root / name, settings=settings)
        main = repo.root / "main"
        begin(main)
        (main / "notes.md").write_text("# Churn\n\nAsk sales what *standard* means.\n")
        repo.snapshot("customers, as exported", lock=True, tags=["raw"])
    with _ago(2 * DAY):
        (main / "train.py").write_text(_SCRIPT)
        train(repo)
    with _ago(DAY + 2 * HOUR):
        execute(main, rate=0.01, features=["months", "monthly"])
        repo.snapshot("first model", lock=True, tags=["baseline"])
    with _ago(3 * HOUR):
        (main / "notes.md").write_text("# Churn\n\nCalls to support matter most.\n")
        repo.snapshot("what sales said", lock=True)
    with _ago(50 * MINUTE):
        execute(main, rate=0.3, features=["months", "monthly", "calls"])
        repo.snapshot("a faster rate", lock=True)
    with _ago(8 * MINUTE):
        execute(main, rate=0.1, features=["months", "monthly", "calls"])
        repo.snapshot("calls to support", lock=True)
    return repo


def begin(main: Path) -> None:
    """Put the data and the module into a folder."""
    for part in ("data", "figures", "models"):
        (main / part).mkdir(parents=True)
    (main / "data" / "customers.csv").write_text(customers())
    (main / "churn.py").write_text(_MODULE)


def train(repo: Repository) -> None:
    """Run the script once for each point."""
    for rate, depth in POINTS:
        words = ["python3", "train.py", "{rate}", "{depth}"]
        run(words, {"rate": rate, "depth": depth}, cwd=str(repo.root / "main"), quiet=True)


def execute(main: Path, *, rate: float, features: list[str]) -> None:
    """Write the notebook with its outputs, and what it makes."""
    cells = [
        nbformat.v4.new_markdown_cell("# Who leaves, and why", id="title"),
        nbformat.v4.new_code_cell(_READ, id="read"),
        nbformat.v4.new_code_cell(_LOOK, id="look"),
        nbformat.v4.new_code_cell(
            _TRAIN.format(rate=rate, features=str(features).replace("'", '"')), id="train"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(main)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    nbformat.write(notebook, main / NOTEBOOK)


def customers(count: int = 1_200) -> str:
    """Return a table of customers, who leave the sooner the more often they had to call."""
    chance = np.random.default_rng(7)
    lines = ["id,months,plan,monthly,calls,left"]
    for number in range(count):
        months, calls = int(chance.integers(1, 48)), int(chance.poisson(1.6))
        plan = ("basic", "standard", "plus")[int(chance.integers(3))]
        monthly = {"basic": 9, "standard": 19, "plus": 39}[plan] + float(chance.integers(0, 600)) / 100
        pull = 1.1 * calls - 0.09 * months + (monthly - 25) / 22 - 1.0
        left = int(chance.random() < 1 / (1 + np.exp(-1.8 * pull)))
        lines.append(f"{1000 + number},{months},{plan},{monthly:.2f},{calls},{left}")
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def _ago(seconds: int) -> Iterator[None]:
    """Let records say that what the block does was done so long ago."""
    now = clock.now_ms

    def then() -> int:
        return now() - seconds * 1000

    with mock.patch.object(clock, "now_ms", then):
        yield
