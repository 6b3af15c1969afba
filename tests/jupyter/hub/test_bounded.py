"""A process that may be somebody else's is heard only so long, and only so much."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jvs_jupyter.hub import bounded


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_a_process_says_comes_whole_and_of_its_errors_the_end() -> None:
    done = bounded.run(
        program("import sys; print('x' * 300000); sys.stderr.write('y' * 300000 + 'end'); sys.exit(3)"),
        seconds=60,
    )
    assert (done.returncode, len(done.stdout)) == (3, 300001)
    assert done.stderr.endswith(b"end")
    assert len(done.stderr) < 100_000


def test_more_than_anybody_wants_to_hear_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_OUTPUT", 100_000)
    with pytest.raises(bounded.TooMuch):
        bounded.run(program("while True: print('x' * 1000)"), seconds=60)


def test_a_process_that_goes_on_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        bounded.run(program("while True: pass"), seconds=0.2)


def test_who_keeps_the_pipes_of_a_process_that_has_ended_is_not_waited_for() -> None:
    text = (
        "import os\n"
        "os.write(1, b'said')\n"
        "if os.fork() == 0:\n"
        "    while True: os.write(2, b'x' * 1000)\n"  # until nobody reads it
    )
    assert bounded.run(program(text), seconds=600).stdout == b"said"


def test_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_MEMORY", 64 << 20)
    text = (
        "import resource\n"
        "while resource.getrlimit(resource.RLIMIT_DATA)[0] < 0: pass\n"  # set just after the start
        "print(len(bytearray(1 << 30)))"
    )
    done = bounded.run(program(text), seconds=60)
    assert done.returncode != 0
    assert b"MemoryError" in done.stderr
