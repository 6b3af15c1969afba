"""What the pictures show, each as a person gets there: JupyterLab and Notebook 7, light and dark."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import comparing, lab, running
from tests.browser import panel as panel_module
from tests.browser.comparing import CompareTab, compare
from tests.browser.lab import run_all, wait_until_idle
from tests.browser.panel import Panel
from tests.browser.pictures import story
from tests.browser.pictures.camera import HEIGHT, SCALE, WIDTH, Camera
from tests.browser.running import RunsView
from tests.browser.server import JupyterServer, jupyter_server
from tests.browser.versions import KERNEL

THEMES = {"": "JupyterLab Light", "-dark": "JupyterLab Dark"}
_BROWSED = [
    "%load_ext jvs_magics",
    "%cd -q main",
    "%jvs history",
    "%jvs browse",
]
_WIDER = 60
# The machine may have other work.
PATIENCE_MS = 180_000
_IMPATIENT = (comparing, lab, panel_module, running)
Scene = Callable[[JupyterServer, Camera, str], None]


def photograph(browser: Browser, folder: Path, images: Path, only: Collection[str] = ()) -> None:
    """Make every picture anew, or those of the scenes named; ``folder`` is for the servers and what they serve."""
    expect.set_options(timeout=PATIENCE_MS)
    for module in _IMPATIENT:
        module.PATIENCE_MS = PATIENCE_MS  # type: ignore[attr-defined]
    made = False
    for app, exposed, scenes in (
        ("jupyterlab", "LabApp", (put_back, timeline, comparison, runs, went_wrong, old_version, browsing)),
        ("notebook", "JupyterNotebookApp", (in_notebook_7, compared_in_notebook_7)),
    ):
        chosen = [scene for scene in scenes if not only or scene.__name__ in only]
        if not chosen:
            continue
        with _serving(folder, app, exposed) as server:
            for scene in chosen:
                if scene is put_back:
                    _homework(server)
                elif not made:
                    story.make(server)
                    made = True
                for suffix in THEMES if scene in (timeline, comparison, runs) else ("",):
                    with _camera(browser, images, suffix) as camera:
                        scene(server, camera, suffix)


def timeline(server: JupyterServer, camera: Camera, suffix: str) -> None:
    """The timeline beside a notebook with a plot."""
    notebook = _open(camera.page, server, suffix)
    panel = _panel(camera.page)
    expect(panel.row("first model")).to_be_visible()
    _show_plot(notebook)
    camera.take(f"lab-timeline{suffix}")
    if not suffix:
        camera.card("card")


def comparison(server: JupyterServer, camera: Camera, suffix: str) -> None:
    """The notebook compared with the first model, cell by cell."""
    _open(camera.page, server, suffix)
    _panel(camera.page).row("first model").locator(".jvs-Title").click()
    tab = CompareTab(camera.page)
    expect(tab.paths.filter(has_text="customers.csv").or_(tab.paths.first).first).to_be_visible()
    tab.choose(story.NOTEBOOK)
    camera.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    expect(tab.inside.locator("img").first).to_be_visible()
    camera.take(f"compare-notebook{suffix}")


def runs(server: JupyterServer, camera: Camera, suffix: str) -> None:
    """All runs, the best first, two of them selected, and their plot."""
    page = camera.page
    _open(page, server, suffix)
    _panel(page).show("Runs")
    page.locator("#jvs-snapshots").get_by_role("button", name="Open the table").click()
    view = RunsView(page)
    expect(view.rows).to_have_count(len(story.POINTS))
    view.sort("accuracy")
    for row in (0, 4):
        view.rows.nth(row).get_by_role("checkbox").check()
    view.node.get_by_label("plot", exact=True).check()
    expect(view.below.locator(".mark-symbol path")).to_have_count(len(story.POINTS))
    camera.take(f"runs-view{suffix}")


def went_wrong(server: JupyterServer, camera: Camera, suffix: str) -> None:
    """What going back would change, before anything is changed."""
    _open(camera.page, server, suffix)
    panel = _panel(camera.page)
    panel.menu(panel.row("first model"), "Go Back to Here…")
    expect(camera.page.locator(".jp-Dialog")).to_contain_text(story.NOTEBOOK)
    camera.take("lab-go-back")
    camera.page.keyboard.press("Escape")


def old_version(server: JupyterServer, camera: Camera, suffix: str) -> None:
    """The notebook of an older snapshot, read-only, beside the present one."""
    page = camera.page
    _open(page, server, suffix)
    panel = _panel(page)
    panel.menu(panel.row("first model"), "Open Files")
    panel.below.get_by_role("option").filter(has_text=story.NOTEBOOK).dblclick()
    expect(page.locator(".lm-TabBar-tab").filter(has_text="churn @ ")).to_be_visible()
    page.evaluate(
        """() => { const shell = window.jupyterapp.shell;
        const [first, ...others] = [...shell.widgets('main')];
        const old = others.find(one => one.title.label.includes(' @ '));
        shell.add(old, 'main', {ref: first.id, mode: 'split-right'}); }"""
    )
    page.wait_for_timeout(500)
    for cell in page.locator(
        ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell", has_text="from churn"
    ).all():
        cell.evaluate("cell => cell.scrollIntoView({block: 'end'})")
    camera.take("lab-old-version")


def browsing(server: JupyterServer, camera: Camera, _suffix: str) -> None:
    """``%jvs browse`` with a figure as it was."""
    page = camera.page
    cells = [nbformat.v4.new_code_cell(source) for source in _BROWSED]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, server.root / "churn" / "look.ipynb")
    opened = _open(page, server, "", "churn/look.ipynb")
    run_all(page, opened)
    found = opened.locator(".jvs-browser")
    expect(found).to_be_visible()
    for name, part in (("Snapshots of main", "first model"), ("Files", "roc.png")):
        page.wait_for_timeout(1000)  # the files of the snapshot before give way to those of this one
        chooser = found.get_by_label(name)
        expect(chooser).to_be_enabled()
        choice = chooser.locator("option", has_text=part).first
        choice.wait_for(state="attached")
        chooser.select_option(value=choice.get_attribute("value") or "")
    expect(found.get_by_role("img")).to_be_visible()
    found.scroll_into_view_if_needed()
    camera.take("snapshot-browser")


def in_notebook_7(server: JupyterServer, camera: Camera, _suffix: str) -> None:
    """The panel beside the notebook in Notebook 7."""
    page = camera.page
    page.goto(server.address(f"notebooks/churn/main/{story.NOTEBOOK}"))
    notebook = page.locator(".jp-NotebookPanel")
    expect(notebook).to_be_visible()
    expect(page.get_by_text("Python 3 (ipykernel)").first).to_be_visible()
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_text("Left Sidebar").hover()
    page.get_by_text("Show Snapshots").click()
    expect(Panel(page).row("first model")).to_be_visible()
    _show_plot(notebook)
    camera.take("notebook-7")


def compared_in_notebook_7(server: JupyterServer, camera: Camera, _suffix: str) -> None:
    """The comparison below the notebook in Notebook 7."""
    page = camera.page
    page.goto(server.address(f"notebooks/churn/main/{story.NOTEBOOK}"))
    expect(page.locator(".jp-NotebookPanel")).to_be_visible()
    tab = compare(page)
    expect(tab.inside.get_by_role("article").first).to_be_visible()
    expect(tab.paths.first).to_be_visible()
    camera.take("compare-notebook-7")


def put_back(server: JupyterServer, camera: Camera, _suffix: str) -> None:
    """A notebook that nobody took a snapshot of is deleted, found and put back: a film."""
    page = camera.page
    notebook = _open(page, server, "", f"thesis/{story.NOTEBOOK}")
    panel = _panel(page)
    panel.node.get_by_role("button", name="Keep a history of this folder").click()
    panel.told("JVS keeps a history of this folder from now on.")
    _show_plot(notebook)
    camera.film(2_200)
    page.locator('.lm-TabBar-tab[data-id="filebrowser"]').click()
    file = page.locator(".jp-DirListing-item").filter(has_text=story.NOTEBOOK)
    file.click(button="right")
    camera.film(1_800)
    page.get_by_role("menuitem", name="Move to Trash").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Move to Trash").click()
    expect(file).to_have_count(0)
    panel.told("deleted")
    camera.film(2_200)
    panel.open()
    panel.show("Deleted")
    row = panel.deleted.filter(has_text=story.NOTEBOOK)
    expect(row).to_be_visible()
    camera.film(2_200)
    row.get_by_role("button", name=f"Put {story.NOTEBOOK} back").click()
    panel.told("is back")
    camera.film(2_000)
    page.locator('.lm-TabBar-tab[data-id="filebrowser"]').click()
    file.dblclick()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook).to_be_visible()
    _show_plot(notebook)
    camera.film(3_000)
    camera.develop("put-back", 1_120)


def _homework(server: JupyterServer) -> None:
    """A folder without a history."""
    folder = server.root / "thesis"
    story.begin(folder)
    story.execute(folder, rate=0.1, features=["months", "monthly", "calls"])


@contextlib.contextmanager
def _serving(folder: Path, app: str, exposed: str) -> Iterator[JupyterServer]:
    places = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
    with jupyter_server(
        folder, app=app, options=(f"--{exposed}.expose_app_in_browser=True",), **places
    ) as server:
        yield server


@contextlib.contextmanager
def _camera(browser: Browser, images: Path, suffix: str) -> Iterator[Camera]:
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=SCALE,
        reduced_motion="reduce",
        color_scheme="dark" if suffix else "light",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield Camera(page, images)
    finally:
        context.close()


def _open(
    page: Page, server: JupyterServer, suffix: str, path: str = f"churn/main/{story.NOTEBOOK}"
) -> Locator:
    """Open the notebook in a fresh JupyterLab in the theme, and return its panel."""
    page.goto(server.address(f"lab/workspaces/{secrets.token_hex(4)}/tree/{path}"))
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook).to_be_visible()
    page.evaluate(
        f"() => window.jupyterapp.commands.execute('apputils:change-theme', {json.dumps({'theme': THEMES[suffix]})})"
    )
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false" if suffix else "true")
    wait_until_idle(page, notebook)
    return notebook


def _show_plot(notebook: Locator) -> None:
    """Scroll to the plot, and take the focus from whatever has it."""
    plot = notebook.locator(".jp-OutputArea-output img").first
    plot.evaluate("plot => { plot.scrollIntoView({block: 'end'}); document.activeElement?.blur(); }")


def _panel(page: Page) -> Panel:
    """Open the panel, wide enough for notes of a few words."""
    panel = Panel(page)
    panel.open()
    edge = panel.node.bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + edge["width"] + 2, HEIGHT / 2)
    page.mouse.down()
    page.mouse.move(edge["x"] + edge["width"] + 2 + _WIDER, HEIGHT / 2, steps=4)
    page.mouse.up()
    return panel
