"""Completion in real shells: what a TAB makes of a line is what the shell then gives to the command, and nothing is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from jvs_core import Repository
from jvs_core.cli import completion as scripts
from tests.core.cli.conftest import Jvs, environment, process

pytestmark = pytest.mark.slow

HOSTILE = "$(touch hacked)`touch hacked`;touch hacked #!x"
AWKWARD = ["with space.txt", "quo'te\".txt", "co:lon=at@.txt", "back\\slash", "com,ma", HOSTILE]
SHELLS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(shutil.which(name) is None and name != "bash", reason=f"no {name} here"),
    )
    for name in ("bash", "zsh", "fish")
]
_WRITE = "printf '%s\\0' {words} > {{said}}.new; mv {{said}}.new {{said}}; "
WORDS = {
    "bash": "words() {{ " + _WRITE.format(words='"$@"') + "}}",
    "zsh": "words() {{ " + _WRITE.format(words='"$@"') + "}}",
    "fish": "function words; " + _WRITE.format(words="$argv") + "end",
}
START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "--interactive"],
}
READY = {
    "bash": "bind 'set enable-bracketed-paste off'; PS1='ready> '; eval \"$(jvs completion bash)\"",
    "zsh": "PS1='ready> '; unset zle_bracketed_paste; bindkey -e; eval \"$(jvs completion zsh)\"",
    "fish": "function fish_prompt; echo -n 'ready> '; end; set -g fish_greeting; jvs completion fish | source",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with a snapshot of awkward names, a ref and a worktree."""
    top = tmp_path_factory.mktemp("completion")
    repo = Repository.init(top / "repo")
    main = repo.root / "main"
    (main / "data").mkdir()
    (main / "data" / "inner.csv").touch()
    for name in (*AWKWARD, "new\nline", "esc\x1b[2J", os.fsdecode(b"not-utf8-\xff")):
        Path(main, name).touch()
    taken = repo.snapshot("the first one", lock=True)
    repo.refs.create("baseline", taken.snapshot_id)
    repo.worktrees.create("explored")
    program = top / "bin" / "jvs"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m jvs_core.cli "$@"\n')
    program.chmod(0o755)
    return repo


class Shell:
    """An interactive shell with completion, in the worktree."""

    def __init__(self, name: str, repo: Repository) -> None:
        folder = repo.root / "main"
        (repo.root / ".." / "home").resolve().mkdir(exist_ok=True)
        given = environment(
            PATH=f"{repo.root.parent / 'bin'}:{os.environ['PATH']}",
            TERM="dumb" if name != "fish" else "xterm",
            HOME=str(repo.root.parent / "home"),
            PYTHONPATH=str(Path(__file__).parents[3]),
        )
        self.name = name
        self._said = repo.root.parent / "said"
        self.child = pexpect.spawn(
            shutil.which(name) or name,
            START[name],
            cwd=folder,
            env=given,
            encoding="utf-8",
            timeout=30,
            dimensions=(60, 300),
        )
        self.child.delaybeforesend = None
        self.child.sendline(
            f"{WORDS[name].format(said=self._said)}; {READY[name]}; printf '%s\\n' is-\"\"ready"
        )
        self.child.expect("is-ready")
        self.child.expect("ready> ")

    def words(self, typed: str) -> list[str]:
        """Type, press TAB, and return the words that the shell would then give to the command."""
        self._said.unlink(missing_ok=True)
        self.child.send(typed + "\t")
        if self.name == "fish":
            time.sleep(1)  # it completes while it reads on
        self.child.send("\x01words \r")
        deadline = time.monotonic() + 10
        while not self._said.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not self._said.exists():
            self.child.expect(".+")
            raise AssertionError(f"{self.name} read no whole line: {self.child.after!r}")
        return self._said.read_text().split("\0")[:-1]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, place: Repository) -> Iterator[Shell]:
    found = Shell(request.param, place)
    yield found
    found.child.close(force=True)
    assert not (place.root / "main" / "hacked").exists()


def test_a_tab_gives_the_command_what_is_there_and_runs_nothing(shell: Shell) -> None:
    """Also names that a shell would expand, and words that are begun with a quote."""
    lines = {
        "jvs worktree path expl": "explored",
        "jvs cat HEAD dat": "data/",
        "jvs restore HEAD --path data/": "data/inner.csv",
        "jvs run rep": "reproduce",
        "jvs --worktree=ex": "--worktree=explored",
        "jvs cat HEAD 'wi": "with space.txt",
        "jvs cat HEAD 'qu": "quo'te\".txt",
        "jvs cat HEAD \\$\\(to": HOSTILE,
        'jvs cat HEAD "\\$(to': HOSTILE,
    }
    if shell.name == "fish":  # slow, for it completes while it reads on
        lines = dict([*lines.items()][::2])
    if shell.name == "bash":  # where words and quotes are ours to make
        lines |= {f"jvs cat HEAD {name[:3]}": name for name in AWKWARD if name != HOSTILE}
        lines |= {
            "jvs cat HEAD \\w\\i": "with space.txt",
            "jvs sandbox run -- cat dat": "data/",
            "jvs cat HEAD '$(to": HOSTILE,
            'jvs cat HEAD "$': HOSTILE,
            "jvs cat HEAD $": HOSTILE,
            "jvs show base": "baseline",
        }
    assert {typed: shell.words(typed)[-1] for typed in lines} == lines


def test_what_was_typed_without_a_quote_is_quoted_with_the_rest_of_it(place: Repository) -> None:
    """Bash tells the word as it was typed; what it would expand there must not stay as it is."""
    main = place.root / "main"
    double = '\\$(touch hacked)\\`touch hacked\\`;touch hacked #"\\!"x'
    plain = "\\$\\(touch\\ hacked\\)\\`touch\\ hacked\\`\\;touch\\ hacked\\ \\#\\!x"
    assert asked("bash", 'jvs cat HEAD "$(to', main, word='"$(to') == [f"plain\t{double}"]
    assert asked("bash", 'jvs cat HEAD "$', main, word='"$') == [f"plain\t{double}"]
    assert asked("bash", "jvs cat HEAD $", main, word="$") == [f"plain\t{plain}"]
    assert asked("bash", "jvs cat HEAD co:", main, word=":") == ["plain\tlon=at@.txt"]
    assert asked("bash", "jvs cat HEAD co:lo", main, word="lo") == ["plain\tlon=at@.txt"]
    assert asked("bash", "jvs cat HEAD co", main, word="co") == ["plain\tco:lon=at@.txt", "plain\tcom,ma"]


def asked(shell: str, line: str, folder: Path, notes: str = "", word: str = "") -> list[str]:
    ended = process(
        cwd=folder, _JVS_COMPLETE=f"{shell}_complete", _JVS_LINE=line, _JVS_NOTES=notes, _JVS_WORD=word
    )
    assert ended.err == ""
    return ended.out.splitlines()


def test_snapshots_come_with_their_notes_where_nothing_is_inserted(place: Repository) -> None:
    main, taken = place.root / "main", place.resolve("HEAD")
    assert f"{taken}\tthe first one" in asked("fish", "jvs show ", main)
    assert f"plain\t{taken}\tthe first one" in asked("zsh", "jvs show ", main)
    assert f"plain\t{taken}" in asked("bash", "jvs show ", main)
    assert f"plain\t{taken}  (the first one)" in asked("bash", "jvs show ", main, notes="1")


def test_names_that_drive_a_terminal_are_not_offered(place: Repository) -> None:
    offered = asked("fish", "jvs ls HEAD ", place.root / "main")
    assert sorted(line.split("\t")[0] for line in offered) == sorted([*AWKWARD, "data/"])


def test_completing_changes_nothing(place: Repository) -> None:
    def state() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in place.root.rglob("*")}

    before = state()
    for line in ("jvs show ", "jvs cat HEAD ", "jvs worktree remove ", "jvs run show ", "jvs gc unpin "):
        asked("bash", line, place.root / "main")
    assert state() == before


def test_where_there_is_nothing_to_read_nothing_is_said(tmp_path: Path) -> None:
    for line in (
        "jvs show ",
        "jvs --repo /nowhere cat ",
        "jvs cat 'open",
        "jvs show \\",
    ):
        assert [text for text in asked("bash", line, tmp_path) if text] == []
    (tmp_path / ".jvs").mkdir()
    (tmp_path / ".jvs" / "repository.json").write_text("{broken")
    assert asked("zsh", "jvs show ", tmp_path) == [""]


def test_the_scripts_are_printed_and_sound(jvs: Jvs) -> None:
    for shell in ("bash", "zsh", "fish"):
        text = jvs("completion", shell).out
        assert text == Path(scripts.__file__).with_name(f"jvs.{shell}").read_text()
        assert jvs("completion", shell, "--json").json == {"shell": shell, "script": text}
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=text, text=True, check=True)
    assert jvs("completion", "csh", status=2).err.startswith("jvs: E_USAGE")
