"""The harness itself: a real notebook runs in a real browser."""

from __future__ import annotations

import nbformat
from playwright.sync_api import Page, expect

from tests.browser.lab import open_notebook, run_all
from tests.browser.server import JupyterServer


def test_a_notebook_runs_in_the_browser(lab: JupyterServer, page: Page) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("6 * 7")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, lab.root / "harness.ipynb")
    panel = open_notebook(page, lab, "harness.ipynb")
    run_all(page, panel)
    expect(panel.locator(".jp-OutputArea-output").first).to_have_text("42")
