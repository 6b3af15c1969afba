"""JupyterLab as a person uses it: opening a notebook, running its cells, waiting for the kernel."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import JupyterServer

PATIENCE_MS = 60_000
_NOT_DONE = re.compile(r"^\[[ *]\]:$")


def open_notebook(page: Page, server: JupyterServer, path: str) -> Locator:
    """Open the notebook at ``path`` in a fresh JupyterLab and return its panel, the kernel idle."""
    page.goto(server.address(f"lab/workspaces/{secrets.token_hex(4)}/tree/{path}"))
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(panel).to_be_visible(timeout=PATIENCE_MS)
    wait_until_idle(page, panel)
    return panel


def run_all(page: Page, panel: Locator) -> None:
    """Run every cell of the notebook, from the menu, and wait for the end; a cell that fails fails the test."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    expect(panel.locator(".jp-CodeCell .jp-InputPrompt", has_text=_NOT_DONE)).to_have_count(
        0, timeout=PATIENCE_MS
    )
    wait_until_idle(page, panel)


def wait_until_idle(page: Page, panel: Locator) -> None:
    """Wait until there is a kernel and it says that it is idle."""
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=PATIENCE_MS)
    indicator = panel.locator(".jp-Notebook-ExecutionIndicator")
    expect(indicator).to_have_attribute("data-status", "idle", timeout=PATIENCE_MS)
