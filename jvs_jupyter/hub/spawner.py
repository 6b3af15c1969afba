"""Spawners whose servers open in a versioned worktree of their own and hold its lock while they run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner, SpawnException
from jupyterhub.utils import maybe_future
from traitlets import Bool, Float, Integer, Unicode, Union
from traitlets import Callable as CallableTrait
from traitlets.config import Configurable

from jvs_core import JvsError, Repository, WorktreeInfo
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.identity import SERVER_OPTIONS, person_of_spawner
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.provision import Provided, as_admin, find, provide
from jvs_jupyter.hub.seat import Refused, Seat
from jvs_jupyter.server.errors import status_for

T = TypeVar("T")


class JvsSpawnerMixin(Configurable):
    """Give every server of a spawner a worktree of ``jvs_repository``, cloned from a template at the first start.

    Mix it in before a spawner whose servers run where the hub can reach the repository's file system. Nothing is
    kept in the spawner's state: everything follows from the user and the configuration, so hub and server may die in
    any order.
    """

    jvs_repository = Unicode(help="The folder of the team's JVS repository.").tag(config=True)
    jvs_template = Union(
        [Unicode(), CallableTrait()],
        help="""The snapshot or ref that new worktrees start from; empty: the head of main. A callable gets the spawner
        and returns it, so that groups may differ.""",
    ).tag(config=True)
    jvs_timeout = Float(
        60.0, min=1.0, help="Seconds that preparing the worktree may take before the spawn fails."
    ).tag(config=True)
    jvs_state_dir = Unicode(help="Where the secrets of the servers' locks lie, a private folder each.").tag(
        config=True
    )
    jvs_snapshot_on_stop = Bool(
        False, help="Take a snapshot when a server stopped and files changed since the last one."
    ).tag(config=True)
    jvs_archive_days = Integer(
        30, min=0, help="Days that what a deleted user had can be brought back; 0 keeps the worktree."
    ).tag(config=True)

    jvs_worktree = ""

    def jvs_person(self) -> Person:
        """Return whose server this is."""
        return person_of_spawner(self)

    def jvs_owner(self) -> tuple[Owner, tuple[int, ...]] | None:
        """Return the system user that the server runs as, with its groups; None: the hub's own."""
        return None

    def jvs_actor(self) -> str:
        """Return who the audit log names: who asked for it, so the admin who starts another's server."""
        handler = getattr(self, "handler", None)
        asked = getattr(handler, "current_user", None)
        return str(getattr(asked, "name", None) or self.user.name)  # type: ignore[attr-defined]

    async def run_pre_spawn_hook(self) -> None:
        """Make or find the worktree and take its lock, then run the configured hook.

        Raises SpawnException: 409 names who holds the lock, 507 says that there is no space.
        """
        await self._jvs_guarded(self._jvs_prepare())
        await maybe_future(super().run_pre_spawn_hook())  # type: ignore[misc]

    async def run_post_stop_hook(self) -> None:
        """Give the lock back, if the server could not, and take the snapshot asked for; then run the configured hook.

        Also runs when starting failed at any point; whatever was done before is left alone.
        """
        try:
            async with asyncio.timeout(self.jvs_timeout):
                await self._jvs_leave()
        except (Refused, JvsError, TimeoutError) as error:
            self.log.error("JVS: after %s stopped: %s", self.jvs_person(), error)  # type: ignore[attr-defined]
        await maybe_future(super().run_post_stop_hook())  # type: ignore[misc]

    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with its session and the folder of its secrets."""
        environment: dict[str, str] = super().get_env()  # type: ignore[misc]
        return {**environment, **self._jvs_seat().environment}

    def get_args(self) -> list[str]:
        """Return the server's arguments: it uses the repository around its folder, and holds the lock."""
        return [*super().get_args(), *SERVER_OPTIONS]  # type: ignore[misc]

    async def delete_forever(self) -> None:
        """Put the worktree away when the user or the named server is deleted."""
        if self.jvs_archive_days:
            try:
                await self._jvs_call(self._jvs_archive)
            except JvsError as error:
                self.log.error("JVS: %s is not archived: %s", self.jvs_person(), error)  # type: ignore[attr-defined]
        await maybe_future(super().delete_forever())  # type: ignore[misc]

    async def rename(self, old_name: str, new_name: str) -> None:
        """Let a named server that gets another name keep its worktree."""
        person = self.jvs_person()
        await self._jvs_guarded(
            self._jvs_call(
                self._jvs_rename,
                Person(person.user, old_name, person.identity),
                Person(person.user, new_name, person.identity),
            )
        )
        await maybe_future(super().rename(old_name, new_name))  # type: ignore[misc]

    async def _jvs_prepare(self) -> None:
        provided = await self._jvs_call(self._jvs_provide)
        assert provided.worktree is not None
        assert provided.path is not None
        seat = self._jvs_seat()
        await self._jvs_call(seat.prepare)
        await seat.take(provided.worktree)
        self.jvs_worktree = provided.worktree
        self.notebook_dir = str(provided.path).replace("{", "{{").replace("}", "}}")

    async def _jvs_leave(self) -> None:
        info = await self._jvs_call(self._jvs_find)
        seat = self._jvs_seat()
        if info is None or not seat.folder.is_dir():
            return
        await seat.give_back(info.name)
        if self.jvs_snapshot_on_stop:
            made = await seat.save(info.name, "server stopped", "hub-stop")
            if made is not None:
                self.log.info("JVS: snapshot %s of %s", made, info.name)  # type: ignore[attr-defined]

    def _jvs_provide(self) -> Provided:
        template = self.jvs_template(self) if callable(self.jvs_template) else self.jvs_template
        owner = self.jvs_owner()
        return provide(
            self._jvs_opened(),
            self.jvs_person(),
            template=template or None,
            owner=None if owner is None else owner[0],
        )

    def _jvs_find(self) -> WorktreeInfo | None:
        return find(self._jvs_opened(), self.jvs_person())

    def _jvs_archive(self) -> None:
        info = self._jvs_find()
        if info is not None:
            lifecycle.archive(self._jvs_opened(), self.jvs_person(), info, days=self.jvs_archive_days)

    def _jvs_rename(self, old: Person, new: Person) -> None:
        repository = self._jvs_opened()
        info = find(repository, old)
        if info is not None:
            lifecycle.hand_over(repository, info, new)

    def _jvs_opened(self) -> Repository:
        return Repository(Path(os.path.realpath(self.jvs_repository)), settings=as_admin(self.jvs_actor()))

    def _jvs_seat(self) -> Seat:
        owner = self.jvs_owner()
        state = self.jvs_state_dir or str(platformdirs.user_state_path("jvs-hub"))
        return Seat(
            self.jvs_person(),
            Path(os.path.realpath(self.jvs_repository)),
            Path(state),
            *(owner or (None, ())),
        )

    async def _jvs_call(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, partial(function, *args))

    async def _jvs_guarded(self, work: Any) -> None:
        """Run a step of a spawn within its time; what JVS refuses stops the spawn, with words for the spawn page."""
        try:
            async with asyncio.timeout(self.jvs_timeout):
                await work
        except TimeoutError:
            raise SpawnException(
                f"The workspace was not ready within {self.jvs_timeout:.0f} s.",
                reason="jvs_timeout",
                status_code=504,
            ) from None
        except (JvsError, Refused) as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise SpawnException(
                f"JVS: {error.message}{hint}",
                reason=error.code.lower(),
                status_code=status_for(error.code, error.exit_status),
            ) from error


class JvsLocalProcessSpawner(JvsSpawnerMixin, LocalProcessSpawner):  # type: ignore[misc]  # untyped
    """Servers as processes of the machine's own users, each the owner of its worktree.

    The hub runs as root; the repository is shared (``jvs init --shared``) by a group that the users are in.
    """

    def jvs_owner(self) -> tuple[Owner, tuple[int, ...]] | None:
        """Return the system user of the hub user's name, where the hub may become it."""
        if os.geteuid() != 0:
            return None
        owner = Owner.named(self.user.name)
        return owner, tuple(os.getgrouplist(self.user.name, owner.gid))


class JvsSimpleLocalProcessSpawner(JvsSpawnerMixin, SimpleLocalProcessSpawner):  # type: ignore[misc]  # untyped
    """Servers as processes of the hub's own user: for trying it out, with no wall between users."""
