"""The compare tab as a person uses it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser.server import JupyterServer

PATIENCE_MS = 45_000


@dataclass(frozen=True)
class CompareTab:
    """The compare tab in front, on a page of JupyterLab or Notebook 7."""

    page: Page

    @property
    def node(self) -> Locator:
        """The tab."""
        return self.page.locator(".jvs-Compare:not(.lm-mod-hidden)")

    @property
    def paths(self) -> Locator:
        """The changed paths."""
        return self.node.get_by_role("listbox", name="What changed").get_by_role("option")

    @property
    def inside(self) -> Locator:
        """What changed inside the chosen file."""
        return self.node.locator(".jvs-Inside-scroll")

    @property
    def words(self) -> Locator:
        """What changed, in a few words."""
        return self.node.locator(".jvs-Compare-words")

    def cell(self, name: str) -> Locator:
        """The cell with this name."""
        return self.inside.get_by_role("article", name=name)

    def choose(self, path: str) -> None:
        """Choose a changed path, and wait until its inside is there."""
        self.paths.filter(has_text=path.rsplit("/", 1)[-1]).first.click()
        expect(self.node.get_by_role("region", name=f"What changed in {path}")).to_be_visible(
            timeout=PATIENCE_MS
        )

    def press(self, name: str) -> None:
        """Press one of the buttons at its foot."""
        self.node.get_by_role("button", name=name, exact=True).click()

    def answer(self, button: str) -> None:
        """Press a button of the dialog that is open."""
        dialog = self.page.locator(".jp-Dialog")
        dialog.get_by_role("button", name=button, exact=True).click()
        expect(dialog).to_have_count(0)


def open_document(page: Page, server: JupyterServer, path: str) -> Locator:
    """Open a document in a fresh JupyterLab; no kernel is waited for."""
    page.goto(server.address(f"lab/workspaces/{secrets.token_hex(4)}/tree/{path}"))
    document = page.locator(".jp-Document:not(.lm-mod-hidden)").first
    expect(document).to_be_visible(timeout=60_000)
    return document


def compare(page: Page) -> CompareTab:
    """Press the button in the toolbar of the notebook in front, and wait for what changed."""
    button = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) [data-jp-item-name='jvs-compare']")
    expect(button).to_be_visible(timeout=PATIENCE_MS)
    button.click()
    tab = CompareTab(page)
    expect(tab.inside).to_be_visible(timeout=PATIENCE_MS)
    return tab
