"""How answers show themselves, without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.cli.main import execute
from jvs_core.cli.outcome import Outcome
from jvs_magics import html
from jvs_magics.cells import ExecutedCells, is_private
from jvs_magics.kinds import answer
from jvs_magics.speech import in_notebook


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository.init(tmp_path / "repo", engine="copy")
    (made.root / "main" / "a.txt").write_text("one")
    monkeypatch.chdir(made.root / "main")
    return Repository.open(".")


def test_ten_thousand_snapshots_are_a_first_page_and_a_count(repo: Repository) -> None:
    repo.snapshot("one", lock=True)
    shown = answer("history", Outcome(repo.history() * 10_000))
    page = shown._repr_html_()
    assert page.count("<tr>") == html.FIRST_PAGE + 1
    assert "50 of 10,000 shown" in page
    assert "%jvs browse" in page
    assert len(page) < 30_000
    assert len(shown) == 10_000


def test_a_long_list_of_changes_is_a_first_page_and_a_count(repo: Repository) -> None:
    repo.snapshot("one", lock=True)
    for number in range(120):
        Path(f"new-{number}").touch()
    page = answer("status", execute(["status"]))._repr_html_()
    assert page.count("+ new-") == html.FIRST_PAGE
    assert "50 of 120 shown" in page


@pytest.mark.parametrize(
    "line",
    [
        ["info"],
        ["status"],
        ["snapshot", "two", "--lock"],
        ["annotate", "HEAD", "--note", "<script>", "--add-tag", "good"],
        ["history"],
        ["show", "HEAD"],
        ["ls", "HEAD"],
        ["cat", "HEAD", "a.txt"],
        ["compare", "HEAD"],
        ["restore", "HEAD"],
        ["lock", "status"],
        ["worktree", "list"],
        ["ref", "list"],
        ["verify"],
        ["doctor"],
        ["--help"],
    ],
)
def test_every_answer_has_text_html_without_script_and_json(repo: Repository, line: list[str]) -> None:
    repo.snapshot("one", lock=True)
    outcome = execute(line)
    bundle = answer(line[0] if line[0] != "worktree" else "worktree list", outcome)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/json"}
    assert "\x1b" not in bundle["text/plain"]
    assert bundle["text/html"].startswith("<style>")
    assert "<script" not in bundle["text/html"]
    assert "http" not in bundle["text/html"]


def test_a_binary_file_shows_its_size_and_an_image_itself(repo: Repository) -> None:
    Path("b.bin").write_bytes(b"\0" * 100)
    Path("c.png").write_bytes(b"\x89PNG\0")
    repo.snapshot("one", lock=True)
    assert "binary, 100 B" in answer("cat", execute(["cat", "HEAD", "b.bin"]))._repr_html_()
    image = answer("cat", execute(["cat", "HEAD", "c.png"]))
    assert "data:image/png;base64," in image._repr_html_()
    assert image.content == b"\x89PNG\0"


def test_commands_in_texts_become_magics() -> None:
    assert in_notebook("run: jvs lock release, or jvs --help") == "run: %jvs lock release, or %jvs --help"
    assert in_notebook("in /home/jvs the %jvs magic") == "in /home/jvs the %jvs magic"


@pytest.mark.parametrize(
    ("source", "private"),
    [
        ("# jvs: private\nx = 1", True),
        ("\n  # jvs: private", True),
        ("%%jvs note\n# jvs: private\nx", True),
        ("x = 1\n# jvs: private", False),
        ("", False),
    ],
)
def test_what_is_private(source: str, private: bool) -> None:
    assert is_private(source) is private


def test_the_oldest_of_very_many_cells_are_left_out() -> None:
    cells = ExecutedCells()
    for number in range(1200):
        cells.began(f"x = {number}")
        cells.ended(number, None)
    kept = cells.notebook()
    assert kept is not None
    assert b'"omitted": 200' in kept
    assert len(cells) == 1000


def test_runs_are_a_table_and_a_dataframe(repo: Repository) -> None:
    with repo.hold() as lease:
        begun = repo.runs.start(
            lease,
            command=["echo", "<b>"],
            parameters={"alpha": 0.5, "score": 1},
            before_snapshot_id=repo.snapshot("one").snapshot_id,
            environment_digest="0" * 64,
        )
        repo.runs.finish(
            begun.run_id, "ok", error=None, after_snapshot_id=None, duration_s=1, metrics={"score": 0.75}
        )
    shown = answer("run list", execute(["run", "list"]))
    assert (len(shown), shown[0].run_id) == (1, begun.run_id)
    assert "&lt;b&gt;" in shown._repr_html_()
    assert "0.75" in shown._repr_html_()
    frame = pytest.importorskip("pandas") and shown.to_dataframe()
    assert frame[["alpha", "parameters.score", "score"]].values.tolist() == [[0.5, 1, 0.75]]
    chosen = answer("run list", execute(["run", "list", "--columns", "alpha,score"]))
    assert chosen.to_dataframe().to_dict("records") == [{"alpha": 0.5, "score": 0.75}]
    table = answer("run list", execute(["run", "list", "--csv", "--columns", "score"]))
    assert (len(table), table[0]) == (1, {"score": 0.75})
