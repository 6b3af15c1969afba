"""Options that are given twice: all of them count, or the command says that only one can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from jvs_core.cli import main
from jvs_core.cli.call import Call
from tests.core.cli.conftest import Jvs
from tests.hostile.every_command import names

REPEATED = {
    "annotate": {"--add-tag", "--remove-tag"},
    "clone": {"--only"},
    "doctor": {"--repair"},
    "gc plan": {"--drop", "--keep-tag"},
    "restore": {"--path"},
    "sandbox run": {"--tag"},
    "snapshot": {"--tag"},
    "run exec": {"-p"},
    "run sweep": {"--grid", "-p"},
    "hub gc": {"--keep-tag"},
    "hub report": {"--keep-tag"},
    "init": {"--exclude"},
    "run list": {"--where"},
}


def options() -> Iterator[tuple[str, click.Option]]:
    """Yield every option of every command that takes a value."""
    tree = main.build()
    for name in names():
        command: click.Command = tree
        context = click.Context(tree, obj=Call())
        for word in name.split():
            assert isinstance(command, click.Group)
            found = command.get_command(context, word)
            assert found is not None
            command, context = found, click.Context(found, parent=context, info_name=word)
        for param in command.get_params(context):
            if isinstance(param, click.Option) and not (param.is_flag or param.count):
                yield name, param


def test_every_option_that_counts_only_once_is_refused_twice(jvs: Jvs, repo: Path) -> None:
    tried = 0
    for name, option in options():
        if option.multiple:
            continue
        given = [option.opts[-1], *["1"] * option.nargs] * 2
        refused = jvs(*name.split(), *given, "--json", status=2).error
        assert refused["code"] == "E_USAGE"
        assert refused["message"] == f"{option.opts[-1]} is given 2 times, and only one can apply", name
        tried += 1
    assert tried > 100
    assert "--repo is given 2 times" in jvs("--repo", ".", "--repo", "x", "status", status=2).err


def test_the_options_that_may_be_repeated_are_these_and_say_so() -> None:
    found: dict[str, set[str]] = {}
    for name, option in options():
        if option.multiple:
            found.setdefault(name, set()).add(
                option.opts[-1] if option.opts[-1].startswith("--") else option.opts[0]
            )
            assert option.nargs == 2 or "repeat" in (option.help or ""), (name, option.opts)
    assert {name: seen for name, seen in found.items() if name in REPEATED} == REPEATED
    assert found.keys() == REPEATED.keys()


@pytest.fixture
def removed(repo: Path, take: Callable[..., str]) -> str:
    """Return a snapshot of files that are gone from the worktree."""
    for name in ("b.txt", "data/c.csv", "data/deep/d.csv", "[x].txt"):
        path = repo / "main" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    found = take()
    for name in ("a.txt", "b.txt", "data/b.csv", "data/c.csv", "data/deep/d.csv", "[x].txt"):
        (repo / "main" / name).unlink()
    return found


def there(repo: Path) -> set[str]:
    main_folder = repo / "main"
    return {str(path.relative_to(main_folder)) for path in main_folder.rglob("*") if path.is_file()}


def test_every_path_is_restored_and_said(jvs: Jvs, repo: Path, removed: str) -> None:
    shown = jvs("restore", removed, "--path", "a.txt", "--path", "data/c.csv")
    assert there(repo) == {"a.txt", "data/c.csv"}
    assert [line.rpartition(" ")[2] for line in shown.out.splitlines()] == [
        f"{repo}/main/a.txt",
        f"{repo}/main/data/c.csv",
    ]
    found = jvs("restore", removed, "--path", "b.txt", "--path=data/b.csv", "--path", "b.txt", "--json").json
    assert found == {
        "snapshot_id": removed,
        "path": f"{repo}/main/b.txt",
        "paths": [f"{repo}/main/b.txt", f"{repo}/main/data/b.csv"],
    }


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("data/*.csv", {"data/b.csv", "data/c.csv"}),
        ("**/*.csv", {"data/b.csv", "data/c.csv", "data/deep/d.csv"}),
        ("?.txt", {"a.txt", "b.txt"}),
        ("[ab].txt", {"a.txt", "b.txt"}),
        ("[x].txt", {"[x].txt"}),
        ("*.csv", set()),
    ],
)
def test_a_pattern_means_what_it_matches_and_a_name_itself(
    jvs: Jvs, repo: Path, removed: str, pattern: str, expected: set[str]
) -> None:
    ended = jvs("restore", removed, "--path", pattern, status=0 if expected else 3)
    assert there(repo) == expected
    if not expected:
        assert ended.err.startswith("jvs: E_PATH_NOT_FOUND: ")


def test_nothing_is_restored_where_one_of_them_is_taken_or_missing(
    jvs: Jvs, repo: Path, removed: str
) -> None:
    (repo / "main/b.txt").write_text("mine")
    jvs("restore", removed, "--path", "a.txt", "--path", "b.txt", status=4)
    jvs("restore", removed, "--path", "a.txt", "--path", "nosuch*", status=3)
    jvs("restore", removed, "--path", "a.txt", "--path", "nosuch", status=3)
    jvs("restore", removed, "--path", "a.txt", "--path", "[x].txt", "--to", "elsewhere", status=2)
    for whole in ("", ".", "./"):
        assert "the whole snapshot" in jvs("restore", removed, f"--path={whole}", status=2).err
    assert there(repo) == {"b.txt"}
    jvs("lock", "acquire")
    jvs("restore", removed, "--path", "a.txt", "--path", "b.txt", "--inplace", "--force", "--reason", "both")
    assert (there(repo), (repo / "main/b.txt").read_text()) == ({"a.txt", "b.txt"}, "b.txt")
