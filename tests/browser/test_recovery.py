"""A notebook that nobody took a snapshot of is deleted, and found again."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nbformat
from playwright.sync_api import Page, expect

from jvs_core import Repository
from jvs_core.settings import from_environment
from tests.browser.lab import PATIENCE_MS, wait_until_idle
from tests.browser.panel import Panel
from tests.browser.server import JupyterServer, jupyter_server
from tests.support.long_history import write_history

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
TEXT = "answer = 'a whole evening of work'"
# What shows within two seconds on a quiet machine; this one may be busy.
SOON_MS = 10_000


@contextmanager
def serving(folder: Path, app: str = "jupyterlab") -> Iterator[JupyterServer]:
    """Run a server whose documents are saved by themselves every few seconds."""
    settings = folder / "settings" / "@jupyterlab" / "docmanager-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "plugin.jupyterlab-settings").write_text(json.dumps({"autosaveInterval": 6}))
    state, cache = str(folder / "state"), str(folder / "cache")
    with jupyter_server(folder, app=app, JVS_STATE_DIR=state, JVS_CACHE_DIR=cache) as server:
        yield server


def make(folder: Path) -> Repository:
    """Return a repository with an empty notebook and no snapshot."""
    (folder / "root").mkdir()
    settings = replace(from_environment(), state_dir=folder / "state", cache_dir=folder / "cache")
    repo = Repository.init(folder / "root" / "ws", settings=settings)
    cells = [nbformat.v4.new_code_cell("")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), notebook(repo))
    return repo


def notebook(repo: Repository) -> Path:
    return repo.root / "main" / "hw1.ipynb"


def type_and_wait(page: Page, repo: Repository) -> None:
    """Type into the open notebook and wait until Jupyter saved it by itself."""
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(shown).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Python 3 (ipykernel)").first).to_be_visible(timeout=PATIENCE_MS)
    shown.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.type(TEXT)
    for _ in range(PATIENCE_MS // 100):
        if "a whole evening" in notebook(repo).read_text():
            return
        page.wait_for_timeout(100)
    raise AssertionError("Jupyter did not save the notebook")


def delete(page: Page) -> None:
    """Delete the notebook in the file browser."""
    page.locator(".jp-DirListing-item").filter(has_text="hw1.ipynb").click(button="right")
    page.get_by_role("menuitem", name="Move to Trash").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Move to Trash").click()
    expect(page.locator(".jp-DirListing-item").filter(has_text="hw1.ipynb")).to_have_count(0)


def open_lab(page: Page, server: JupyterServer, path: str) -> Panel:
    page.goto(server.address(f"lab/tree/{path}"))
    expect(page.locator("#jp-main-statusbar")).to_be_visible(timeout=PATIENCE_MS)
    return Panel(page)


def test_three_clicks_bring_a_deleted_notebook_back(
    page: Page, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    repo = make(tmp_path)
    with serving(tmp_path) as server:
        panel = open_lab(page, server, "ws/main/hw1.ipynb")
        type_and_wait(page, repo)
        delete(page)
        panel.open()  # one
        panel.show("Deleted")  # two
        row = panel.deleted.filter(has_text="hw1.ipynb")
        expect(row).to_contain_text("in the file browser", timeout=PATIENCE_MS)
        picture("lab-deleted")
        row.get_by_role("button", name="Put hw1.ipynb back").click()  # three
        panel.told("hw1.ipynb is back")
        picture("lab-put-back")
    assert "a whole evening of work" in notebook(repo).read_text()


def test_a_restart_a_long_history_the_dark_and_no_mouse_do_not_matter(
    browser_page_in_dark: Page, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    page = browser_page_in_dark
    repo = make(tmp_path)
    write_history(repo, 1_000)
    themes = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    themes.mkdir(parents=True)
    (themes / "themes.jupyterlab-settings").write_text(json.dumps({"theme": "JupyterLab Dark"}))
    with serving(tmp_path) as server:
        open_lab(page, server, "ws/main/hw1.ipynb")
        type_and_wait(page, repo)
        delete(page)
    with serving(tmp_path) as server:
        panel = open_lab(page, server, "ws/main")
        page.locator(".jp-DirListing-content").wait_for()
        page.keyboard.press("Control+Shift+c")
        page.keyboard.type("show deleted files")
        page.keyboard.press("Enter")
        expect(panel.deleted.filter(has_text="hw1.ipynb")).to_be_visible(timeout=PATIENCE_MS)
        picture("lab-dark-deleted")
        expect(page.get_by_role("grid", name="Deleted files, newest first")).to_be_focused()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        panel.told("is back")
        panel.show("Timeline")
        expect(panel.rows.first).to_be_visible(timeout=PATIENCE_MS)
        picture("lab-dark-timeline")
    assert "a whole evening of work" in notebook(repo).read_text()


def test_notebook_7_offers_to_undo_the_deletion(
    page: Page, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    repo = make(tmp_path)
    with serving(tmp_path, "notebook") as server:
        page.goto(server.address("notebooks/ws/main/hw1.ipynb"))
        type_and_wait(page, repo)
        page.goto(server.address("tree/ws/main"))
        expect(page.locator(".jp-DirListing-item").first).to_be_visible(timeout=PATIENCE_MS)
        delete(page)
        panel = Panel(page)
        panel.told("hw1.ipynb deleted")
        picture("notebook-7-deleted")
        panel.press("Undo")
        panel.told("hw1.ipynb is back")
        expect(page.locator(".jp-DirListing-item").filter(has_text="hw1.ipynb")).to_be_visible()
    assert "a whole evening of work" in notebook(repo).read_text()


def test_what_others_do_shows_by_itself(page: Page, tmp_path: Path) -> None:
    repo = make(tmp_path)
    jvs = [sys.executable, "-m", "jvs_core.cli", "--repo", str(repo.root / "main")]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "root").symlink_to(tmp_path / "root")
    with serving(tmp_path) as server, serving(tmp_path / "other", "jupyter_server") as other:
        panel = open_lab(page, server, "ws/main/hw1.ipynb")
        wait_until_idle(page, page.locator(".jp-NotebookPanel"))
        panel.open()
        expect(panel.node.get_by_label("Note of the snapshot")).to_be_visible(timeout=PATIENCE_MS)
        subprocess.run([*jvs, "snapshot", "from a terminal", "--lock"], check=True)
        expect(panel.row("from a terminal")).to_be_visible(timeout=SOON_MS)
        (repo.root / "main" / "data.csv").write_text("1")
        expect(page.locator(".jvs-Status")).to_contain_text("changed", timeout=SOON_MS)
        ask(other, "POST", "snapshots", {"path": "ws/main", "note": "from another server"})
        expect(panel.row("from another server")).to_be_visible(timeout=SOON_MS)
        button = panel.node.get_by_role("button", name="Snapshot", exact=True)
        ask(other, "POST", "locks", {"path": "ws/main", "purpose": "their run"})
        expect(panel.node.locator(".jvs-Lock")).to_contain_text("(their run)", timeout=SOON_MS)
        expect(button).to_be_disabled()
        ask(other, "DELETE", "locks?path=ws/main", None)
        expect(button).to_be_enabled(timeout=SOON_MS)


def ask(server: JupyterServer, method: str, route: str, body: dict[str, str] | None) -> None:
    request = urllib.request.Request(
        f"{server.url}jvs/api/v1/{route}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()
