"""The Runs view as a person uses it, and runs for it: real ones, of a script that takes no time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, expect

from jvs_core import Repository, Run
from jvs_core.settings import from_environment
from jvs_jupyter import run
from tests.browser.server import JupyterServer
from tests.browser.versions import KERNEL

PATIENCE_MS = 30_000
TRAIN = """import json, os, sys
alpha, seed = float(sys.argv[1]), int(sys.argv[2])
open("model.txt", "w").write(f"{alpha} {seed}\\n")
with open(os.environ["JVS_RUN_DIR"] + "/metrics.jsonl", "a") as file:
    file.write(json.dumps({"accuracy": round(0.9 / (1 + alpha) + seed / 100, 4), "loss": alpha / 2}) + "\\n")
"""
POINTS = ((0.001, 1), (0.01, 2), (0.1, 1), (0.5, 3), (1, 2))


@dataclass(frozen=True)
class RunsView:
    """The Runs view in front, on a page of JupyterLab."""

    page: Page

    @property
    def node(self) -> Locator:
        """The tab."""
        return self.page.locator(".jvs-Runs:not(.lm-mod-hidden)")

    @property
    def grid(self) -> Locator:
        """The table."""
        return self.node.get_by_role("grid", name="Runs")

    @property
    def rows(self) -> Locator:
        """The rows of runs that exist."""
        return self.grid.locator("[data-jvs-row]")

    @property
    def below(self) -> Locator:
        """What is below the table."""
        return self.node.locator(".jvs-Runs-below")

    def row(self, run_id: str) -> Locator:
        """The row of a run."""
        return self.page.locator(f"[id='jvs-run-{run_id}']")

    def sort(self, name: str) -> None:
        """Click on the header of a column."""
        self.grid.get_by_role("columnheader").get_by_role("button", name=name).click()

    def values(self, column: int) -> list[str]:
        """The texts of a column, boxes and outcomes included in the count."""
        found: list[str] = self.rows.evaluate_all(
            "(rows, at) => rows.map(row => row.children[at]?.querySelector('.jvs-Runs-value')?.textContent ?? '')",
            column,
        )
        return found

    def menu(self, row: Locator, item: str) -> None:
        """Choose from the menu of a row."""
        row.get_by_role("button", name="Actions for this run").click()
        self.page.get_by_role("menu").get_by_role("menuitem", name=item, exact=True).click()

    def answer(self, button: str, **fields: str) -> None:
        """Fill in the fields of the dialog that is open, by their names, and press its button."""
        form = self.page.locator(".jp-Dialog")
        for name, text in fields.items():
            form.locator(f"[name={name}]").fill(text)
        form.get_by_role("button", name=button, exact=True).click()
        expect(form).to_have_count(0)

    def told(self, text: str) -> Locator:
        """Wait for a notification with this text."""
        found = self.page.locator(".Toastify__toast").filter(has_text=text)
        expect(found.last).to_be_visible(timeout=PATIENCE_MS)
        return found.last


def make(server: JupyterServer, name: str) -> Repository:
    """Return a repository below the server's root with a script and a notebook that fails."""
    folder = server.root.parent
    settings = replace(from_environment(), state_dir=folder / "state", cache_dir=folder / "cache")
    repo = Repository.init(server.root / name, settings=settings)
    main = repo.root / "main"
    (main / "train.py").write_text(TRAIN)
    (main / "fails.py").write_text("import sys\nsys.exit('the data is not there: data.csv')\n")
    nbformat.write(notebook(), main / "eda.ipynb")
    repo.snapshot("the scripts", lock=True)
    return repo


def train(repo: Repository, points: Iterable[tuple[float, int]] = POINTS, **options: Any) -> list[Run]:
    """Run the script once for each point, the last one newest."""
    words = ["python3", "train.py", "{alpha}", "{seed}"]
    return [
        run(words, {"alpha": alpha, "seed": seed}, cwd=str(repo.root / "main"), quiet=True, **options)
        for alpha, seed in points
    ]


def notebook() -> nbformat.NotebookNode:
    """A notebook whose third cell fails."""
    cells = [nbformat.v4.new_code_cell(text) for text in ("a = 1", "a + 1", "1 / (a - 1)", "'never'")]
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    return made


def main(repo: Repository) -> Path:
    """Where the files are."""
    return repo.root / "main"
