"""``%jvs`` in a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from jvs_core import Repository
from tests.magics.kernel import Kernel
from tests.support.damage import overwrite


def test_outside_a_repository_one_line_says_how_to_begin(ip: Kernel, tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "data.csv").write_text("1")
    ip.ok(f"%cd -q {tmp_path}/analysis")
    line = ip.fails("%jvs status")
    assert line.startswith("E_NOT_A_REPOSITORY")
    assert "%jvs init NAME --from ." in line
    made = ip.ok("made = %jvs init mine --from .\nmade")
    assert f"%cd {tmp_path}/analysis/mine/main" in made.text
    ip.ok("%cd -q {made.main_path}")
    assert ip.value("%jvs status").startswith("On worktree main")
    assert (tmp_path / "analysis" / "mine" / "main" / "data.csv").read_text() == "1"


def test_a_snapshot_needs_no_word_about_locks_and_returns_an_object(ip: Kernel, main: Path) -> None:
    taken = ip.ok('taken = %jvs snapshot "raw data" --tag baseline\ntaken')
    assert taken.text.startswith("Created snapshot ")
    found = Repository.open(main).history()[0].descriptor
    said = ip.ok("import json; print(json.dumps([taken.snapshot_id, taken['note'], list(taken.tags)]))").out
    assert json.loads(said) == [found.snapshot_id, "raw data", ["baseline"]]
    assert Repository.open(main).locks.status().state == "free"
    bundle = json.loads(ip.ok("print(json.dumps(taken._repr_mimebundle_()))").out)
    assert set(bundle) == {"text/plain", "text/html", "application/json"}
    assert bundle["application/json"]["snapshot_id"] == found.snapshot_id


def test_the_front_end_is_sent_text_and_html_only(ip: Kernel) -> None:
    """JupyterLab prefers its JSON tree to HTML."""
    taken = ip.ok("%jvs snapshot one")
    assert taken.result is not None
    assert set(taken.result) == {"text/plain", "text/html"}


def test_json_gives_plain_values(ip: Kernel) -> None:
    ip.ok("%jvs snapshot one")
    assert (
        ip.value("found = %jvs history --json\ntype(found).__name__, found[0]['note']") == "('list', 'one')"
    )


def test_a_note_or_file_name_that_holds_markup_shows_as_text(ip: Kernel, main: Path) -> None:
    (main / "<img src=x onerror=alert(1)>.txt").write_text("<script>alert(2)</script>")
    markup = "<b onclick=alert(3)>note</b>"
    pages = [
        ip.ok(f"%jvs snapshot '{markup}' --tag '<i>'").html,
        ip.ok("%jvs history").html,
        ip.ok("%jvs show HEAD").html,
        ip.ok("%jvs ls HEAD").html,
        ip.ok("%jvs cat HEAD '<img src=x onerror=alert(1)>.txt'").html,
    ]
    (main / "<img src=x onerror=alert(1)>.txt").write_text("other")
    pages += [ip.ok("%jvs status").html, ip.ok("%jvs compare HEAD").html]
    for page in pages:
        for tag in ("<script", "<img", "<b ", "<i>"):
            assert tag not in page
    assert "&lt;b onclick=alert(3)&gt;note&lt;/b&gt;" in pages[0]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("%jvs nonsense", "E_USAGE"),
        ("%jvs snapshot --nonsense", "E_USAGE"),
        ("%jvs snapshot 'open", "E_USAGE"),
        ("%jvs show nowhere", "E_SNAPSHOT_NOT_FOUND"),
        ("%jvs restore HEAD --inplace", "E_USAGE"),
        ("%jvs undo", "E_NOTHING_TO_UNDO"),
        ("%jvs mcp", "E_USAGE"),
    ],
)
def test_a_mistake_is_one_line_with_its_code(ip: Kernel, line: str, code: str) -> None:
    ip.ok("%jvs snapshot one")
    assert ip.fails(line).startswith(f"{code}: ")


def test_a_hint_names_magics(ip: Kernel) -> None:
    assert "%jvs history" in ip.fails("%jvs show nowhere")


def test_a_restore_makes_a_new_folder_and_says_how_to_go_there(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs snapshot one")
    done = ip.ok("back = %jvs restore HEAD --name before\nback")
    there = main.parent / "worktrees" / "before"
    assert (there / "a.txt").read_text() == "one\n"
    assert f"%cd {there}" in done.text
    assert "<a href=" in done.html
    ip.ok("%cd -q {back.path}")
    assert ip.value("%jvs status").startswith("On worktree before")


def test_in_place_and_undo_work_under_the_feet_of_the_kernel(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs snapshot one")
    (main / "a.txt").write_text("two\n")
    ip.ok("%jvs restore HEAD --inplace --force --reason 'bad run'")
    assert ip.value("open('a.txt').read()") == "'one\\n'"
    ip.ok("%jvs undo")
    assert ip.value("open('a.txt').read()") == "'two\\n'"
    assert "clean" not in ip.value("%jvs status")


def test_a_folder_that_is_removed_under_the_kernel_is_one_line_that_says_where_to_go(
    ip: Kernel, main: Path
) -> None:
    ip.ok("%jvs auto on\nimport os; os.mkdir('sub'); os.chdir('sub')")
    said = ip.ok("os.rmdir('../sub')").err
    assert "took no snapshot after this cell: E_NOT_A_REPOSITORY" in said
    assert ip.fails("%jvs status").endswith(f"was removed (hint: %cd {main})")
    assert ip.value("%jvs --repo {os.path.dirname('" + str(main) + "')} status").startswith(
        "On worktree main"
    )
    ip.ok(f"%cd -q {main}")
    assert ip.value("%jvs status").startswith("On worktree main")


def test_a_file_that_is_never_quiet_is_taken_with_a_label(ip: Kernel, main: Path) -> None:
    """The snapshot itself makes the log grow, at every step, as a training run would."""
    (main / "log").write_text("x")
    ip.ok(
        "import jvs_magics.progress as shown\n"
        "class Writes:\n"
        "    def started(self, step, total=None): open('log', 'a').write('x')\n"
        "    def advanced(self, amount=1): open('log', 'a').write('x')\n"
        "    def finished(self, step): open('log', 'a').write('x')\n"
        "usual, shown.progress = shown.progress, lambda shell, finish: Writes()"
    )
    taken = ip.ok("%jvs snapshot busy")
    ip.ok("shown.progress = usual")
    assert "best_effort" in taken.text
    assert "changed while JVS read it: log" in taken.html
    assert Repository.open(main).history()[0].descriptor.consistency_level == "best_effort"


def test_a_cell_between_two_snapshots(ip: Kernel, main: Path) -> None:
    ran = ip.ok("%%jvs train with rate 0.1 --tag trial\nopen('model', 'w').write('m')\n6 * 7")
    assert ran.result is not None
    after, before = (item.descriptor for item in Repository.open(main).history())
    count = next(tag for tag in before.tags if tag.startswith("cell-"))
    assert before.tags == ("trial", count, "before")
    assert after.tags == ("trial", count, "after", f"after-{before.snapshot_id}")
    assert (before.note, after.note) == ("train with rate 0.1",) * 2
    changed = Repository.open(main).compare(before.snapshot_id, after.snapshot_id)
    assert changed.added == ["model"]


def test_a_failing_cell_is_recorded_as_failed_and_shows_its_own_traceback(ip: Kernel, main: Path) -> None:
    ran = ip.run("%%jvs risky\nopen('half', 'w').write('h')\n1 / 0")
    assert (ran.status, ran.ename) == ("error", "ZeroDivisionError")
    shown = "\n".join(ran.traceback)
    assert "division by zero" in shown
    assert "jvs_magics" not in shown
    after = Repository.open(main).history()[0].descriptor
    assert "failed" in after.tags
    assert [entry.path for entry in Repository.open(main).ls(after.snapshot_id)] == ["a.txt", "half"]


def test_auto_takes_a_snapshot_after_cells_that_changed_files_only(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs auto on")
    assert len(Repository.open(main).history()) == 1
    quiet = ip.ok("x = 1")
    assert (quiet.out, quiet.err, quiet.displays, quiet.result) == ("", "", [], None)
    assert len(Repository.open(main).history()) == 1
    assert "after cell" in ip.ok("open('b.txt', 'w').close()").err
    newest = Repository.open(main).history()[0].descriptor
    assert ("auto" in newest.tags, newest.kind) == (True, "auto")
    assert ip.ok("import os; os.mkdir('__pycache__'); open('__pycache__/b.pyc', 'w').close()").err == ""
    assert ip.value("%jvs auto status").startswith("Snapshots after cells: on")
    ip.ok("%jvs auto off")
    ip.ok("open('c.txt', 'w').close()")
    assert len(Repository.open(main).history()) == 2


def test_auto_every_so_often_and_then_everything_that_changed_since(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs auto on --every 3600")
    before = len(Repository.open(main).history())
    for name in "bcd":
        ip.ok(f"open('{name}', 'w').close()")
    assert len(Repository.open(main).history()) == before
    assert "at most one in 3600 s" in ip.value("%jvs auto status")


def test_what_auto_cannot_do_is_said_once_and_breaks_no_cell(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs auto on")
    first = ip.ok("%cd -q ..\n%cd -q ..\n1")
    assert "E_NOT_A_REPOSITORY" in first.err
    assert ip.ok("2").err == ""
    ip.ok(f"%cd -q {main}")


def test_executed_cells_are_kept_as_a_valid_notebook(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs snapshot start")
    ip.ok("rate = 0.1")
    ip.run("1 / 0")
    ip.ok("# jvs: private\ntoken = 'secret-of-mine'")
    ip.ok("%jvs snapshot trained")
    kept = Repository.open(main).cells.read("HEAD")
    assert kept is not None
    notebook = nbformat.reads(kept.decode(), as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == ["rate = 0.1", "1 / 0", "%jvs snapshot trained"]
    assert code[1].metadata.jvs.outcome == "ZeroDivisionError"
    assert b"secret-of-mine" not in kept
    shown = ip.ok("%jvs show HEAD --cells")
    assert "rate = 0.1" in shown.text
    assert "memory is not captured" in shown.html


@pytest.mark.parametrize(
    "note",
    [
        'say "hi" twice',
        "it's 5\" wide",
        'x" --tag injected "y',
        "--lock",
        "- done",
        "two\nlines",
        "{n} $n",
        "--",
        "-",
    ],
)
def test_a_note_is_what_the_variable_holds(ip: Kernel, main: Path, note: str) -> None:
    ip.ok(f"note = {note!r}; n = 1")
    ip.ok('%jvs snapshot "$note" --tag mine')
    ip.ok("def take(note):\n    %jvs snapshot $note --tag mine\ntake(note)")
    ip.ok("%%jvs {note} --tag mine\nNone")
    kept = [item.descriptor for item in Repository.open(main).history()]
    assert [made.note for made in kept] == [note] * 4
    assert all("mine" in made.tags and "injected" not in made.tags for made in kept)


def test_an_apostrophe_in_a_note_before_a_cell_is_one(ip: Kernel, main: Path) -> None:
    ip.ok("%%jvs don't\nNone")
    assert Repository.open(main).history()[0].descriptor.note == "don't"


@pytest.mark.parametrize(
    ("line", "note", "tags"),
    [
        ("alpha = 0.1 - second try", "alpha = 0.1 - second try", ()),
        ("rate -0.5 -> $n", "rate -0.5 -> --", ()),
        ("$n", "--", ()),
        ("--tag mine 'two words'", "two words", ("mine",)),
        ("two words --tag mine", "two words", ("mine",)),
        ("", "", ()),
    ],
)
def test_a_note_before_a_cell_is_all_that_is_no_option(
    ip: Kernel, main: Path, line: str, note: str, tags: tuple[str, ...]
) -> None:
    ip.ok("n = '--'")
    ip.ok(f"%%jvs {line}\n1")
    for item in Repository.open(main).history():
        assert item.descriptor.note == note
        assert item.descriptor.tags[: len(tags)] == tags


def test_kept_cells_are_not_trusted_because_they_say_so(ip: Kernel, main: Path) -> None:
    cell = {"cell_type": "code", "execution_count": 1, "source": "1", "outputs": []}
    cells = [{**cell, "metadata": {"trusted": True}}]
    kept = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"trusted": True}, "cells": cells}
    Repository.open(main).snapshot("x", cells=json.dumps(kept).encode(), lock=True)
    ip.ok("shown = %jvs show HEAD --cells")
    assert ip.value("shown.notebook['cells'][0]['metadata'], shown.notebook['metadata']") == "({}, {})"


def test_keep_cells_off_keeps_none(ip: Kernel, main: Path) -> None:
    ip.ok("%config JvsMagics.keep_cells = False")
    ip.ok("password = 'x'")
    ip.ok("%jvs snapshot without")
    assert Repository.open(main).cells.read("HEAD") is None
    assert ip.fails("%jvs show HEAD --cells").startswith("E_PATH_NOT_FOUND")


def test_another_repository_by_option_and_by_configuration(ip: Kernel, main: Path, tmp_path: Path) -> None:
    ip.ok("%jvs snapshot here")
    ip.ok(f"%cd -q {tmp_path}")
    assert "here" in ip.value(f"%jvs --repo {main} history")
    ip.ok(f"%config JvsMagics.repo = '{main}'")
    assert "here" in ip.value("%jvs history")


def test_a_damaged_snapshot_is_one_line_and_a_report(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs snapshot one")
    payload = next((main.parent / ".jvs" / "snapshots").iterdir()) / "payload" / "a.txt"
    overwrite(payload, "changed behind the back")
    assert ip.fails("%jvs restore HEAD").startswith("E_PAYLOAD_HASH_MISMATCH")
    report = ip.ok("report = %jvs verify\nreport")
    assert "TAMPERED" in report.html
    assert ip.value("report.ok") == "False"


def test_an_interrupt_in_the_middle_leaves_nothing_half_done(ip: Kernel, main: Path) -> None:
    ip.ok(
        "import os, signal, jvs_magics.progress as shown\n"
        "class Interrupts:\n"
        "    def started(self, step, total=None):\n"
        "        if step == 'manifest': os.kill(os.getpid(), signal.SIGINT)\n"
        "    def advanced(self, amount=1): pass\n"
        "    def finished(self, step): pass\n"
        "usual, shown.progress = shown.progress, lambda shell, finish: Interrupts()"
    )
    ran = ip.run("%jvs snapshot never")
    ip.ok("shown.progress = usual")
    assert (ran.ename, ran.err) == ("UsageError", "UsageError: interrupted; nothing is half done\n")
    repo = Repository.open(main)
    assert repo.history() == []
    assert repo.locks.status().state == "free"
    assert repo.doctor().healthy
    ip.ok("%jvs snapshot again")


def test_an_interrupt_of_a_cell_between_snapshots_is_the_cells_own(ip: Kernel, main: Path) -> None:
    ran = ip.run("%%jvs long\nimport os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)")
    assert (ran.status, ran.ename) == ("error", "KeyboardInterrupt")
    newest = Repository.open(main).history()[0].descriptor
    assert "failed" in newest.tags


def test_a_snapshot_of_nothing_new_says_so(ip: Kernel, main: Path) -> None:
    first = ip.ok("first = %jvs snapshot one\nprint(first.snapshot_id)").out.strip()
    assert f"no file changed since snapshot {first}" in ip.value("%jvs snapshot two")
    (main / "b.txt").touch()
    assert "no file changed" not in ip.value("%jvs snapshot three")


def test_long_work_shows_a_widget_and_takes_it_away(ip: Kernel) -> None:
    ip.ok("import jvs_magics.progress as shown\nusual, shown._DELAY_S = shown._DELAY_S, 0")
    ran = ip.ok("taken = %jvs snapshot slow")
    ip.ok("shown._DELAY_S = usual")
    assert [set(one) for one in ran.displays] == [{"text/plain", "application/vnd.jupyter.widget-view+json"}]


def test_commands_of_other_packages_run_too(ip: Kernel) -> None:
    ip.ok("%jvs snapshot one")
    assert ip.value("%jvs gc plan").startswith("GC Plan")
    ip.ok("%jvs run list")


def test_loading_again_and_unloading(ip: Kernel) -> None:
    ip.ok("%load_ext jvs_magics\n%reload_ext jvs_magics")
    ip.ok("%jvs snapshot one")
    ip.ok("%unload_ext jvs_magics")
    assert ip.run("%jvs status").err.startswith("UsageError: Line magic function `%jvs` not found")
    assert "snapshot" not in ip.complete("%jvs sna")
    ip.ok("%load_ext jvs_magics")
    assert "one" in ip.value("%jvs history")


def test_find_shows_deleted_files_and_redo_and_if_changed_answer(ip: Kernel, main: Path) -> None:
    ip.ok("%jvs snapshot one")
    unchanged = ip.ok("same = %jvs snapshot --if-changed\nsame")
    assert "No snapshot made" in unchanged.text
    assert ip.value("same.created") == "False"
    (main / "a.txt").write_text("two\n")
    ip.ok("%jvs restore HEAD --inplace --force --reason 'bad run'\n%jvs undo\n%jvs redo")
    assert ip.value("open('a.txt').read()") == "'one\\n'"
    (main / "a.txt").unlink()
    found = ip.ok("found = %jvs find a.txt --deleted\nfound")
    assert "jvs restore" in found.text
    assert "a.txt" in found.html
    assert "not in the worktree" in found.html
    assert (
        ip.value("found.to_dataframe()[['path', 'versions', 'bytes']].values.tolist()") == "[['a.txt', 1, 4]]"
    )
    assert ip.value("_ = %jvs find a.txt --larger 1k\nlen(_)") == "0"
    assert ip.value("past = %jvs history --until now\nlen(past.to_dataframe())") != "0"
    assert "1 share of 2 not read yet" in ip.ok("read = %jvs verify --subset next/2\nread").html
    held = ip.ok("held = %jvs stats\nheld")
    assert "Deleting one snapshot frees about" in held.text
    assert ip.value("held.to_dataframe().columns.tolist()") == "['snapshot_id', 'unique_bytes', 'needed_for']"
    assert ip.value("one = %jvs stats @now --by path\none.to_dataframe().path.tolist()") == "['a.txt']"
    assert "leave out --if-changed" in ip.fails("%%jvs note --if-changed\n1")
