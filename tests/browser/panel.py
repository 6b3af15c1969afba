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
    def tree(self) -> Locator:
        """The timeline."""
        return self.page.get_by_role("tree", name="Snapshots, newest first")

    @property
    def rows(self) -> Locator:
        """The rows of the timeline that exist."""
        return self.tree.get_by_role("treeitem")

    @property
    def deleted(self) -> Locator:
        """The rows of the Deleted tab that exist."""
        return self.page.get_by_role("grid", name="Deleted files, newest first").get_by_role("row")

    @property
    def below(self) -> Locator:
        """What is below the timeline: files of a snapshot, or what changed."""
        return self.node.locator(".jvs-Below")

    @property
    def notifications(self) -> Locator:
        """What Lab tells the person."""
        return self.page.locator(".Toastify__toast")

    def open(self) -> None:
        """Show it, by its tab in JupyterLab."""
        self.page.locator('.lm-TabBar-tab[data-id="jvs-snapshots"]').click()
        expect(self.node).to_be_visible(timeout=PATIENCE_MS)

    def show(self, tab: str) -> None:
        """Show one of its tabs."""
        self.node.get_by_role("tab", name=tab).click()

    def take(self, note: str) -> None:
        """Take a snapshot by the field for its note and wait until it is the newest one."""
        field = self.node.get_by_label("Note of the snapshot")
        field.fill(note)
        field.press("Enter")
        expect(self.rows.first).to_contain_text(note, timeout=PATIENCE_MS)

    def row(self, note: str) -> Locator:
        """Return the row of the snapshot with this note."""
        return self.rows.filter(has_text=note).first

    def menu(self, row: Locator, item: str) -> None:
        """Choose from the context menu of a row."""
        row.locator(".jvs-Title").click(button="right")
        self.page.get_by_role("menu").get_by_role("menuitem", name=item, exact=True).click()

    def press(self, button: str) -> None:
        """Press a button of the notification that has it."""
        self.notifications.get_by_role("button", name=button, exact=True).last.click()

    def told(self, text: str) -> Locator:
        """Wait for a notification with this text."""
        found = self.notifications.filter(has_text=text)
        expect(found.last).to_be_visible(timeout=PATIENCE_MS)
        return found.last

    def answer(self, button: str, **fields: str) -> None:
        """Fill in the fields of the dialog that is open, by their names, and press its button."""
        form = self.page.locator(".jp-Dialog")
        for name, text in fields.items():
            form.locator(f"[name={name}]").fill(text)
        form.get_by_role("button", name=button, exact=True).click()
        expect(form).to_have_count(0)
