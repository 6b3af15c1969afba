from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from jvs_core import Repository
from tests.browser.comparing import PATIENCE_MS, CompareTab, compare, open_document
from tests.browser.server import JupyterServer, jupyter_server
from tests.browser.versions import KERNEL, long_notebook, make, shown

FRAMES = """async step => {
  const box = document.querySelector('.jvs-Inside-scroll');
  const times = [];
  let before = performance.now();
  for (let at = 0; at < 100; at++) {
    box.scrollTop += step;
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - before);
    before = performance.now();
  }
  return times;
}"""
# What the kernel or Lab may write into the open notebook meanwhile is no cell.
THE_SAME = re.compile("^(nothing differs|no cell differs|only settings of the notebook differ)$")
FIGURE = "img[src^='data:image/png']"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    folder = tmp_path_factory.mktemp("compare")
    state = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
    with jupyter_server(folder, options=("--LabApp.expose_app_in_browser=True",), **state) as server:
        yield server


@pytest.fixture
def repo(lab: JupyterServer) -> Repository:
    return make(lab, f"churn-{secrets.token_hex(3)}")


def main(repo: Repository) -> Path:
    return repo.root / "main"


def path_of(repo: Repository, file: str) -> str:
    return f"{repo.root.name}/main/{file}"


@pytest.fixture
def tab(lab: JupyterServer, repo: Repository, page: Page) -> CompareTab:
    """Return the compare tab of the notebook, opened by the button in its toolbar."""
    open_document(page, lab, path_of(repo, "train.ipynb"))
    return compare(page)


def middle(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def show_notebook(page: Page) -> Locator:
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=re.compile(r"^train\.ipynb")).click()
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(panel).to_be_visible()
    return panel


def sources(page: Page) -> list[str]:
    """Return the sources of the cells of the open notebook, as its model has them."""
    found: list[str] = page.evaluate(
        "() => { const app = window.jupyterapp;"
        " for (const widget of app.shell.widgets('main'))"
        "   if (widget.content?.model?.sharedModel?.cells)"
        "     return widget.content.model.sharedModel.cells.map(cell => cell.getSource());"
        " return []; }"
    )
    return found


def test_a_notebook_is_shown_cell_by_cell(
    tab: CompareTab, page: Page, picture: Callable[[str], None]
) -> None:
    expect(tab.words).to_have_text("1 cell edited · 1 added · 1 removed · 3 outputs differ")
    expect(tab.inside.get_by_text("⋯ 3 cells unchanged")).to_be_visible()
    edited = tab.cell("Cell 14: edited, output differs")
    expect(edited.locator("del")).to_have_text("rate = 0.1")
    expect(edited.locator("ins")).to_have_text("rate = 0.25")
    expect(edited.locator(FIGURE)).to_have_count(2, timeout=PATIENCE_MS)
    expect(edited).to_contain_text("of the pixels differ")
    removed = tab.cell("Cell 4 then: removed")
    expect(removed).to_contain_text("To do: look at the outliers")
    expect(removed.get_by_role("button", name="Take old cell")).to_be_visible()
    expect(tab.paths.filter(has_text="clean.csv")).to_be_visible(timeout=PATIENCE_MS)
    picture("compare-notebook")
    printed = tab.cell("Cell 15: output differs")
    expect(printed.locator("del")).to_have_text("accuracy 0.86")
    expect(printed.locator("ins")).to_have_text("accuracy 0.91")
    html = tab.cell("Cell 16: output differs")
    expect(html.get_by_role("group", name="newer output").locator("td").last).to_have_text("0.91")
    added = tab.cell("Cell 17: added")
    expect(added).to_contain_text("evaluate(model, X_test)")
    expect(added.get_by_role("button", name="Take old cell")).to_have_count(0)
    expect(tab.inside).not_to_contain_text("[5]")
    tab.inside.get_by_text("⋯ 3 cells unchanged").click()
    expect(tab.inside.get_by_role("region", name="Cell 2, unchanged")).to_contain_text("step_0 = prepare(0)")
    tab.node.get_by_label("execution counts too").check()
    expect(tab.cell("Cell 14: edited, output differs, run again")).to_contain_text("[5] → [7]")


def test_images_are_swiped_and_their_difference_is_drawn(
    tab: CompareTab, page: Page, picture: Callable[[str], None]
) -> None:
    tab.choose("figures/roc.png")
    images = tab.inside.get_by_role("img")
    expect(images).to_have_count(2, timeout=PATIENCE_MS)
    tab.inside.get_by_label("Swipe", exact=True).check()
    tab.inside.get_by_label("Swipe from the newer image to the older one").fill("25")
    expect(tab.inside.locator(".jvs-Over-top")).to_have_css("clip-path", "inset(0px 75% 0px 0px)")
    picture("compare-swipe")
    tab.inside.get_by_label("Difference", exact=True).check()
    expect(tab.inside.locator(".jvs-Over-top")).to_have_css("mix-blend-mode", "difference")
    expect(tab.words).to_contain_text("% of the pixels")
    tab.choose("figures/new.png")
    expect(tab.inside).to_contain_text("did not exist at the older time")
    expect(tab.inside.get_by_role("img")).to_have_count(1, timeout=PATIENCE_MS)
    expect(tab.node.get_by_role("button", name="Restore this version of the file")).to_be_disabled()
    tab.choose("figures/flow.svg")
    expect(tab.inside.get_by_role("img")).to_have_count(2, timeout=PATIENCE_MS)
    page.wait_for_timeout(500)  # the time that a script would need
    assert page.evaluate("window.ran") is None


def test_text_is_in_a_merge_view(tab: CompareTab, page: Page, picture: Callable[[str], None]) -> None:
    tab.choose("features.py")
    older, newer = tab.inside.get_by_label("older version"), tab.inside.get_by_label("newer version")
    expect(older).to_contain_text("def feature_10(frame):", timeout=PATIENCE_MS)
    expect(newer).to_contain_text("def feature_10(frame, window=30):")
    expect(tab.inside.get_by_text("unchanged lines").first).to_be_visible()
    picture("compare-text")
    tab.choose("old_notes.txt")
    expect(tab.inside).to_contain_text("does not exist at the newer time")
    expect(tab.inside).to_contain_text("what we thought first")


def test_tables_models_and_archives_have_their_own_views(
    tab: CompareTab, picture: Callable[[str], None]
) -> None:
    tab.choose("data/clean.csv")
    grid = tab.inside.get_by_role("table", name="Rows that differ")
    expect(tab.inside).to_contain_text("60 rows × 4 columns → 59 rows × 4 columns")
    expect(tab.inside).to_contain_text("3 rows changed · 1 row added · 2 rows removed")
    expect(grid.locator("[data-change='changed']").first.locator("ins")).to_have_text("9.00")
    expect(grid.locator("[data-change='removed']")).to_have_count(2)
    picture("compare-table")
    tab.choose("models/weights.npz")
    row = tab.inside.get_by_role("table", name="Arrays").get_by_role("row").filter(has_text="kernel")
    expect(row).to_contain_text("[32 × 8]")
    expect(row).to_contain_text("[64 × 8]")
    tab.choose("models/model.pkl")
    expect(tab.inside).to_contain_text("did not load it")
    tab.choose("report.zip")
    members = tab.inside.get_by_role("table", name="Files in the archive").get_by_role("row")
    expect(members.filter(has_text="report.txt")).to_contain_text("changed")
    expect(members.filter(has_text="gone.txt")).to_contain_text("removed")
    tab.choose("raw.bin")
    expect(tab.inside.get_by_role("table", name="Both versions")).to_contain_text("1.3 kB (1,280 bytes)")


def test_an_old_cell_is_taken_into_the_open_notebook_and_taken_back(tab: CompareTab, page: Page) -> None:
    before = sources(page)
    tab.cell("Cell 14: edited").get_by_role("button", name="Take old cell").click()
    expect(page.get_by_text("The old cell is in train.ipynb")).to_be_visible()
    assert "rate = 0.1" in sources(page)[13]
    assert len(sources(page)) == len(before)
    expect(tab.words).to_have_text("1 added · 1 removed · 2 outputs differ", timeout=PATIENCE_MS)
    page.keyboard.press("Control+z")
    assert sources(page) == before
    expect(tab.words).to_contain_text("1 cell edited", timeout=PATIENCE_MS)

    tab.cell("Cell 4 then: removed").get_by_role("button", name="Take old cell").click()
    expect(tab.words).to_contain_text("1 cell edited · 1 added · 3 outputs differ", timeout=PATIENCE_MS)
    assert sources(page) == [*before[:3], "To do: look at the outliers", *before[3:]]
    panel = show_notebook(page)
    panel.locator(".jp-Cell.jp-mod-active .jp-InputPrompt").first.click()
    page.keyboard.press("Control+z")
    assert sources(page) == before


def test_what_was_edited_after_a_cell_was_taken_is_undone_first(tab: CompareTab, page: Page) -> None:
    before = sources(page)
    tab.cell("Cell 14: edited").get_by_role("button", name="Take old cell").click()
    expect(page.get_by_text("The old cell is in train.ipynb")).to_be_visible()
    panel = show_notebook(page)
    cell = panel.locator(".jp-Cell.jp-mod-active")
    expect(cell).to_contain_text("rate = 0.1")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  # typed")
    assert sources(page)[13].endswith("# typed")
    page.keyboard.press("Control+z")
    assert sources(page)[13].endswith("rate=rate)\nplot(model)")
    assert "rate = 0.1" in sources(page)[13]
    page.keyboard.press("Control+z")
    assert sources(page) == before
    page.keyboard.press("Control+z")
    assert sources(page) == before


def test_a_cell_that_was_edited_since_is_left_alone(tab: CompareTab, page: Page) -> None:
    edited = (
        "() => { for (const widget of window.jupyterapp.shell.widgets('main'))"
        " if (widget.content?.model?.sharedModel?.cells)"
        "   widget.content.model.sharedModel.cells[13].setSource('edited meanwhile'); }"
    )
    button = tab.cell("Cell 14: edited").get_by_role("button", name="Take old cell")
    expect(button).to_be_visible()
    page.evaluate(
        "edited => { eval(edited)(); document.querySelector(\"[aria-label='Take old cell: Cell 14']\").click(); }",
        edited,
    )
    expect(page.get_by_text("The notebook changed since the comparison")).to_be_visible()
    assert sources(page)[13] == "edited meanwhile"


def test_now_includes_unsaved_edits(lab: JupyterServer, repo: Repository, page: Page) -> None:
    repo.snapshot("second model", lock=True)
    panel = open_document(page, lab, path_of(repo, "train.ipynb"))
    cell = panel.locator(".jp-CodeCell .cm-content").first
    expect(cell).to_contain_text("step_0", timeout=PATIENCE_MS)
    cell.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  # unsaved")
    tab = compare(page)
    expect(tab.node.get_by_role("slider", name="Newer time")).to_have_attribute(
        "aria-valuetext", "now, unsaved edits included"
    )
    expect(tab.words).to_have_text("1 cell edited")
    expect(tab.cell("Cell 2: edited").locator("ins")).to_have_text("step_0 = prepare(0)  # unsaved")
    assert "# unsaved" not in (main(repo) / "train.ipynb").read_text()
    show_notebook(page)
    cell.click()
    page.keyboard.type(" more")
    page.locator(".lm-TabBar-tab", has_text="Compare: train.ipynb").click()
    expect(tab.cell("Cell 2: edited").locator("ins")).to_contain_text("more", timeout=PATIENCE_MS)


def test_the_slider_goes_through_the_versions_of_the_file(
    lab: JupyterServer, repo: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    repo.snapshot("second model", lock=True)
    (main(repo) / "README.md").write_text("# Churn\n\nThe third model.\n")
    repo.snapshot("third, in words only", lock=True)
    open_document(page, lab, path_of(repo, "train.ipynb"))
    tab = compare(page)
    older = tab.node.get_by_role("combobox", name="Older time")
    expect(tab.words).to_have_text("1 cell edited · 1 added · 1 removed · 3 outputs differ")
    expect(older).to_contain_text("first model")
    assert older.locator("option").count() == 2
    slider = tab.node.get_by_role("slider", name="Older time")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("second model"))
    expect(tab.words).to_have_text(THE_SAME, timeout=PATIENCE_MS)
    slider.press("ArrowLeft")
    expect(tab.cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)
    tab.choose("README.md")
    expect(older.locator("option")).to_have_count(3, timeout=PATIENCE_MS)
    tab.node.get_by_role("combobox", name="Newer time").select_option(index=1)
    expect(tab.inside.get_by_label("newer version")).to_contain_text("The third model.", timeout=PATIENCE_MS)
    picture("compare-times")


def test_a_version_is_restored_and_the_open_document_follows(
    tab: CompareTab, repo: Repository, page: Page
) -> None:
    tab.press("Restore this version of the file")
    expect(page.locator(".jp-Dialog")).to_contain_text("Replace train.ipynb?")
    tab.answer("Replace")
    expect(tab.words).to_have_text(THE_SAME, timeout=PATIENCE_MS)
    assert any("rate = 0.1\n" in source for source in sources(page))
    held = nbformat.read(main(repo) / "train.ipynb", as_version=4)
    assert [cell.id for cell in held.cells if cell.id == "todo"] == ["todo"]
    assert len(repo.history()) >= 2  # what was there is kept


def test_an_old_version_is_opened_beside_and_compares_itself_with_now(tab: CompareTab, page: Page) -> None:
    tab.choose("features.py")
    tab.press("Open it beside")
    old = page.locator(".jp-FileEditor:not(.lm-mod-hidden)")
    expect(old).to_contain_text("def feature_0", timeout=PATIENCE_MS)
    expect(tab.node).to_be_visible()
    page.locator(".jp-Document:not(.lm-mod-hidden) [data-jp-item-name='jvs-compare']").get_by_role(
        "button"
    ).last.click()
    expect(page.locator(".lm-TabBar-tab", has_text="Compare: features.py")).to_be_visible(timeout=PATIENCE_MS)


def test_the_older_version_is_downloaded(tab: CompareTab, page: Page) -> None:
    tab.choose("README.md")
    with page.expect_download() as begun:
        tab.press("Download")
    assert begun.value.suggested_filename == "README.md"
    assert "first model" in Path(begun.value.path()).read_text()


def test_it_opens_from_the_file_browser(lab: JupyterServer, repo: Repository, page: Page) -> None:
    page.goto(lab.address(f"lab/workspaces/{secrets.token_hex(4)}/tree/{path_of(repo, '')}"))
    item = page.locator(".jp-DirListing-item", has_text="features.py")
    expect(item).to_be_visible(timeout=60_000)
    item.click(button="right")
    page.get_by_role("menuitem", name="Compare with an Older Version…").click()
    tab = CompareTab(page)
    expect(tab.inside.get_by_label("newer version")).to_contain_text("window=30", timeout=PATIENCE_MS)


def test_a_closed_tab_is_opened_again(tab: CompareTab, page: Page) -> None:
    expect(tab.cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".lm-TabBar-tab", has_text="Compare: train.ipynb").locator(".lm-TabBar-tabCloseIcon").click()
    expect(page.locator(".jvs-Compare")).to_have_count(0)
    expect(compare(page).cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)


def test_by_keyboard_alone(tab: CompareTab, page: Page) -> None:
    expect(tab.paths.first).to_be_visible(timeout=PATIENCE_MS)
    listing = tab.node.get_by_role("listbox", name="What changed")
    listing.focus()
    page.keyboard.press("ArrowDown")
    expect(tab.node.get_by_role("region", name="What changed in README.md")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.keyboard.press("Home")
    expect(tab.cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)
    tab.inside.focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(tab.cell("Cell 4 then: removed")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(tab.cell("Cell 14: edited")).to_be_focused()
    page.keyboard.press("Tab")
    expect(tab.cell("Cell 14: edited").get_by_role("button", name="Take old cell")).to_be_focused()
    before = sources(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The old cell is in train.ipynb")).to_be_visible()
    assert sources(page) != before
    page.keyboard.press("Control+z")
    assert sources(page) == before
    expect(tab.cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('.jvs-Compare button, .jvs-Compare input, .jvs-Compare select')]"
        ".filter(e => !e.ariaLabel && !(e.labels && e.labels.length) && !e.textContent.trim())"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []


def test_nothing_in_outputs_runs_whatever_they_say_of_trust(
    lab: JupyterServer, repo: Repository, page: Page
) -> None:
    def hostile(mark: str) -> nbformat.NotebookNode:
        data = {
            "text/html": f"<b>{mark}</b><img src=x onerror=\"window.ran = '{mark}'\"><script>window.ran = 1</script>",
            "text/plain": mark,
        }
        script = nbformat.v4.new_output("display_data", data={"application/javascript": "window.ran = 'js'"})
        svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='window.ran = 1'><script>parent.ran = 1</script></svg>"
        cell = nbformat.v4.new_code_cell(
            "1", id="hostile", outputs=[shown(data), script, shown({"image/svg+xml": svg})]
        )
        cell.metadata["trusted"] = True
        made: nbformat.NotebookNode = nbformat.v4.new_notebook(
            cells=[cell], metadata={"trusted": True, "kernelspec": KERNEL}
        )
        return made

    (main(repo) / "work.ipynb").write_text(json.dumps(hostile("older")))
    repo.snapshot("hostile", lock=True)
    (main(repo) / "work.ipynb").write_text(json.dumps(hostile("newer")))
    open_document(page, lab, path_of(repo, "work.ipynb"))
    tab = compare(page)
    expect(tab.inside.get_by_role("group", name="older output").locator("b")).to_have_text("older")
    tab.cell("Cell 1").get_by_role("button", name="Take old cell").click()
    expect(page.get_by_text("The old cell is in work.ipynb")).to_be_visible()
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=re.compile(r"^work\.ipynb")).click()
    expect(page.locator(".jp-NotebookPanel .jp-OutputArea-output b")).to_have_text("older")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_500)  # the time that a script would need
    assert page.evaluate("window.ran") is None
    page.reload()
    expect(page.locator(".jp-NotebookPanel .jp-OutputArea-output b")).to_have_text("older", timeout=60_000)
    page.wait_for_timeout(1_500)
    assert page.evaluate("window.ran") is None


def test_five_hundred_cells_scroll_smoothly(lab: JupyterServer, repo: Repository, page: Page) -> None:
    nbformat.write(long_notebook(500, newer=False), main(repo) / "long.ipynb")
    repo.snapshot("long", lock=True)
    nbformat.write(long_notebook(500, newer=True), main(repo) / "long.ipynb")
    open_document(page, lab, path_of(repo, "README.md"))
    page.evaluate(
        "values => window.jupyterapp.commands.execute('jvs-snapshots:compare-tab', values)",
        {"path": path_of(repo, "long.ipynb")},
    )
    tab = CompareTab(page)
    expect(tab.words).to_have_text("500 cells edited · 50 outputs differ", timeout=PATIENCE_MS)
    expect(tab.inside.get_by_role("article")).to_have_count(500)
    drawn = tab.inside.locator(".jvs-Cell-head")
    assert drawn.count() < 60
    idle, scrolled = (middle(page.evaluate(FRAMES, step)) for step in (0, 120))
    assert scrolled < 3 * idle + 35  # milliseconds a frame, on a machine that others use too
    tab.inside.evaluate("box => { box.scrollTop = box.scrollHeight }")
    expect(tab.inside.get_by_role("article", name="Cell 500: edited")).to_contain_text("value_499")
    assert drawn.count() < 60


def test_it_is_dark_where_the_theme_is(
    lab: JupyterServer, repo: Repository, page: Page, picture: Callable[[str], None]
) -> None:
    open_document(page, lab, path_of(repo, "train.ipynb"))
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false", timeout=PATIENCE_MS)
    try:
        tab = compare(page)
        expect(tab.paths.first).to_be_visible(timeout=PATIENCE_MS)
        picture("compare-dark")
        luminance = (
            "e => { const [r, g, b] = getComputedStyle(e)[%r].match(/[0-9.]+/g).map(Number);"
            " return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 }"
        )
        assert tab.node.evaluate(luminance % "background-color") < 0.2
        assert tab.cell("Cell 14").locator("ins").evaluate(luminance % "color") > 0.5
        tab.choose("features.py")
        newer = tab.inside.get_by_label("newer version")
        expect(newer).to_contain_text("window=30", timeout=PATIENCE_MS)
        assert newer.evaluate(luminance % "color") > 0.5
        picture("compare-dark-text")
    finally:
        page.evaluate(
            "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
        )


def test_in_notebook_7_it_opens_below_the_notebook(
    page: Page, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    state, cache = str(tmp_path / "state"), str(tmp_path / "cache")
    with jupyter_server(
        tmp_path,
        app="notebook",
        options=("--JupyterNotebookApp.expose_app_in_browser=True",),
        JVS_STATE_DIR=state,
        JVS_CACHE_DIR=cache,
    ) as server:
        make(server, "churn")
        page.goto(server.address("notebooks/churn/main/train.ipynb"))
        expect(page.locator(".jp-NotebookPanel")).to_be_visible(timeout=60_000)
        tab = compare(page)
        expect(tab.cell("Cell 14: edited")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator(".jp-NotebookPanel")).to_be_visible()
        picture("compare-notebook-7")
        before = sources(page)
        tab.cell("Cell 14: edited").get_by_role("button", name="Take old cell").click()
        expect(page.get_by_text("The old cell is in train.ipynb")).to_be_visible()
        assert "rate = 0.1" in sources(page)[13]
        page.locator(".jp-Cell.jp-mod-active .jp-InputPrompt").first.click()
        page.keyboard.press("Control+z")
        assert sources(page) == before
