"""A seeded model of scikit-learn, trained by a script with a module of its own, comes out the same again."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from jvs_jupyter import reproduce, run
from tests.jupyter.papermill.support import Workspace

# Only the child imports it: here it would make every process that a test forks the slower.
pytestmark = pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn is not installed")

FEATURES = """
from sklearn.datasets import make_classification

def load(seed):
    return make_classification(n_samples=200, n_features=8, random_state=seed)
"""
TRAIN = """
import pickle, sys
from features import load
from jvs_magics import metric
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

seed, trees = int(sys.argv[1]), int(sys.argv[2])
x, y = load(seed)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=seed)
model = RandomForestClassifier(trees, random_state=seed).fit(x_train, y_train)
metric("accuracy", model.score(x_test, y_test))
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
"""


@pytest.mark.slow
def test_a_seeded_model_is_reproduced_to_the_byte(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    Path("features.py").write_text(FEATURES)
    Path("train.py").write_text(TRAIN)
    made = run([sys.executable, "train.py", "{seed}", "{trees}"], {"seed": 3, "trees": 10})
    assert made.outcome == "ok", made.error
    assert list(Path("__pycache__").glob("features.*.pyc"))
    assert made.outputs == ("model.pkl",)
    assert made.metrics["accuracy"] > 0.5
    found = reproduce(made)
    assert (found.verdict, found.paths) == ("identical", [])
    assert found.run.metrics == made.metrics
