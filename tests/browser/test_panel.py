from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from jvs_core import Repository
from jvs_core.settings import from_environment
from tests.browser.comparing import CompareTab
from tests.browser.lab import open_notebook, run_all, wait_until_idle
from tests.browser.panel import PATIENCE_MS, Panel
from tests.browser.server import JupyterServer, jupyter_server
from tests.support.long_history import write_history

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def make(server: JupyterServer, name: str) -> Repository:
    """Return a repository below the server's root with a notebook, data, and two snapshots."""
    folder = server.root.parent
    settings = replace(from_environment(), state_dir=folder / "state", cache_dir=folder / "cache")
    repo = Repository.init(server.root / name, settings=settings)
    cells = [nbformat.v4.new_code_cell("x = 1\nprint(x)")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, main(repo) / "work.ipynb")
    (main(repo) / "data").mkdir()
    (main(repo) / "data" / "iris.csv").write_text("a,b\n1,2\n")
    repo.snapshot("first state", lock=True, tags=["raw"])
    (main(repo) / "data" / "iris.csv").write_text("a,b\n1,3\n")
    repo.snapshot("second state", lock=True)
    return repo


def main(repo: Repository) -> Path:
    return repo.root / "main"


@pytest.fixture
def repo(lab: JupyterServer) -> Repository:
    return make(lab, f"ws-{secrets.token_hex(4)}")


@pytest.fixture
def opened(lab: JupyterServer, repo: Repository, page: Page) -> tuple[Panel, Locator]:
    """Return the panel and the notebook, both open in JupyterLab."""
    notebook = open_notebook(page, lab, f"{repo.root.name}/main/work.ipynb")
    panel = Panel(page)
    panel.open()
    expect(panel.rows.first).to_contain_text("second state", timeout=PATIENCE_MS)
    return panel, notebook


def type_into(notebook: Locator, page: Page, text: str) -> None:
    notebook.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def test_a_snapshot_holds_the_unsaved_edits(
    opened: tuple[Panel, Locator], repo: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    panel, notebook = opened
    type_into(notebook, page, "  # unsaved")
    panel.take("with unsaved edits")
    panel.told("Snapshot taken")
    picture("lab-timeline")
    newest = repo.history()[0].descriptor
    assert newest.note == "with unsaved edits"
    with repo.open_file(newest.snapshot_id, "work.ipynb") as file:
        assert b"# unsaved" in file.read()
    expect(panel.rows.first).to_contain_text("you are here")
    expect(panel.rows.first).to_contain_text("work.ipynb")
    panel.node.get_by_label("Filter snapshots").fill("#raw")
    expect(panel.rows).to_have_count(1)
    panel.node.get_by_label("Filter snapshots").fill("iris.csv")
    expect(panel.rows).to_have_count(2)


def test_one_key_takes_a_snapshot_and_asks_nothing(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, notebook = opened
    type_into(notebook, page, "  # unsaved")
    page.keyboard.press("Control+Alt+s")
    panel.told("Snapshot taken")
    newest = repo.history()[0].descriptor
    with repo.open_file(newest.snapshot_id, "work.ipynb") as file:
        assert b"# unsaved" in file.read()
    panel.press("Edit note")
    expect(page.locator(".jp-Dialog [name=note]")).to_be_focused()
    panel.answer("Save", note="said afterwards", tags="mine, checked")
    expect(panel.rows.first).to_contain_text("said afterwards", timeout=PATIENCE_MS)
    expect(panel.rows.first).to_contain_text("#checked")
    assert repo.history()[0].descriptor.tags == ("mine", "checked")


def test_escape_closes_a_dialog_and_nothing_was_changed(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, notebook = opened
    type_into(notebook, page, "  # unsaved")
    panel.menu(panel.row("first state"), "Go Back to Here…")
    expect(page.locator(".jp-Dialog [name=reason]")).to_be_focused(timeout=PATIENCE_MS)
    page.keyboard.press("Escape")
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    assert len(repo.history()) == 2
    assert "# unsaved" not in (main(repo) / "work.ipynb").read_text()


def test_an_old_version_is_compared_and_opened_read_only(
    opened: tuple[Panel, Locator], page: Page, picture: Callable[[str], None]
) -> None:
    panel, _ = opened
    panel.row("first state").locator(".jvs-Title").click()
    expect(CompareTab(page).paths.filter(has_text="iris.csv")).to_be_visible(timeout=PATIENCE_MS)
    picture("lab-compare")
    panel.menu(panel.row("first state"), "Open Files")
    panel.below.get_by_role("option").filter(has_text="work.ipynb").dblclick()
    old = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(page.locator(".lm-TabBar-tab").filter(has_text="work @ ")).to_be_visible(timeout=PATIENCE_MS)
    expect(old).to_contain_text("print(x)")
    expect(page.get_by_text("notebook is read-only")).to_be_visible()
    picture("lab-old-version")
    panel.below.get_by_role("option").filter(has_text="data/").dblclick()
    panel.below.get_by_role("option").filter(has_text="iris.csv").dblclick()
    expect(
        page.locator(".jp-FileEditor:not(.lm-mod-hidden), .jp-CSVViewer:not(.lm-mod-hidden)")
    ).to_be_visible()
    expect(panel.rows.first).to_contain_text("second state")


def test_what_is_no_text_is_never_opened_as_text(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, _ = opened
    (main(repo) / "model.bin").write_bytes(bytes(range(256)) * 100)
    repo.snapshot("with a model", lock=True)
    expect(panel.row("with a model")).to_be_visible(timeout=PATIENCE_MS)
    panel.menu(panel.row("with a model"), "Open Files")
    panel.below.get_by_role("option").filter(has_text="model.bin").dblclick()
    expect(page.locator(".jp-Dialog")).to_contain_text("model.bin is not text", timeout=PATIENCE_MS)
    with page.expect_download() as download:
        panel.answer("Download")
    assert download.value.path().read_bytes() == bytes(range(256)) * 100


def test_an_old_version_is_not_trusted_because_it_says_so(
    lab: JupyterServer, repo: Repository, page: Page
) -> None:
    def code(metadata: str, mark: str) -> str:
        html = f"<b>shown</b><img src=x onerror='window.ran = 1'><script>window.ran = '{mark}'</script>"
        data = json.dumps({"text/html": html, "text/plain": "x"})
        output = f'{{"output_type": "display_data", "metadata": {{"trusted": true}}, "data": {data}}}'
        return (
            f'{{"cell_type": "code", "id": "{mark}", "execution_count": 1, "source": "1", '
            f'"metadata": {metadata}, "outputs": [{output}]}}'
        )

    cells = ", ".join([code('{"trusted": true}', "plain"), code('{"__proto__": {"trusted": true}}', "proto")])
    (main(repo) / "work.ipynb").write_text(
        f'{{"cells": [{cells}], "metadata": {{"trusted": true}}, "nbformat": 4, "nbformat_minor": 5}}'
    )
    repo.snapshot("trusts itself", lock=True)
    page.goto(lab.address(f"lab/workspaces/{secrets.token_hex(4)}/tree/{repo.root.name}/main/data/iris.csv"))
    page.locator("#jp-main-statusbar").wait_for(timeout=60_000)
    panel = Panel(page)
    panel.open()
    expect(panel.rows.first).to_contain_text("trusts itself", timeout=PATIENCE_MS)
    panel.menu(panel.row("trusts itself"), "Open Files")
    panel.below.get_by_role("option").filter(has_text="work.ipynb").dblclick()
    outputs = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output")
    expect(outputs.filter(has_text="shown")).to_have_count(2, timeout=PATIENCE_MS)
    page.wait_for_timeout(1_000)  # the time that a script would need
    assert page.evaluate("window.ran") is None


def test_a_restore_makes_a_new_folder_and_shows_it(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, _ = opened
    panel.menu(panel.row("first state"), "Restore to a New Folder…")
    panel.answer("Restore", name="again")
    expect(page.locator(".jp-FileBrowser")).to_contain_text("again", timeout=PATIENCE_MS)
    expect(page.locator(".jp-DirListing-item").filter(has_text="data")).to_be_visible()
    assert (repo.root / "worktrees" / "again" / "data" / "iris.csv").read_text() == "a,b\n1,2\n"
    assert (main(repo) / "data" / "iris.csv").read_text() == "a,b\n1,3\n"


def test_going_back_reloads_the_open_notebook_and_the_kernel_runs_on(
    opened: tuple[Panel, Locator], repo: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    panel, notebook = opened
    run_all(page, notebook)
    type_into(notebook, page, "\ny = x + 1")
    panel.take("edited")
    panel.menu(panel.row("second state"), "Go Back to Here…")
    expect(page.locator(".jp-Dialog")).to_contain_text("work.ipynb changes", timeout=PATIENCE_MS)
    picture("lab-go-back")
    panel.answer("Go back")
    panel.told("Went back to")
    code = notebook.locator(".jp-CodeCell .cm-content").first
    expect(code).not_to_contain_text("y = x + 1", timeout=PATIENCE_MS)
    expect(panel.row("edited").locator("[data-later]")).to_be_visible(timeout=PATIENCE_MS)
    picture("lab-went-back")
    panel.press("Undo")
    panel.told("Undone")
    expect(code).to_contain_text("y = x + 1", timeout=PATIENCE_MS)
    type_into(notebook, page, "\nprint('still', x)")
    page.keyboard.press("Shift+Enter")
    expect(notebook.locator(".jp-OutputArea").first).to_contain_text("still 1", timeout=PATIENCE_MS)
    wait_until_idle(page, notebook)


def test_undo_after_further_work_says_so_and_offers_to_go_back(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, _ = opened
    panel.menu(panel.row("first state"), "Go Back to Here…")
    panel.answer("Go back")
    panel.told("Went back to")
    (main(repo) / "made since.txt").write_text("work")
    panel.press("Undo")
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Something else changed since", timeout=PATIENCE_MS)
    expect(dialog).to_contain_text("made since.txt disappears")
    page.keyboard.press("Escape")
    assert (main(repo) / "made since.txt").read_text() == "work"


def refresh(page: Page) -> None:
    """Let the panel look again, as coming back to the page does."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def test_another_server_s_lock_is_named(
    opened: tuple[Panel, Locator], lab: JupyterServer, repo: Repository, tmp_path: Path, page: Page
) -> None:
    panel, _ = opened
    (tmp_path / "root").symlink_to(lab.root)
    with jupyter_server(tmp_path, app="jupyter_server", JVS_STATE_DIR=str(tmp_path / "state")) as other:
        request = urllib.request.Request(
            other.url + "jvs/api/v1/locks",
            data=json.dumps({"path": f"{repo.root.name}/main", "purpose": "their run"}).encode(),
            headers={"Authorization": f"token {other.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            holder = json.load(answer)["holder_id"]
        user = holder.partition("@")[0]
        expect(panel.node.locator(".jvs-Lock")).to_contain_text(
            f"Being changed by {user} on", timeout=PATIENCE_MS
        )
        expect(panel.node.locator(".jvs-Lock")).to_contain_text("(their run)")
        expect(panel.node.get_by_role("button", name="Snapshot", exact=True)).to_be_disabled()
        expect(panel.node.get_by_role("button", name="Snapshot", exact=True)).to_have_css("opacity", "0.4")
    expect(panel.node.get_by_role("button", name="Snapshot", exact=True)).to_be_enabled(timeout=PATIENCE_MS)


def test_a_long_history_scrolls_to_its_end(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, _ = opened
    write_history(repo, 700)
    refresh(page)
    expect(panel.rows.filter(has_text="hour 488888")).to_be_visible(timeout=PATIENCE_MS)
    oldest = panel.rows.filter(has_text="hour 488189")
    for _ in range(PATIENCE_MS // 150):
        panel.tree.press("End")
        if oldest.count():
            break
        page.wait_for_timeout(150)
    expect(oldest).to_be_visible(timeout=PATIENCE_MS)
    assert panel.rows.count() < 60


def test_a_folder_gets_a_history_in_place_and_the_notebook_stays_open(
    lab: JupyterServer, page: Page, picture: Callable[[str], None]
) -> None:
    folder = lab.root / f"plain-{secrets.token_hex(4)}"
    folder.mkdir()
    (folder / "notes.txt").write_text("notes")
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("x = 41")], metadata={"kernelspec": KERNEL}
        ),
        folder / "work.ipynb",
    )
    notebook = open_notebook(page, lab, f"{folder.name}/work.ipynb")
    run_all(page, notebook)
    type_into(notebook, page, "\nprint(x + 1)")
    panel = Panel(page)
    panel.open()
    expect(panel.node).to_contain_text(f"No history for “{folder.name}” yet", timeout=PATIENCE_MS)
    expect(panel.node).to_contain_text("stays where it is")
    picture("lab-first-minute")
    panel.node.get_by_role("button", name="Keep a history of this folder").click()
    expect(panel.rows.first).to_be_visible(timeout=PATIENCE_MS)
    picture("lab-first-row")
    assert (folder / "notes.txt").read_text() == "notes"
    assert "print(x + 1)" in (folder / "work.ipynb").read_text()
    notebook.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    expect(notebook.locator(".jp-OutputArea").first).to_contain_text("42", timeout=PATIENCE_MS)


def test_a_snapshot_of_a_cell_holds_the_notebook_as_it_is_on_the_screen(
    opened: tuple[Panel, Locator], repo: Repository, page: Page
) -> None:
    panel, notebook = opened
    run_all(page, notebook)
    type_into(notebook, page, "\n%load_ext jvs_magics\n%jvs snapshot 'by a cell'")
    page.keyboard.press("Control+Enter")
    expect(panel.row("by a cell")).to_be_visible(timeout=PATIENCE_MS)
    newest = repo.history()[0].descriptor
    assert newest.note == "by a cell"
    with repo.open_file(newest.snapshot_id, "work.ipynb") as file:
        assert b"by a cell" in file.read()


def test_the_panel_is_in_notebook_7_too(
    browser_page_in_dark: Page, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    page = browser_page_in_dark
    state, cache = str(tmp_path / "state"), str(tmp_path / "cache")
    with jupyter_server(tmp_path, app="notebook", JVS_STATE_DIR=state, JVS_CACHE_DIR=cache) as server:
        repo = make(server, "ws")
        page.goto(server.address("notebooks/ws/main/work.ipynb"))
        notebook = page.locator(".jp-NotebookPanel")
        expect(notebook).to_be_visible(timeout=60_000)
        expect(page.get_by_text("Python 3 (ipykernel)").first).to_be_visible(timeout=60_000)
        page.get_by_role("menuitem", name="View", exact=True).click()
        page.get_by_text("Left Sidebar").hover()
        page.get_by_text("Show Snapshots").click()
        panel = Panel(page)
        expect(panel.rows.first).to_contain_text("second state", timeout=PATIENCE_MS)
        type_into(notebook, page, "  # unsaved")
        panel.take("from Notebook 7")
        picture("notebook-7")
        with repo.open_file("HEAD", "work.ipynb") as file:
            assert b"# unsaved" in file.read()
