"""What people type who come from git, restic or borg is answered with a command that is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from jvs_core.cli import habits, main
from jvs_core.cli.call import Call
from tests.core.cli.conftest import Jvs

# The contract's, and what else is typed most.
ASKED = (
    *("diff", "log", "checkout", "commit", "tag", "du", "forget", "ls-tree", "add", "push", "pull", "stash"),
    *("reset", "revert", "switch", "branch", "rm", "mv", "prune", "snapshots", "mount", "backup", "check"),
)


def commands_in(hint: str) -> list[list[str]]:
    """Return the words after each ``jvs`` of a hint, as far as they may be of a command."""
    found = re.findall(r"jvs ((?:[a-z]+(?=[ ,;:.)]|$) ?){1,2})((?:(?!jvs )[^;,:])*)", hint)
    return [[*words.split(), *re.findall(r"(?<!\w)--?[a-z][a-z-]*", rest)] for words, rest in found]


def resolve(words: list[str]) -> click.Command | None:
    command: click.Command = main.build()
    context = click.Context(command, obj=Call())
    for word in words:
        if not isinstance(command, click.Group):
            break
        below = command.get_command(context, word)
        if below is None:
            return None
        command, context = below, click.Context(below, parent=context, info_name=word)
    return command


@pytest.mark.parametrize("typed", sorted(habits.every()))
def test_the_answer_is_a_command_with_options_that_it_has(jvs: Jvs, repo: Path, typed: str) -> None:
    words = shlex.split(typed)
    if resolve(words[:1]) is not None and len(words) == 1:
        pytest.skip("it is a command of ours by now")
    refused = jvs(*words, "--json", status=2).error
    assert refused["code"] == "E_USAGE"
    assert refused["hint"] == habits.every()[typed]
    named = commands_in(refused["hint"])
    assert named, refused["hint"]
    for line in named:
        path = [word for word in line if not word.startswith("-")]
        command = resolve(path)
        assert command is not None, line
        assert not isinstance(command, click.Group), line
        has = {name for param in command.get_params(click.Context(command)) for name in param.opts}
        assert {word for word in line if word.startswith("-")} <= has, line


def test_what_is_asked_for_is_answered() -> None:
    assert set(ASKED) <= habits.every().keys()


def test_a_folder_that_exists_is_adopted(jvs: Jvs, repo: Path) -> None:
    assert "jvs init NAME --adopt" in jvs("init", ".", status=2).err


@pytest.mark.parametrize(
    "line", ["commit -m note", "log --oneline", "diff HEAD~1 -- a.txt", "clone-nothing x"]
)
def test_options_of_the_other_tool_are_in_nobodys_way(jvs: Jvs, repo: Path, line: str) -> None:
    ended = jvs(*shlex.split(line), status=2)
    assert ended.err.startswith("jvs: E_USAGE: no such command: jvs ")
    assert "\nhint: " in ended.err
