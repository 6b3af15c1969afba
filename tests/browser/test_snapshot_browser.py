"""``%jvs browse`` in JupyterLab: filter, preview, compare, restore, as a person would."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import open_notebook, run_all
from tests.browser.server import JupyterServer

PATIENCE_MS = 30_000
PLOT = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(4, 2.4))
axes.plot([0.61, 0.78, 0.86, 0.9, 0.92])
axes.set_ylabel("accuracy")
figure.tight_layout()
figure.savefig("accuracy.png")
"""
STORY = [
    "%load_ext jvs_magics",
    "%jvs init digits\n%cd -q digits/main",
    (
        "from pathlib import Path\n"
        "Path('data').mkdir()\n"
        "Path('data/train.csv').write_text('pixel,label\\n0,7\\n16,3\\n')\n"
        "Path('notes.md').write_text('# Digits\\n<b>not bold</b>\\n')\n"
        "%jvs snapshot 'raw data' --tag baseline"
    ),
    PLOT + "%jvs snapshot 'first model'",
    (
        "Path('data/train.csv').write_text('pixel,label\\n0,7\\n')\n"
        "%jvs snapshot 'half of the rows <b>gone</b>' --tag oops"
    ),
    "Path('scratch.txt').write_text('not in any snapshot')\n%jvs history",
    "%jvs browse",
]


@pytest.fixture
def panel(lab: JupyterServer, page: Page, tmp_path: Path) -> Locator:
    """Return the browser of a repository with three snapshots, in a notebook in JupyterLab."""
    name = _folder(tmp_path)
    (lab.root / name).mkdir()
    cells = [nbformat.v4.new_code_cell(source) for source in STORY]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, lab.root / name / "story.ipynb")
    opened = open_notebook(page, lab, f"{name}/story.ipynb")
    run_all(page, opened)
    found = opened.locator(".jvs-browser")
    expect(found).to_be_visible(timeout=PATIENCE_MS)
    found.scroll_into_view_if_needed()
    return found


def test_a_person_browses_compares_and_restores(
    lab: JupyterServer, page: Page, panel: Locator, tmp_path: Path
) -> None:
    main = lab.root / _folder(tmp_path) / "digits" / "main"
    snapshots = panel.get_by_label("Snapshots of main")
    files = panel.get_by_label("Files")
    status = panel.get_by_role("status")
    expect(snapshots.locator("option")).to_have_count(3)
    expect(snapshots.locator("option").first).to_contain_text("half of the rows <b>gone</b>")

    search = panel.get_by_label("Filter")
    search.fill("baseline")
    search.press("Enter")
    expect(snapshots.locator("option")).to_have_count(1, timeout=PATIENCE_MS)
    expect(files.locator("option")).to_have_count(2, timeout=PATIENCE_MS)
    files.select_option(label=_label(files, "notes.md"))
    expect(panel).to_contain_text("<b>not bold</b>", timeout=PATIENCE_MS)
    search.fill("")
    search.press("Enter")
    expect(snapshots.locator("option")).to_have_count(3, timeout=PATIENCE_MS)

    snapshots.select_option(label=_label(snapshots, "first model"))
    expect(files.locator("option")).to_have_count(3, timeout=PATIENCE_MS)
    files.select_option(label=_label(files, "accuracy.png"))
    expect(panel.get_by_role("img", name="accuracy.png")).to_be_visible(timeout=PATIENCE_MS)
    expect(status).to_contain_text("accuracy.png as it was in snapshot", timeout=PATIENCE_MS)
    keep = os.environ.get("KEEP_SCREENSHOTS")
    if keep:
        page.screenshot(path=str(Path(keep) / "snapshot-browser.png"))

    panel.get_by_role("button", name="Compare with now").click()
    expect(panel).to_contain_text("+ scratch.txt", timeout=PATIENCE_MS)
    expect(panel).to_contain_text("~ data/train.csv")

    panel.get_by_role("button", name="Restore to a new worktree").click()
    expect(status).to_contain_text("Restored to the new worktree", timeout=PATIENCE_MS)
    restored = next((main.parent / "worktrees").iterdir())
    assert (restored / "data" / "train.csv").read_text().count("\n") == 3
    assert (main / "scratch.txt").exists()

    in_place = panel.get_by_role("button", name="Restore in place")
    expect(in_place).to_be_disabled()
    panel.get_by_label("Reason").fill("too many rows lost")
    expect(in_place).to_be_enabled(timeout=PATIENCE_MS)
    in_place.click()
    expect(status).to_contain_text("%jvs undo takes it back", timeout=PATIENCE_MS)
    assert (main / "data" / "train.csv").read_text().count("\n") == 3
    assert not (main / "scratch.txt").exists()


def test_the_controls_follow_each_other_under_the_tab_key(page: Page, panel: Locator) -> None:
    panel.get_by_label("Filter").focus()
    seen = []
    for _ in range(7):
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.labels && e.labels.length ? e.labels[0].textContent : e.textContent }"
            )
        )
        page.keyboard.press("Tab")
    assert seen == [
        "Filter",
        "Reload",
        "Snapshots of main",
        "Files",
        "Compare with now",
        "Restore to a new worktree",
        "Reason",
    ]


def _folder(tmp_path: Path) -> str:
    return f"work-{tmp_path.name[-20:]}"


def _label(options: Locator, part: str) -> str:
    text = options.locator("option", has_text=part).first.text_content()
    assert text is not None
    return text
