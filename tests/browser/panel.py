"""The Snapshots panel as a person uses it."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

PATIENCE_MS = 30_000


@dataclass(frozen=True)
class Panel:
    """The panel on a page of JupyterLab or Notebook 7."""

    page: Page

    @property
    def node(self) -> Locator:
        """The panel."""
        return self.page.locator("#jvs-snapshots")

    @property
    def rows(self) -> Locator:
        """The rows of the timeline that exist."""
        return self.page.get_by_role("listbox", name="Snapshots, newest first").get_by_role("option")

    @property
    def details(self) -> Locator:
        """What is below the timeline."""
        return self.node.locator(".jvs-Details")

    @property
    def error(self) -> Locator:
        """What went wrong."""
        return self.node.locator(".jvs-Error")

    def open(self) -> None:
        """Show it, by its tab in JupyterLab."""
        self.page.locator('.lm-TabBar-tab[data-id="jvs-snapshots"]').click()
        expect(self.node).to_be_visible(timeout=PATIENCE_MS)

    def take(self, note: str, tags: str = "") -> None:
        """Take a snapshot and wait until it is the newest one."""
        self.node.get_by_role("button", name="Take snapshot…").click()
        form = self.page.locator(".jp-Dialog")
        form.get_by_label("Note").fill(note)
        form.get_by_label("Tags").fill(tags)
        form.get_by_role("button", name="Take snapshot").click()
        expect(self.rows.first).to_contain_text(note, timeout=PATIENCE_MS)
        expect(self.node.locator(".jvs-Notice")).to_contain_text("Created snapshot")

    def choose(self, note: str) -> None:
        """Choose the snapshot with this note."""
        self.rows.filter(has_text=note).first.click()
        expect(self.details).to_be_visible()

    def press(self, name: str) -> None:
        """Press one of the chosen snapshot's buttons."""
        self.details.get_by_role("button", name=name, exact=True).click()

    def answer(self, label: str, text: str, button: str) -> None:
        """Fill in the field of the dialog that is open and press its button."""
        form = self.page.locator(".jp-Dialog")
        form.get_by_label(label).fill(text)
        form.get_by_role("button", name=button, exact=True).click()
        expect(form).to_have_count(0)
