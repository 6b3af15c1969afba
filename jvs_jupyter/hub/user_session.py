"""The session of a person's server: it takes the worktree's lock before the server starts, always as the person's own user.

The hub runs ``jvs`` with the rights, session and state folder that the server will have: what a user may write to,
nobody else's process follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jvs_core.cli.other_user import apart
from jvs_jupyter.hub import bounded
from jvs_jupyter.hub.command import Refused, answer, no_answer, not_run, words
from jvs_jupyter.hub.names import Person, session_name
from jvs_jupyter.hub.ownership import PRIVATE, Owner, hand_over, let_pass
from jvs_jupyter.hub.provision import shown
from jvs_jupyter.hub.warm import kept

LEASE_MS = 120_000


@dataclass(frozen=True)
class UserSession:
    """Where a person's server keeps its lock: the session and the folder of its secrets."""

    person: Person
    repository: Path
    state: Path
    owner: Owner | None = None
    groups: tuple[int, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process the person's session."""
        return {"JVS_SESSION": session_name(self.person), "JVS_STATE_DIR": str(self.folder)}

    @property
    def folder(self) -> Path:
        """The state folder of this server."""
        return self.state / session_name(self.person)

    def prepare(self) -> None:
        """Make the state folder, for its owner only."""
        self.state.mkdir(parents=True, exist_ok=True)
        if self.owner is not None:
            let_pass(self.state)
        with contextlib.suppress(FileExistsError):
            self.folder.mkdir(mode=PRIVATE)
        if self.owner is not None:
            hand_over(self.folder, self.owner)

    async def take(self, worktree: str) -> Any:
        """Take the lock for the server that is about to start; one that a dead server of this session left is replaced.

        Raises Refused (E_LOCK_CONFLICT) with the holder's name.
        """
        acquire = ("lock", "acquire", "--lease-ms", str(LEASE_MS), "--purpose", "server is starting")
        try:
            return await self.run(worktree, *acquire)
        except Refused as refused:
            if refused.code != "E_LOCK_CONFLICT" or not await self.give_back(worktree):
                raise
        return await self.run(worktree, *acquire)

    async def give_back(self, worktree: str) -> bool:
        """Give the session's lock back and return whether it had one."""
        try:
            await self.run(worktree, "lock", "release")
        except Refused as refused:
            if refused.exit_status != 4:
                raise
            return False
        return True

    async def save(self, worktree: str, note: str, *tags: str) -> str | None:
        """Take a snapshot under the session's own lock; return its id, None when nothing changed since the last."""
        if (await self.run(worktree, "status"))["clean"]:
            return None
        tagged = [argument for tag in tags for argument in ("--tag", tag)]
        made = await self.run(worktree, "snapshot", note, "--lock", "--wait", "10", *tagged)
        return str(made["snapshot_id"])

    async def run(self, worktree: str, *command: str) -> Any:
        """Run a command of ``jvs`` on the worktree and return its answer; cancelled, it is ended.

        Raises Refused.
        """
        rights: dict[str, Any] = {"cwd": "/", "start_new_session": True}
        if self.owner is not None:
            rights = apart(self.owner.uid, self.owner.gid, self.groups)
        try:
            process = await asyncio.create_subprocess_exec(
                *words(self.repository, "--worktree", worktree, *command, isolated=self.owner is not None),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._command_environment(),
                **rights,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise not_run(repr(self.person.user), error) from error
        try:
            bounded.limit(process.pid)
            output, errors = await asyncio.gather(_heard(process.stdout), _heard(process.stderr))
            await process.wait()
        except BaseException as error:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if isinstance(error, bounded.TooMuch):
                raise no_answer(repr(self.person.user)) from error
            raise
        return answer(process.returncode or 0, output, errors)

    def _command_environment(self) -> dict[str, str]:
        name = shown(self.person.user)
        return {**kept(), **self.environment, "USER": name, "LOGNAME": name, "HOME": str(self.folder)}


async def _heard(stream: asyncio.StreamReader | None) -> bytes:
    """Return what comes out of a pipe. Raises TooMuch."""
    heard = bytearray()
    while stream is not None and (piece := await stream.read(1 << 16)):
        heard += piece
        if len(heard) > bounded.MOST_OUTPUT:
            raise bounded.TooMuch
    return bytes(heard)
