"""How little a command imports before it works: what it may not load, and how many modules at most.

A command that loads a module more is no fault. It is one if nobody noticed: then a number here is raised, with a reason.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import jvs_core
from tests.core.cli.conftest import Jvs, environment

# Loaded by nothing that only reads a few records. Of pydantic, commands need its validator alone: ``pydantic_core``.
HEAVY = [
    "asyncio",
    "concurrent.futures",
    "cryptography",
    "importlib.metadata",
    "multiprocessing",
    "pathspec",
    "pickle",
    "portalocker",
    "pydantic",
    "rich",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tomlkit",
    "jvs_core.conformance",
    "jvs_core.control.audit",
    "jvs_core.control.lock.lock",
    "jvs_core.differences",
    "jvs_core.operations.doctor",
    "jvs_core.operations.findings",
    "jvs_core.operations.gc",
    "jvs_core.operations.inplace.restoring",
    "jvs_core.operations.log",
    "jvs_core.operations.publish",
    "jvs_core.operations.runs",
    "jvs_core.operations.timeline",
    "jvs_core.operations.verify",
    "jvs_core.payload.copy",
    "jvs_core.payload.engines",
    "jvs_core.payload.inplace",
    "jvs_magics",
    "jvs_jupyter",
]
# What a command does need of these, and how many modules of JVS and of all it loads at most. Eight of those that walk are
# small ones that hold very many entries in columns.
COMMANDS = {
    "--version": ("", 20, 140),
    "history": ("", 83, 248),
    "history --all --tag baseline": ("", 83, 248),
    "status": ("jvs_core.control.lock.lock", 128, 295),
    "snapshot --if-changed -m again --lock": ("jvs_core.control.lock.lock", 148, 321),
    "snapshot again --lock": (
        (
            "jvs_core.control.audit jvs_core.control.lock.lock jvs_core.operations.publish jvs_core.payload.copy "
            "jvs_core.payload.engines concurrent.futures importlib.metadata portalocker socket sqlite3 pickle subprocess"
        ),
        201,
        434,
    ),
}


def loaded(*args: str) -> set[str]:
    """Return the modules that a process has loaded when the command line ``args`` is done."""
    code = (
        "import sys; from jvs_core.cli.__main__ import main; status = main()\n"
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


# What a process that only links files of the snapshot before does without.
NOT_LINKING = ("dataclasses", "hashlib", "inspect", "json", "pathlib", "shutil", "threading", "pydantic")


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_loads_only_what_it_works_with(
    line: str, repo: Path, take: Callable[..., str], jvs: Jvs
) -> None:
    take("first")
    assert jvs("status").first
    jvs("snapshot", "--if-changed", "--lock")  # from now on it is known that nothing changed
    needed, own, most = COMMANDS[line]
    found = loaded(*line.split())
    assert [name for name in HEAVY if name in found and name not in needed.split()] == []
    assert len([name for name in found if name.startswith("jvs_")]) <= own
    assert len(found) <= most


def test_a_worker_that_links_files_loads_next_to_nothing() -> None:
    code = (
        f"import sys; sys.path.append({str(Path(jvs_core.__file__).parents[1])!r})\n"
        "from jvs_core.payload.work import worker; from jvs_core.payload.copy.linking import LinkJob\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    found = set(done.stdout.split())
    assert [name for name in NOT_LINKING if name in found] == []
    assert len(found) <= 90
