"""Running ``jvs`` as another system user, so that root's rights never follow what that user wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from jvs_core.cli.other_user import apart, python
from jvs_jupyter.hub.ownership import Owner

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_TIMEOUT_S = 120


class Refused(Exception):
    """The error that a command of ``jvs`` answered with."""

    def __init__(self, code: str, message: str, hint: str | None, exit_status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit_status = exit_status


def ask(repository: Path, *command: str) -> Any:
    """Run a command of ``jvs`` that reads, with the rights of the owner of the repository's folder; return its answer.

    Raises Refused. The user could have had a hand in the answer: it is input.
    """
    try:
        owner = Owner.of(repository)
    except OSError as error:
        raise Refused("E_PATH_NOT_FOUND", f"{repository}: {error.strerror}", None, 3) from error
    rights: dict[str, Any] = {"cwd": "/", "start_new_session": True}
    environment = dict(os.environ)
    dropped = os.geteuid() == 0 and owner.uid != 0
    if dropped:
        environment = {**kept(), "HOME": "/nonexistent"}
        rights = apart(owner.uid, owner.gid, owner.groups)
    try:
        done = subprocess.run(
            words(repository, *command, isolated=dropped),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=_TIMEOUT_S,
            check=False,
            **rights,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused("E_INTERNAL", f"{repository} does not answer", None, 1) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise not_run(f"uid {owner.uid}", error) from error
    return answer(done.returncode, done.stdout, done.stderr)


def words(repository: Path, *command: str, isolated: bool) -> list[str]:
    """Return the command line of ``jvs`` on a repository, with JSON for an answer; ``isolated`` for another user."""
    module = python("jvs_core.cli") if isolated else [sys.executable, "-m", "jvs_core.cli"]
    return [*module, "--json", "--repo", str(repository), *command]


def kept() -> dict[str, str]:
    """Return the variables of the hub's environment that a user's process may see."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def not_run(who: str, error: Exception) -> Refused:
    """Return the refusal where a user cannot run the hub's Python."""
    return Refused(
        "E_INTERNAL",
        f"{who} cannot run {sys.executable}: {getattr(error, 'strerror', None) or error}",
        "install the hub where its users can read it",
        1,
    )


def answer(status: int, output: bytes, errors: bytes) -> Any:
    """Return what a command answered. Raises Refused."""
    try:
        value = json.loads(output)
    except ValueError as error:
        told = errors.decode(errors="replace").strip()[-300:]
        raise Refused("E_INTERNAL", f"jvs ended with status {status}: {told}", None, status or 1) from error
    if isinstance(value, dict) and "error" in value:
        failure = value["error"] if isinstance(value["error"], dict) else {}
        code, message, hint = (failure.get(name) for name in ("code", "message", "hint"))
        if not (isinstance(code, str) and isinstance(message, str)):
            raise no_answer("jvs")
        raise Refused(code, message, hint if isinstance(hint, str) else None, status or 1)
    return value


def no_answer(who: str) -> Refused:
    """Return the refusal for an answer that no command of ``jvs`` gives."""
    return Refused("E_INTERNAL", f"{who} answers with what is no answer", "look at who changed its files", 1)
