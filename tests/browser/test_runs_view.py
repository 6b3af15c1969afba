from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jvs_core import Repository, Run
from jvs_jupyter import run, sweep
from tests.browser.running import PATIENCE_MS, RunsView, main, make, train
from tests.browser.server import JupyterServer, jupyter_server


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    folder = tmp_path_factory.mktemp("runs")
    state = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
    with jupyter_server(folder, options=("--LabApp.expose_app_in_browser=True",), **state) as server:
        yield server


@pytest.fixture(scope="module")
def page(browser: Browser, lab: JupyterServer) -> Iterator[Page]:
    """Return the page of all tests: loading JupyterLab takes longer than most of them."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    open_lab(page, lab, "")
    yield page
    context.close()


@pytest.fixture(scope="module")
def repo(lab: JupyterServer) -> Repository:
    return make(lab, "churn")


@pytest.fixture(scope="module")
def five(repo: Repository) -> list[Run]:
    """Return the five runs of the repository, oldest first."""
    return train(repo)


@pytest.fixture
def other(lab: JupyterServer) -> Repository:
    """Return a repository without runs, for a test that makes its own."""
    return make(lab, f"other-{secrets.token_hex(3)}")


def open_lab(page: Page, lab: JupyterServer, path: str) -> None:
    page.goto(lab.address(f"lab/workspaces/{secrets.token_hex(4)}{f'/tree/{path}' if path else ''}"))
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('jvs-snapshots:runs-table')")


def command(page: Page, name: str, **values: Any) -> None:
    page.evaluate("([name, values]) => void window.jupyterapp.commands.execute(name, values)", [name, values])


def open_notebook(page: Page, path: str) -> Locator:
    command(page, "docmanager:open", path=path, kernelPreference={"shouldStart": False, "canStart": False})
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(panel).to_be_visible(timeout=PATIENCE_MS)
    return panel


def close_all(page: Page) -> None:
    page.evaluate("() => [...window.jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose())")
    expect(page.locator(".jvs-Runs")).to_have_count(0)


def table(page: Page, repo: Repository) -> RunsView:
    """Open the table of all runs of a repository; nothing else is open then."""
    close_all(page)
    command(page, "jvs-snapshots:runs-table", path=f"{repo.root.name}/main")
    found = RunsView(page)
    expect(found.grid).to_be_visible(timeout=PATIENCE_MS)
    return found


@pytest.fixture
def view(repo: Repository, five: list[Run], page: Page) -> RunsView:
    found = table(page, repo)
    expect(found.rows).to_have_count(5)
    return found


def test_five_runs_are_sorted_compared_and_one_is_gone_back_to(
    lab: JupyterServer, repo: Repository, five: list[Run], page: Page, picture: Callable[[str], None]
) -> None:
    open_lab(page, lab, "churn/main")
    page.locator('.lm-TabBar-tab[data-id="jvs-snapshots"]').click()
    panel = page.locator("#jvs-snapshots")
    panel.get_by_role("tab", name="Runs").click()
    expect(panel.get_by_role("grid", name="Runs, newest first").get_by_role("row")).to_have_count(5)
    panel.get_by_role("button", name="Open the table").click()
    view = RunsView(page)
    expect(view.rows).to_have_count(5, timeout=PATIENCE_MS)
    picture("runs")
    view.sort("accuracy")
    expect(view.rows.first).to_have_id(f"jvs-run-{five[1].run_id}")
    assert view.values(5) == ["0.9111", "0.9091", "0.8282", "0.63", "0.47"]
    expect(view.rows.first).to_contain_text("highest")
    expect(view.rows.nth(2)).to_contain_text("−0.0829")
    view.rows.nth(0).get_by_role("checkbox").check()
    view.rows.nth(3).get_by_role("checkbox").check()
    picture("runs-selected")
    view.node.get_by_role("button", name="Compare", exact=True).click()
    compared = view.below.get_by_role("region", name="Runs compared")
    expect(compared.get_by_role("row", name="alpha")).to_contain_text("0.01")
    expect(compared.get_by_role("row", name="accuracy")).to_contain_text("−0.2811")
    picture("runs-compared")
    view.below.get_by_role("button", name="Compare their files").click()
    tab = page.locator(".jvs-Compare:not(.lm-mod-hidden)")
    expect(tab.get_by_role("option", name="model.txt")).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text="Runs: churn").click()
    view.node.get_by_label("plot", exact=True).check()
    points = view.below.locator(".mark-symbol path")
    expect(points).to_have_count(5, timeout=PATIENCE_MS)
    picture("runs-plot")
    target = view.below.get_by_label("alpha 0.5", exact=False)
    target.click()
    expect(view.row(five[3].run_id)).to_have_attribute("data-current", "true")
    view.menu(view.row(five[3].run_id), "Restore the Workspace as It Was Before…")
    view.answer("Restore", name="as-before")
    view.told("is in the new folder as-before")
    assert (repo.worktrees.path("as-before") / "model.txt").read_text() == "0.1 1\n"
    assert (main(repo) / "model.txt").read_text() == "1.0 2\n"


def test_a_filter_chooses_on_the_server_and_says_what_it_does_not_understand(
    view: RunsView, five: list[Run]
) -> None:
    field = view.node.get_by_label("Filter the runs")
    field.fill("alpha<0.1 accuracy>0.91 outcome:ok")
    expect(view.rows).to_have_count(1)
    expect(view.row(five[1].run_id)).to_be_visible()
    field.fill("alpha<")
    expect(view.node.get_by_role("alert")).to_contain_text("not a condition: 'alpha<'")
    expect(view.node.get_by_role("alert")).to_contain_text("write NAME=VALUE")
    expect(view.rows).to_have_count(1)
    field.fill("")
    expect(view.rows).to_have_count(5)
    expect(view.node.get_by_role("alert")).to_have_count(0)


def test_it_is_worked_by_keyboard_alone(view: RunsView, five: list[Run], page: Page) -> None:
    expect(view.rows).to_have_count(5)
    view.grid.focus()
    for key in ("ArrowDown", " ", "ArrowDown", "ArrowDown", " "):
        page.keyboard.press(key)
    newest = list(reversed(five))
    expect(view.row(newest[2].run_id)).to_have_attribute("data-current", "true")
    for at, selected in enumerate(("true", "false", "true", "false", "false")):
        expect(view.row(newest[at].run_id)).to_have_attribute("aria-selected", selected)
    page.keyboard.press("Shift+F10")
    page.get_by_role("menu").get_by_role("menuitem", name="Compare", exact=True).press("Enter")
    compared = view.below.get_by_role("region", name="Runs compared")
    expect(compared.get_by_role("row", name="alpha")).to_contain_text("0.1")
    view.grid.focus()
    page.keyboard.press("End")
    expect(view.row(newest[4].run_id)).to_have_attribute("data-current", "true")
    page.keyboard.press("Enter")
    opened = page.locator(".jp-FileEditor:not(.lm-mod-hidden)")
    expect(opened).to_contain_text("0.001 1", timeout=PATIENCE_MS)


def test_the_table_is_handed_on_as_csv_and_as_a_cell(repo: Repository, five: list[Run], page: Page) -> None:
    note = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(note, main(repo) / "note.ipynb")
    close_all(page)
    panel = open_notebook(page, "churn/main/note.ipynb")
    command(page, "jvs-snapshots:runs-of-folder")
    view = RunsView(page)
    view.node.get_by_label("Filter the runs").fill("alpha<0.1")
    view.sort("accuracy")
    expect(view.rows).to_have_count(2)
    with page.expect_download() as begun:
        view.node.get_by_role("button", name="CSV").click()
    lines = begun.value.path().read_text().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("run_id,name,outcome")
    assert lines[1].startswith(five[1].run_id)
    view.node.get_by_role("button", name="To a DataFrame cell").click()
    view.told("A cell that loads this table is in note.ipynb")
    cell = panel.locator(".jp-CodeCell.jp-mod-active")
    expect(cell).to_contain_text(
        'Repository.open(".").runs.table(where=["alpha<0.1"], sort="-metrics.accuracy")'
    )


def test_a_run_that_failed_says_why_and_opens_at_its_failing_cell(
    other: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    train(other, [(0.1, 1)])
    script = run(["python3", "fails.py"], cwd=str(main(other)), quiet=True)
    found = run(str(main(other) / "eda.ipynb"), output=str(main(other) / "eda-out.ipynb"))
    view = table(page, other)
    row = view.row(script.run_id)
    expect(row).to_contain_text("the data is not there", timeout=PATIENCE_MS)
    row = view.row(found.run_id)
    expect(row).to_contain_text("ZeroDivisionError")
    picture("runs-failed")
    row.get_by_role("button", name="open at the failing cell").click()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    failing = notebook.locator(".jp-CodeCell.jp-mod-active")
    expect(failing).to_contain_text("1 / (a - 1)", timeout=PATIENCE_MS)
    expect(failing).to_be_in_viewport()
    picture("runs-failing-cell")


def test_a_run_under_way_tells_how_far_it_is_and_is_cancelled(
    other: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    train(other, [(0.1, 1)])
    (main(other) / "slow.py").write_text(
        "import json, os, time\n"
        "with open(os.environ['JVS_RUN_DIR'] + '/metrics.jsonl', 'a') as file:\n"
        "    print(json.dumps({'accuracy': 0.61}), file=file, flush=True)\n"
        "    time.sleep(60)\n"
    )
    words = [sys.executable, "-m", "jvs_core.cli", "run", "exec", "-q", "--", "python3", "slow.py"]
    process = subprocess.Popen(words, cwd=main(other), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    view = table(page, other)
    try:
        row = view.rows.filter(has_text="so far")
        expect(row).to_contain_text("accuracy so far 0.61", timeout=PATIENCE_MS)
        picture("runs-live")
        row.get_by_role("button", name="Cancel").click()
        assert process.wait(30) != 0
        ended = view.rows.filter(has_text="cancelled")
        expect(ended).to_be_visible(timeout=PATIENCE_MS)
    finally:
        process.kill()
        process.wait()


def test_a_sweep_stands_together_and_is_plotted_by_all_its_parameters(
    other: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    train(other, [(0.1, 1)])
    grid: dict[str, list[Any]] = {"alpha": [0.01, 1], "seed": [1, 2], "size": ["small", "large"]}
    words = ["python3", "train.py", "{alpha}", "{seed}", "{size}"]
    found = sweep(words, grid, jobs=2, cwd=str(main(other)))
    assert found.ok
    view = table(page, other)
    view.node.get_by_label("Notebook or command").select_option(index=1)
    view.node.get_by_label("group by sweep").check()
    expect(view.rows).to_have_count(8, timeout=PATIENCE_MS)
    heading = view.grid.get_by_text("Sweep of python3 train.py {alpha} {seed} {size} · 8 runs")
    expect(heading).to_be_visible()
    view.node.get_by_label("plot", exact=True).check()
    lines = view.below.locator(".mark-line path")
    expect(lines).to_have_count(8, timeout=PATIENCE_MS)
    picture("runs-parallel")
    view.below.get_by_label("What the metric is plotted over").select_option("size")
    expect(view.below.locator(".mark-symbol path")).to_have_count(8)
    picture("runs-nominal")


def test_the_runs_of_a_notebook_are_a_button_away(repo: Repository, five: list[Run], page: Page) -> None:
    close_all(page)
    panel = open_notebook(page, "churn/main/eda.ipynb")
    panel.locator("[data-jp-item-name='jvs-runs']").click(timeout=PATIENCE_MS)
    view = RunsView(page)
    expect(view.node.get_by_text("No run matches.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".lm-TabBar-tab", has_text="Runs: eda.ipynb")).to_be_visible()
    view.node.get_by_label("Notebook or command").select_option("")
    expect(view.rows).to_have_count(5)


def test_a_run_is_named_reproduced_and_its_record_removed(other: Repository, page: Page) -> None:
    [extra] = train(other, [(0.2, 5)])
    view = table(page, other)
    row = view.row(extra.run_id)
    expect(row).to_be_visible(timeout=PATIENCE_MS)
    view.menu(row, "Name and Note…")
    view.answer("Save", name="best", note="for the paper")
    expect(row).to_contain_text("best")
    view.menu(row, "Reproduce")
    view.told("best was reproduced: everything it makes is identical")
    expect(page.locator(".Toastify__toast", has_text="Reproducing")).to_have_count(0)
    expect(view.rows).to_have_count(2)
    view.menu(row, "Remove the Record…")
    view.answer("Remove")
    expect(row).to_have_count(0)
    expect(view.rows).to_have_count(1)


def test_it_is_dark_where_the_theme_is(view: RunsView, page: Page, picture: Callable[[str], None]) -> None:
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    view.sort("accuracy")
    view.node.get_by_label("plot", exact=True).check()
    expect(view.below.locator(".mark-symbol path")).to_have_count(5, timeout=PATIENCE_MS)
    try:
        page.evaluate(change, "JupyterLab Dark")
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false", timeout=PATIENCE_MS)
        luminance = (
            "(e, of) => { const [r, g, b] = getComputedStyle(e)[of].match(/[0-9.]+/g).map(Number);"
            " return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 }"
        )
        assert view.node.evaluate(luminance, "background-color") < 0.2
        assert view.rows.first.locator(".jvs-Runs-value").last.evaluate(luminance, "color") > 0.4
        label = view.below.locator(".role-axis-label text").first
        expect(label).to_be_visible()
        page.wait_for_timeout(300)  # it is drawn again
        assert label.evaluate(luminance, "fill") > 0.5
        picture("runs-dark")
    finally:
        page.evaluate(change, "JupyterLab Light")


def test_it_is_there_again_after_the_page_was_loaded_anew(
    view: RunsView, page: Page, five: list[Run]
) -> None:
    view.sort("accuracy")
    view.node.get_by_label("Filter the runs").fill("alpha<0.1")
    expect(view.rows).to_have_count(2)
    page.wait_for_timeout(1500)  # Lab keeps its layout a second later
    page.reload()
    expect(view.rows).to_have_count(2, timeout=60_000)
    expect(view.rows.first).to_have_id(f"jvs-run-{five[1].run_id}")
    expect(view.node.get_by_label("Filter the runs")).to_have_value("alpha<0.1")
