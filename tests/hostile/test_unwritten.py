"""Every command whose output cannot be written, or is not read on, says so, and what it did is done."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from jvs_core.cli import main, output
from tests.hostile import every_command
from tests.hostile.test_fuzz import Template, made

# They print nothing of their own, or are ended by a signal here.
SILENT = {"lock run -- true", "sandbox run -- true", "mcp", "hub serve", "timeline run"}


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    with made() as found:
        yield found


@contextlib.contextmanager
def full() -> Iterator[int]:
    fd = os.open("/dev/full", os.O_WRONLY)
    yield fd


@contextlib.contextmanager
def unread() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing


def run(line: list[str], fd: int, at: Path) -> tuple[int, str]:
    """Run a command whose stdout is ``fd``, which is closed then; return its status and what it said on stderr."""
    said = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape")
    out = os.fdopen(fd, "w", encoding="utf-8", errors="surrogateescape")
    with (
        contextlib.chdir(at),
        mock.patch.object(output, "unexpected", every_command._raise),
        mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO())),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(said),
    ):
        status = main.run(line)
    with open(os.devnull, "wb") as null:  # what is left in the buffer is nobody's
        os.dup2(null.fileno(), out.fileno())
    out.close()
    said.flush()
    return status, said.buffer.getvalue().decode("utf-8", "replace")


def lines(template: Template, tmp_path: Path) -> Iterator[tuple[list[str], Path]]:
    """Yield every command line and where to run it, in a copy of the repository."""
    tmp_path.mkdir(exist_ok=True)
    victim = template.copy(tmp_path)
    known = {**template.known, "repo": tmp_path / "repo", "own": tmp_path / "own"}
    with every_command.light(tmp_path, victim.environment()):
        for step in every_command.STEPS:
            for line in every_command.lines(step, **known):
                yield line, tmp_path / "repo" / "main"


def test_a_full_disk_under_the_output_is_an_error(template: Template, tmp_path: Path) -> None:
    usual = [
        every_command.run(line, at=at)
        for line, at in lines(template, tmp_path / "usual")
        if " ".join(line) not in SILENT
    ]
    again = (pair for pair in lines(template, tmp_path / "full") if " ".join(pair[0]) not in SILENT)
    tried = 0
    for (line, at), ended in zip(again, usual, strict=True):
        with full() as fd:
            status, said = run(line, fd, at)
        assert "Traceback" not in said, (line, said)
        if ended.out:
            tried += 1
            assert (status, "jvs: E_NO_SPACE: cannot write the output: " in said) == (7, True), (line, said)
    assert tried > 60


def test_a_reader_that_left_ends_every_command_as_sigpipe_does(template: Template, tmp_path: Path) -> None:
    tried = 0
    for line, at in lines(template, tmp_path):
        with unread() as fd:
            status, said = run(["--json", *line], fd, at)
        if " ".join(line) in SILENT or status in (2, 4):  # what failed by itself says that by its status
            continue
        tried += 1
        assert (status, "jvs: E_" in said) == (141, False), (line, said)
    assert tried > 80
