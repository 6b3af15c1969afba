"""Every command of ``jvs`` as somebody would type it, run in this process and checked against the contract."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import click

from jvs_core.cli import main, output, plugins
from jvs_core.cli.call import Call
from jvs_core.cli.text import UNSAFE
from jvs_core.errors import error_classes

# What stands on one line needs what stands before it: it is never torn apart.
STEPS = (
    "info",
    "status; status --worktree trial",
    "history --all --limit 50; history --worktree trial; history --path f --no-auto; history --larger 1k --path f*",
    "show @2100-01-01; compare @2100-01-01 HEAD",
    "find f; find '*' --all --larger 1k --since 2001-01-01; find f --deleted --smaller 1G --until now",
    "stats; stats --by path; stats HEAD --by path --limit 3",
    "show HEAD; show HEAD --cells; show name",
    "ls HEAD -r; cat HEAD f",
    "compare HEAD~1 HEAD; compare HEAD; compare HEAD~1 HEAD --stat --patch --everything; compare HEAD~1 --patch",
    "lock status; lock status --worktree theirs",
    "worktree list; worktree path trial",
    "ref list",
    "annotate HEAD --note edited --add-tag seen; annotate HEAD --remove-tag seen",
    "gc pins",
    "audit log; audit log --limit 3; audit checkpoint",
    "run list; run show {run}; run compare {run}; run compare {run} {run}",
    "hub list; hub report --measure; hub verify; hub doctor; hub gc --keep-last 5 --dry-run",
    "verify --subset next/3; verify --subset 2/3 --all",
    "verify --all; verify HEAD; verify --all --since {own}/checkpoint",
    "doctor --strict",
    "clone . {own}/cloned; clone . {own}/part --only HEAD~1; clone . {own}/moved --same-id",
    "import . imported",
    "mcp",
    "init a/b; init a/b --adopt x",
    "completion bash",
    "demo",
    "conformance run",
    "trust {repo}; trust --list; trust --remove {repo}",
    "explain; explain E_LOCK_NOT_HELD",
    "audit keygen {own}/key; audit checkpoint --key {own}/key",
    "gc run --plan-id {plan}",
    "snapshot one --lock; snapshot two --lock --worktree trial; snapshot --if-changed -m three --lock",
    "lock acquire; restore HEAD~1 --inplace --force --reason back; undo --reason on; redo --force; lock renew; lock release",
    "snapshot four --worktree mine; lock renew --worktree mine; lock release --worktree mine",
    "restore HEAD~1 --path f --to g",
    "lock acquire; restore HEAD~1 --path f --inplace --force --reason back; snapshot three; lock release",
    "restore HEAD --name back; worktree remove back --force; restore HEAD --named",
    "worktree create bare --empty; worktree list --status",
    "worktree create other --from name; worktree rename other another; worktree remove another",
    "ref create more HEAD --note text; ref delete more; ref delete name",
    "gc plan --keep-last 1; gc plan --policy weekly",
    "snapshot five --lock; snapshot six --lock; gc plan --drop HEAD~1; undo --forget --lock",
    "gc pin HEAD --reason text --expires 30d; gc unpin {pin}",
    "lock run -- true",
    "sandbox run -- true",
    "run exec n.ipynb; run exec n.ipynb --isolate",
    "run exec -p a=1 -- true; run exec --isolate -- true; run sweep --grid a=1 --jobs 1 -- true",
    "run reproduce {run}",
    "run export {run} -o {own}/crate.zip; verify --export {own}/crate.zip",
    "bisect run HEAD~1 HEAD -- true",
    "export HEAD -o {own}/a.tar.zst --with-proof; verify --export {own}/a.tar.zst",
    "export HEAD~1 -o {own}/b.zip; export HEAD -o {own}/folder",
    "view HEAD; view HEAD~1 f; view; view --close",
    "run list --where a>0 --sort=-a --csv; run name {run} best; run note best text; run cancel best; run remove best",
    "run sweep n.ipynb --grid a=1 --jobs 1",
    "hub provision --user ada; hub reset ada --template HEAD; hub archive ada; hub put-back ada; hub tidy --days 30",
    "hub gc --keep-last 5; hub thin",
    "hub serve",
    "config show; config get timeline.keep; config set lease.duration_ms 20000; config set lease.duration_ms --default",
    "timeline status; timeline off; timeline on; timeline run",
    "doctor --repair-runtime",
    "doctor --repair advance_head --repair set_aside --repair clean_tmp",
    "doctor --repair audit_repair",
    "doctor --repair heal",
    "worktree remove theirs --force; worktree remove trial --force",
)

# Where the repository is sound nothing else is refused.
REFUSED = {
    "import . imported": "E_USAGE",
    "init a/b": "E_NAME_INVALID",
    "init a/b --adopt x": "E_NAME_INVALID",
    "run cancel best": "E_FENCING_MISMATCH",
    "worktree remove theirs --force": "E_LOCK_CONFLICT",
}

_CODES = {error.code: error.exit_status for error in error_classes() if error.code != "E_INTERNAL"}
_REPORTS = {
    "clone": {5},
    "import": {5},
    "verify": {5},
    "doctor": {5},
    "conformance run": {5},
    "timeline run": {130},
}
_RUNS = {10, 11, 12, 13, 20, 21}


def names() -> Iterator[str]:
    """Yield every command that there is, those of the extras too."""

    def walk(command: click.Command, context: click.Context, path: tuple[str, ...]) -> Iterator[str]:
        if not isinstance(command, click.Group):
            yield " ".join(path)
            return
        extras = () if path else tuple(plugins.EXTRAS)
        for name in dict.fromkeys((*command.list_commands(context), *extras)):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from walk(below, click.Context(below, parent=context, info_name=name), (*path, name))

    tree = main.build()
    yield from walk(tree, click.Context(tree, obj=Call()), ())


def lines(step: str, **known: object) -> list[list[str]]:
    """Return the command lines of one step, with the ids and places that are ``known`` put in."""
    return [shlex.split(line.format(**known)) for line in step.split(";")]


def all_lines() -> list[list[str]]:
    """Return the lines of all steps, with nothing put in."""
    blank = dict.fromkeys(("own", "pin", "plan", "repo", "run"), "x")
    return [line for step in STEPS for line in lines(step, **blank)]


def name_of(line: list[str]) -> str:
    """Return the command that a line names."""
    there = set(names())
    return next(" ".join(line[:words]) for words in (2, 1) if " ".join(line[:words]) in there)


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def code(self) -> str | None:
        """The code of the error that it printed, in either form."""
        if self.out.startswith('{\n  "error": {'):
            return str(json.loads(self.out)["error"]["code"])
        found = re.search(r"^jvs: (E_[A-Z_]+):", self.err, re.MULTILINE)
        return found and found[1]


def run(line: list[str], *, at: Path, as_json: bool = False) -> Ended:
    """Run a command in the folder ``at``; it ends by the contract. What nobody foresaw is raised as it is."""
    as_json = as_json and line[0] != "mcp"
    arguments = ["--json", *line] if as_json else line
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
    with (
        contextlib.chdir(at),
        mock.patch.object(output, "unexpected", _raise),
        mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO())),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main.run(arguments)
    ended = Ended(status, *(bytes(s.buffer.getvalue()).decode("utf-8", "replace") for s in (out, err)))
    _hold(line, ended, as_json=as_json)
    return ended


def _raise(error: BaseException) -> Any:
    raise error


def _hold(line: list[str], ended: Ended, *, as_json: bool) -> None:
    """Fail unless status and code are the contract's."""
    assert "Traceback" not in ended.out + ended.err, (line, ended)
    drives = re.search(UNSAFE.pattern, (ended.out + ended.err).replace("\n", ""))
    assert drives is None or line[0] == "cat", (line, ended)
    if as_json:
        json.loads(ended.out)
    if ended.code is not None and (as_json or ended.status):
        assert _CODES.get(ended.code) == ended.status, (line, ended)
        return
    reports = next((_REPORTS[name] for name in (" ".join(line[:2]), line[0]) if name in _REPORTS), set())
    if line[0] == "run":
        reports = _RUNS
    elif line[0] == "hub":
        reports = set(_CODES.values())
    assert ended.status in {0, *reports}, (line, ended)


@contextlib.contextmanager
def light(place: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run commands as a person with this ``environment``; kernels, demonstrations and servers do nothing.

    Nothing is written through to the disk, and what is temporary lies in ``place / "tmp"``.
    """

    @contextlib.contextmanager
    def threads(_jobs: int) -> Iterator[Executor]:
        with ThreadPoolExecutor(1) as pool:
            yield pool

    async def served(*_: object) -> None: ...

    (place / "tmp").mkdir(exist_ok=True)
    with contextlib.ExitStack() as undo:
        for patch in (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(tempfile, "tempdir", str(place / "tmp")),
            mock.patch("os.fsync"),
            mock.patch("jvs_core.cli.plugins._load", functools.cache(plugins._load)),
            mock.patch("jvs_core.syncing._syncfs"),
            mock.patch("papermill.engines.NBClientEngine.execute_managed_notebook"),
            mock.patch("jvs_jupyter.runs.pool.processes", threads),
            mock.patch("jvs_jupyter.hub.service.serve", served),
            mock.patch("jvs_core.operations.timeline.keeper.keep", side_effect=KeyboardInterrupt),
            mock.patch("jvs_core.cli.demo_story.tell", return_value=()),
            mock.patch("jvs_core.conformance.runner.requirements", return_value=()),
        ):
            undo.enter_context(patch)
        yield
