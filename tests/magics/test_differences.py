"""``%jvs compare --patch`` as static HTML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.cli.call import Call
from jvs_core.cli.main import execute
from jvs_magics.kinds import answer


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Return a repository with a snapshot, the current folder its worktree."""
    made = Repository.init(tmp_path / "repo", engine="copy")
    monkeypatch.chdir(made.root / "main")
    Path("table.csv").write_text("id,name\n1,<b>old</b>\n")
    Path("a.txt").write_text("one\n")
    Path("__pycache__").mkdir()
    Path("__pycache__/x.pyc").write_bytes(b"\0")
    made.snapshot("first", lock=True)
    return made


def shown(*line: str) -> tuple[str, str]:
    """Return the HTML and the text of a line."""
    made = answer("compare", execute(list(line), call=Call()))
    return made._repr_html_(), repr(made)


def test_html_is_escaped_and_has_the_rows_of_tables(repo: Repository) -> None:
    Path("table.csv").write_text("id,name\n1,<script>alert(1)</script>\n")
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<img onerror=alert(2)>"}}
    cell = {"cell_type": "code", "metadata": {}, "source": "</div><script>", "outputs": [output]}
    Path("n<i>.ipynb").write_text(json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 4}))
    html, text = shown("compare", "--patch")
    for word in ("<script", "<img", "<b>old", "n<i>"):
        assert word not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "&lt;img onerror=alert(2)&gt;" in html
    assert html.count("<table>") == 1
    assert '<span class="new">&lt;script&gt;alert(1)&lt;/script&gt;</span>' in html
    assert "row 0: name <b>old</b> → <script>alert(1)</script>" in text


def test_long_ones_are_cut_and_say_so(repo: Repository) -> None:
    Path("a.txt").write_text("".join(f"{number}\n" for number in range(4_000)))
    html, text = shown("compare", "--patch")
    assert html.count("<div") < 1_100
    assert "the first 1,000 lines are shown" in html
    assert "+3999" in text


def test_paths_sizes_and_caches(repo: Repository) -> None:
    Path("a.txt").rename("b.txt")
    Path("__pycache__/x.pyc").write_bytes(b"\1")
    html, text = shown("compare")
    assert "&gt; a.txt → b.txt" in html
    assert html.index("b.txt") < html.index("x.pyc")
    assert "cache" in html
    assert "> a.txt → b.txt" in text
    sizes, _ = shown("compare", "--stat")
    assert "4 B" in sizes
