"""Running what touches a user's files as that system user, so that root's rights never follow what the user wrote.

Root asks by a command line and hears one JSON value, which is input: the user could have had a hand in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from jvs_core import JvsError
from jvs_core.cli.other_user import python
from jvs_core.cli.rights import environment_of
from jvs_jupyter.hub import bounded, warm
from jvs_jupyter.hub.ownership import Owner, worker

ANSWER_S = 120.0
WORK_S = 4 * 3600.0
_MOST_VALUES = 4_000_000  # each takes some 70 bytes here, and two in the text
T = TypeVar("T")


class Refused(JvsError):
    """The error that a command of ``jvs`` answered with."""

    def __init__(self, code: str, message: str, hint: str | None, exit_status: int) -> None:
        super().__init__(message, hint=hint)
        self.code = code  # type: ignore[misc]  # what another process answered has no class of its own
        self.exit_status = exit_status  # type: ignore[misc]


def ask(
    repository: Path,
    *command: str,
    owner: Owner | None = None,
    actor: str | None = None,
    seconds: float = ANSWER_S,
) -> Any:
    """Run a command of ``jvs`` with the rights of ``owner`` (None: whose the repository is, see ``worker``); return its answer.

    ``actor`` is who the audit log names. Raises Refused. The user could have had a hand in the answer: it is input.
    """
    owner, groups = _rights(repository, owner)
    asked = ["jvs_core.cli", "--json", "--repo", str(repository), *command]
    return as_user(asked, owner, groups, who=str(repository), actor=actor, seconds=seconds)


def work(
    repository: Path,
    task: str,
    request: BaseModel,
    shape: type[T],
    *,
    owner: Owner | None = None,
    actor: str | None = None,
    seconds: float = ANSWER_S,
) -> T:
    """Run a task of ``within`` about a repository, with rights as ``ask`` does, and return its answer of ``shape``.

    Raises Refused, also where the answer is of another shape.
    """
    owner, groups = _rights(repository, owner)
    command = ["jvs_jupyter.hub.within", task, request.model_dump_json()]
    who = str(repository)
    return understood(shape, as_user(command, owner, groups, who=who, actor=actor, seconds=seconds), who)


def _rights(repository: Path, owner: Owner | None) -> tuple[Owner | None, list[int]]:
    """Return the user that a process about a repository becomes, with its groups; None: it stays this process's."""
    try:
        owner = owner or worker(repository)
        groups = owner.groups_in(repository)
    except OSError as error:
        raise Refused("E_PATH_NOT_FOUND", f"{repository}: {error.strerror}", None, 3) from error
    return (owner if os.geteuid() == 0 and owner.uid != 0 else None), groups


def as_user(
    command: Sequence[str],
    owner: Owner | None,
    groups: Sequence[int],
    *,
    who: str,
    actor: str | None = None,
    seconds: float = WORK_S,
) -> Any:
    """Run a module, with its words, that answers with JSON, as ``owner`` (None: as this process's user); return the answer.

    Raises Refused, which says that ``who`` does not answer, or what the answer says.
    """
    environment = dict(os.environ) if owner is None else environment_of(owner.uid, owner.gid)
    if actor is not None:
        environment |= {"USER": actor, "LOGNAME": actor}
    module, *asked = command
    try:
        done = warm.run(module, asked, environment=environment, owner=owner, groups=groups, seconds=seconds)
    except subprocess.TimeoutExpired as error:
        raise Refused("E_INTERNAL", f"{who} does not answer", None, 1) from error
    except bounded.TooMuch as error:
        raise no_answer(who) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise not_run("this user" if owner is None else f"uid {owner.uid}", error) from error
    return answer(done.returncode, done.stdout, done.stderr)


def understood(shape: type[T], value: Any, who: str) -> T:
    """Return an answer as the type that it should be of. Raises Refused."""
    try:
        return TypeAdapter(shape).validate_json(json.dumps(value), strict=True)
    except ValueError as error:
        raise no_answer(who) from error


def words(repository: Path, *command: str, isolated: bool) -> list[str]:
    """Return the command line of ``jvs`` on a repository, with JSON for an answer; ``isolated`` for another user."""
    module = python("jvs_core.cli") if isolated else [sys.executable, "-m", "jvs_core.cli"]
    return [*module, "--json", "--repo", str(repository), *command]


def not_run(who: str, error: Exception) -> Refused:
    """Return the refusal where a user cannot run the hub's Python."""
    return Refused(
        "E_INTERNAL",
        f"{who} cannot run {sys.executable}: {getattr(error, 'strerror', None) or error}",
        "install the hub where its users can read it",
        1,
    )


def answer(status: int, output: bytes, errors: bytes) -> Any:
    """Return what a command answered; a negative ``status`` is the signal that ended it. Raises Refused."""
    failed = status if status > 0 else 1
    if sum(output.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise no_answer("jvs")
    try:
        value = json.loads(output)
    except (ValueError, RecursionError) as error:
        told = errors.decode(errors="replace").strip()[-300:]
        raise Refused("E_INTERNAL", f"jvs ended with status {status}: {told}", None, failed) from error
    if isinstance(value, dict) and "error" in value:
        failure = value["error"] if isinstance(value["error"], dict) else {}
        code, message, hint = (failure.get(name) for name in ("code", "message", "hint"))
        if not (isinstance(code, str) and isinstance(message, str)):
            raise no_answer("jvs")
        raise Refused(code, message, hint if isinstance(hint, str) else None, failed)
    return value


@dataclass(frozen=True)
class Told:
    """An error as a row of a command of ``jvs hub`` tells it."""

    code: str
    message: str
    hint: str | None = None
    exit_status: int = 1

    def refused(self) -> Refused:
        """Return it as what it was."""
        return Refused(self.code, self.message, self.hint, self.exit_status or 1)


def told(failure: JvsError | Refused | None) -> dict[str, Any] | None:
    """Return an error as a row tells it."""
    if failure is None:
        return None
    return asdict(Told(failure.code, failure.message, failure.hint, failure.exit_status))


def as_refused(error: JvsError | Refused | OSError) -> JvsError | Refused:
    """Return what stopped one person's command as it is told: a user may be in the way of what root does around a home."""
    if not isinstance(error, OSError):
        return error
    where = "" if error.filename is None else f"{error.filename}: "
    return Refused("E_INTERNAL", f"{where}{error.strerror or error}", "look at what is there", 1)


def no_answer(who: str) -> Refused:
    """Return the refusal for an answer that no command of ``jvs`` gives."""
    return Refused("E_INTERNAL", f"{who} sends an invalid answer", "look at who changed its files", 1)
