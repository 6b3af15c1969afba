"""Reading the command line: common options anywhere, help, usage errors, extras, and how little a start imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jvs_core.cli.main import build
from tests.core.cli.conftest import Jvs, environment, process
from tests.hostile.every_command import names

TOP = [
    "init",
    "info",
    "status",
    "snapshot",
    "annotate",
    "history",
    "show",
    "ls",
    "cat",
    "compare",
    "restore",
    "undo",
    "lock",
    "worktree",
    "ref",
    "demo",
]


def commands(
    group: click.Group, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command of the tree with its path."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


ALL = list(commands(build()))
IDS = [" ".join(names) for names, _ in ALL]


@pytest.mark.parametrize("name", TOP)
def test_the_contract_s_commands_are_there(name: str) -> None:
    assert name in build().list_commands(click.Context(build()))


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("names", [names for names, _ in ALL], ids=IDS)
def test_every_command_has_help_with_an_example(jvs: Jvs, names: tuple[str, ...], option: str) -> None:
    shown = jvs(*names, option).out
    assert shown.startswith(f"Usage: jvs {' '.join(names)}")
    assert "Example:" in shown
    assert "--json" in shown


@pytest.mark.parametrize("command", [command for _, command in ALL], ids=IDS)
def test_every_parameter_says_what_it_is(command: click.Command) -> None:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)


@pytest.mark.parametrize(("names", "command"), ALL, ids=IDS)
def test_the_group_s_help_lists_every_command_with_the_command_s_own_words(
    jvs: Jvs, names: tuple[str, ...], command: click.Command
) -> None:
    listed = " ".join(jvs(*names[:-1], "--help").out.split())
    assert names[-1] in listed


def test_jvs_alone_shows_the_help(jvs: Jvs) -> None:
    assert jvs().out == jvs("--help").out


def test_help_as_json_is_one_document(jvs: Jvs) -> None:
    assert jvs("--json", "snapshot", "--help").json["help"].startswith("Usage: jvs snapshot")
    assert jvs("snapshot", "--help", "--json").json["help"].startswith("Usage: jvs snapshot")


def test_the_version_is_shown(jvs: Jvs) -> None:
    assert jvs("--version").out.startswith("jvs ")
    assert set(jvs("--version", "--json").json) == {"version"}


@pytest.mark.parametrize(
    "line",
    [
        ["frobnicate"],
        ["--frobnicate"],
        ["status", "--frobnicate"],
        ["status", "surplus"],
        ["show"],
        ["history", "--limit", "many"],
        ["history", "--limit", "-1"],
        ["history", "--limit"],
        ["lock"],
        ["lock", "frobnicate"],
        ["lock", "acquire", "--wait", "-1"],
        ["lock", "acquire", "--wait", "nan"],
        ["lock", "acquire", "--wait", "soon"],
        ["lock", "acquire", "--lease-ms", "999"],
        ["lock", "acquire", "--lease-ms", "86400001"],
        ["lock", "run"],
        ["worktree"],
        ["snapshot", "--consistency", "perfect"],
        ["--repo"],
        ["--json"],
        ["run"],
    ],
    ids=" ".join,
)
def test_a_wrong_line_is_a_usage_error_in_both_forms(jvs: Jvs, repo: Path, line: list[str]) -> None:
    if "--json" not in line:
        shown = jvs(*line, status=2)
        assert shown.out == ""
        assert shown.err.startswith("jvs: E_USAGE: ")
        assert "\nhint: " in shown.err
    for with_json in (["--json", *line], [*line, "--json"]):
        if with_json[-2:] in (["--limit", "--json"], ["--repo", "--json"]):
            continue
        assert jvs(*with_json, status=2).error["code"] == "E_USAGE"


def test_a_misspelt_command_is_answered_with_the_right_one(jvs: Jvs) -> None:
    assert "did you mean: jvs snapshot" in jvs("snapshoot", status=2).err
    assert jvs("worktree", "creat", "--json", status=2).error["hint"] == "did you mean: jvs worktree create"


def test_a_misspelt_option_is_answered_with_the_right_one(jvs: Jvs) -> None:
    assert "did you mean --consistency?" in jvs("snapshot", "--consistancy", status=2).err


@pytest.mark.parametrize(("name", "extra"), [("run", "papermill"), ("hub", "hub"), ("mcp", "mcp")])
def test_a_command_of_an_extra_says_what_to_install(
    jvs: Jvs, monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    assert jvs(name, "anything", "--json", status=2).error["hint"] == f"pip install 'jvs-workspaces[{extra}]'"


def test_a_command_of_another_package_joins_by_entry_point(jvs: Jvs, monkeypatch: pytest.MonkeyPatch) -> None:
    from jvs_core.cli.group import Command
    from jvs_core.cli.outcome import Outcome

    @click.command(cls=Command)
    def extra() -> Outcome:
        return Outcome({"greeting": "hello"}, ["hello"])

    class Point:
        def load(self) -> click.Command:
            return extra

    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda *, group, name: [Point()] if name == "greet" else []
    )
    assert jvs("greet").out == "hello\n"
    assert jvs("greet", "--json").json == {"greeting": "hello"}


def test_an_extra_that_lacks_its_package_says_what_to_install(
    jvs: Jvs, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        def load(self) -> None:
            raise ModuleNotFoundError("No module named 'papermill'", name="papermill")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [Point()])
    assert "pip install" in jvs("run", status=2).err


@pytest.mark.parametrize("line", [["--json", "info"], ["info", "--json"]])
def test_json_may_stand_before_or_after_the_command(jvs: Jvs, repo: Path, line: list[str]) -> None:
    assert jvs(*line).json["repo_root"] == str(repo)


@pytest.mark.parametrize(
    "line", [["--json", "lock", "status"], ["lock", "--json", "status"], ["lock", "status", "--json"]]
)
def test_json_may_stand_anywhere_among_nested_commands(jvs: Jvs, repo: Path, line: list[str]) -> None:
    assert jvs(*line).json == {"state": "free", "lock": None}


def test_after_two_dashes_everything_is_text(jvs: Jvs, repo: Path) -> None:
    assert jvs("snapshot", "--lock", "--", "--json").first.startswith("Created snapshot ")
    assert "--json" in jvs("history").out


def test_json_is_indented_by_two_and_ascii(jvs: Jvs, repo: Path) -> None:
    shown = jvs("snapshot", "été", "--lock", "--json")
    assert shown.out == json.dumps(shown.json, indent=2) + "\n"
    assert shown.json["note"] == "été"


def test_repo_names_the_repository_from_anywhere(
    jvs: Jvs, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert jvs("info", "--repo", str(repo / "main" / "data"), "--json").json["repo_root"] == str(repo)
    assert jvs("--repo", "repo", "status").first == "On worktree main"


def test_the_worktree_is_the_one_around_the_current_directory(
    jvs: Jvs, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jvs("worktree", "create", "other")
    monkeypatch.chdir(repo / "worktrees" / "other")
    assert jvs("status").first == "On worktree other"
    assert jvs("status", "--worktree", "main").first == "On worktree main"
    monkeypatch.chdir(repo)
    assert jvs("status").first == "On worktree main"


@pytest.mark.parametrize("option", ["--repo", "--worktree"])
def test_an_empty_name_for_a_common_option_is_refused(jvs: Jvs, repo: Path, option: str) -> None:
    assert f"{option} is empty" in jvs("status", option, "", status=2).err


def test_help_imports_nothing_but_click(tmp_path: Path) -> None:
    code = (
        "import sys; from jvs_core.cli.main import run; run(['--help'])\n"
        "heavy = {'pydantic', 'rich', 'portalocker', 'platformdirs', 'cryptography', 'importlib.metadata', 'sqlite3'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_command_imports_no_command_but_itself(repo: Path) -> None:
    code = (
        "import sys; from jvs_core.cli.main import run; run(['info'])\n"
        "sys.exit(', '.join({'rich', 'jvs_core.cli.lock', 'jvs_core.cli.demo'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_completion_offers_commands_snapshots_refs_and_worktrees(
    repo: Path, two: tuple[str, str], jvs: Jvs
) -> None:
    jvs("ref", "create", "baseline", two[0])
    jvs("annotate", two[0], "--add-tag", "good", "--note", "edited")

    def offered(line: str) -> str:
        return process(cwd=repo / "main", _JVS_COMPLETE="fish_complete", _JVS_LINE=line).out

    assert "snapshot" in offered("jvs ")
    assert "create" in offered("jvs worktree ")
    assert f"{two[0]}\tedited" in offered("jvs show ")
    assert f"{two[0]}\tedited" in offered("jvs annotate ")
    assert "good" in offered(f"jvs annotate {two[0]} --remove-tag ")
    assert "baseline" in offered("jvs restore ")
    assert "main" in offered("jvs status --worktree ")


@pytest.mark.parametrize(
    "line",
    [
        "diff",
        "log",
        "checkout x",
        "commit -m x",
        "tag v1",
        "du",
        "forget --keep-last 3",
        "ls-tree HEAD",
        "stash",
        "prune",
    ],
)
def test_the_command_of_another_tool_is_answered_with_one_of_ours(jvs: Jvs, line: str) -> None:
    refused = jvs(*line.split(), "--json", status=2).error
    assert refused["message"] == f"no such command: jvs {line.split(maxsplit=1)[0]}"
    there = set(names())
    for told in re.findall(r"jvs ([a-z]+(?: [a-z]+)?)", refused["hint"]):
        assert told in there or told.split()[0] in there
    assert "jvs " in refused["hint"]


def test_init_of_the_folder_that_one_is_in_is_answered(
    jvs: Jvs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--from DIR" in jvs("init", ".", status=2).err
    assert "the name of the repository is empty" in jvs("init", "", status=2).err
