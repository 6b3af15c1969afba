"""What gives a spawner's servers a versioned worktree of their own, and holds its lock while they run."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from jupyterhub.utils import maybe_future
from traitlets import Bool, Dict, Float, Integer, TraitError, Unicode, Union, validate
from traitlets import Callable as CallableTrait
from traitlets.config import Configurable

from jvs_core import InputError, JvsError, Repository, TimelineConfig
from jvs_jupyter.hub import homes, lifecycle
from jvs_jupyter.hub.command import Refused
from jvs_jupyter.hub.identity import SERVER_OPTIONS, WITHOUT_LOCK, person_of_spawner, without_lock
from jvs_jupyter.hub.making import TEMPLATE
from jvs_jupyter.hub.names import Person, digest
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.provision import Provided, as_admin, find, provide, provide_as
from jvs_jupyter.hub.quota import Quota
from jvs_jupyter.hub.refusal import refusal, too_slow
from jvs_jupyter.hub.team import Team
from jvs_jupyter.hub.turns import Turns
from jvs_jupyter.hub.user_session import UserSession

T = TypeVar("T")
_TURNS = Turns()


class JvsSpawnerMixin(Configurable):
    """Give every server of a spawner a worktree of ``jvs_repository``, cloned from a template at the first start.

    Mix it in before a spawner whose servers run where the hub can reach the repository's file system. Nothing is
    kept in the spawner's state: everything follows from the user and the configuration, so hub and server may die in
    any order.
    """

    jvs_repository = Unicode(help="The folder of the JVS repository that holds the templates.").tag(
        config=True
    )
    jvs_homes = Unicode(
        help="""A folder with one repository for each user, made from a template of jvs_repository. Use it for users
        who must not reach each other. Empty: a worktree in jvs_repository for each user. Only the hub may write to
        the folder."""
    ).tag(config=True)
    jvs_template = Union(
        [Unicode(), CallableTrait()],
        help="""The snapshot or ref that new worktrees start from. Empty: the newest snapshot of main. A callable gets
        the spawner and returns it, so that groups can differ.""",
    ).tag(config=True)
    jvs_timeout = Float(
        60.0, min=1.0, help="The number of seconds for preparing the worktree; after that, the spawn fails."
    ).tag(config=True)
    jvs_state_dir = Unicode(
        help="""The folder for the secrets of the servers' locks, with a private folder for each user. All users must
        be able to traverse it. Default: /var/lib/jvs-hub for system users, the state folder of the hub's own user
        otherwise."""
    ).tag(config=True)
    jvs_snapshot_on_stop = Bool(
        False, help="Take a snapshot after a server stopped, if files changed since the last one."
    ).tag(config=True)
    jvs_archive_days = Integer(
        30,
        min=0,
        help="The number of days for which you can bring back what a deleted user had; 0 keeps the worktree.",
    ).tag(config=True)

    jvs_quota_gib = Union(
        [Integer(None, allow_none=True, min=0), CallableTrait()],
        default_value=None,
        help="""The quota of a user's home in GiB, on btrfs, XFS and JuiceFS. A higher quota applies from the next
        start. 0 removes a limit, None leaves an existing one alone. A callable gets the spawner and returns it, so
        that users can differ.""",
    ).tag(config=True)
    jvs_quota_files = Integer(
        0, min=0, help="The number of files that a home may hold, on XFS and JuiceFS; 0 is no limit."
    ).tag(config=True)
    jvs_quota_metadata = Unicode(
        help="On JuiceFS: the address of the volume's metadata engine. In a team's repository each worktree has the quota."
    ).tag(config=True)

    jvs_timeline = Dict(
        help="""The automatic history of all users, with the keys of [timeline] in config.toml. It overrides what a repository says: {"enabled": False} for none, {"every_s": 600, "keep": ["1d:all", "30d:1d"]}. Empty leaves it to each repository."""
    ).tag(config=True)

    jvs_worktree = ""
    _jvs_without_lock: str | None = None

    @validate("jvs_timeline")
    def _jvs_understood(self, proposed: Any) -> Any:
        try:
            TimelineConfig.model_validate(proposed["value"])
        except ValueError as error:
            raise TraitError(f"jvs_timeline is not understood: {error}") from error
        return proposed["value"]

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
        told = {} if self._jvs_without_lock is None else {WITHOUT_LOCK: self._jvs_without_lock}
        policy = {"JVS_TIMELINE": json.dumps(self.jvs_timeline)} if self.jvs_timeline else {}
        return {**environment, **self._jvs_session().environment, **policy, **told}

    def get_args(self) -> list[str]:
        """Return the server's arguments: it uses the repository around its folder, and holds the lock."""
        return [*super().get_args(), *SERVER_OPTIONS]  # type: ignore[misc]

    async def delete_forever(self) -> None:
        """Put the worktree away when the user or the named server is deleted."""
        if self.jvs_archive_days:
            try:
                async with asyncio.timeout(self.jvs_timeout):
                    await self._jvs_put_away()
            except (Refused, JvsError, TimeoutError) as error:
                self.log.error("JVS could not archive %s: %s", self.jvs_person(), error)  # type: ignore[attr-defined]
        await maybe_future(super().delete_forever())  # type: ignore[misc]

    async def rename(self, old_name: str, new_name: str) -> None:
        """Let a named server that gets another name keep its worktree."""
        await self._jvs_guarded(self._jvs_rename(old_name, new_name))
        await maybe_future(super().rename(old_name, new_name))  # type: ignore[misc]

    async def _jvs_prepare(self) -> None:
        session = self._jvs_session()
        await self._jvs_call(session.prepare)
        if self.jvs_homes:
            home = await self._jvs_call(self._jvs_make_home)
            await self._jvs_call(self._jvs_limit, home)
            session = replace(session, repository=home)
            worktree, path = await self._jvs_settle(session)
        else:
            provided = await self._jvs_call(self._jvs_provide)
            worktree, path = str(provided.worktree), str(provided.path)
            await self._jvs_call(self._jvs_limit, Path(path))
        await self._jvs_take(session, worktree)
        self.jvs_worktree = worktree
        self.notebook_dir = path.replace("{", "{{").replace("}", "}}")

    async def _jvs_take(self, session: UserSession, worktree: str) -> None:
        """Take the lock for the server; without space it starts without, so that its user can make some, and is told."""
        self._jvs_without_lock = None
        try:
            await session.take(worktree)
        except Refused as refused:
            if refused.code != "E_NO_SPACE":
                raise
            self._jvs_without_lock = without_lock(refused)
            self.log.warning(  # type: ignore[attr-defined]
                "JVS: %s starts without the lock of its worktree: %s", self.jvs_person().user, refused
            )

    async def _jvs_settle(self, session: UserSession) -> tuple[str, str]:
        """Return worktree and folder in the user's own repository: ``main``, or a named server's, with their rights."""
        person = self.jvs_person()
        if not person.server:
            return "main", str(session.repository / "main")
        return await self._jvs_settle_named(session, person)

    async def _jvs_settle_named(self, session: UserSession, person: Person, *more: str) -> tuple[str, str]:
        who = (f"--user={person.user}", f"--server={person.server}", f"--identity={person.identity}")
        (made,) = await session.run("main", "hub", "provision", *who, "--template", TEMPLATE, *more)
        return made["worktree"], made["path"]

    async def _jvs_leave(self) -> None:
        session, worktree = await self._jvs_find()
        if worktree is None or not session.folder.is_dir():
            return
        await session.give_back(worktree)
        if self.jvs_snapshot_on_stop:
            made = await session.save(worktree, "server stopped", "hub-stop")
            if made is not None:
                self.log.info("JVS: snapshot %s of %s", made, worktree)  # type: ignore[attr-defined]

    def _jvs_provide(self) -> Provided:
        owner, team = self.jvs_owner(), self._jvs_team()
        person, wanted = self.jvs_person(), self._jvs_wanted()
        if team is not None and owner is not None:
            return provide_as(owner[0], team.root, person, template=wanted, actor=team.actor)
        repository = self._jvs_opened()
        return provide(repository, person, template=wanted, owner=None if owner is None else owner[0])

    def _jvs_make_home(self) -> Path:
        owner = self.jvs_owner()
        return homes.make_home(
            Path(os.path.realpath(self.jvs_homes)),
            self._jvs_opened(),
            self.jvs_person(),
            template=self._jvs_wanted(),
            owner=None if owner is None else owner[0],
        )

    def _jvs_wanted(self) -> str | None:
        return (self.jvs_template(self) if callable(self.jvs_template) else self.jvs_template) or None

    def _jvs_limit(self, folder: Path) -> None:
        gib = self.jvs_quota_gib(self) if callable(self.jvs_quota_gib) else self.jvs_quota_gib
        if gib is None and not self.jvs_quota_files:
            return
        owner = self.jvs_owner() if self.jvs_homes else None
        Quota(gib or 0, self.jvs_quota_files, self.jvs_quota_metadata).apply(
            folder, None if owner is None else owner[0]
        )

    async def _jvs_find(self) -> tuple[UserSession, str | None]:
        """Return the server's session in its repository, and its worktree there, None when there is none; changes nothing."""
        person, session = self.jvs_person(), self._jvs_session()
        if not self.jvs_homes:
            return session, await self._jvs_call(self._jvs_named, person)
        home = await self._jvs_call(homes.find_home, Path(self.jvs_homes), person)
        if home is None:
            return session, None
        session = replace(session, repository=home)
        if not person.server:
            return session, "main"
        end = f"-{digest(person)}"
        names = [row["name"] for row in await session.run("main", "worktree", "list")]
        return session, next((name for name in names if name.endswith(end)), None)

    async def _jvs_put_away(self) -> None:
        person = self.jvs_person()
        if not self.jvs_homes:
            await self._jvs_call(self._jvs_archive)
            return
        session, worktree = await self._jvs_find()
        if worktree is None:
            return
        if person.server:
            await self._jvs_call(session.prepare)
            which = (f"--server={person.server}", f"--days={self.jvs_archive_days}")
            await session.run("main", "hub", "archive", *which, "--", person.user)
        else:
            await self._jvs_call(homes.archive_home, session.repository.parent, session.repository)

    def _jvs_named(self, person: Person) -> str | None:
        team = self._jvs_team()
        if team is not None:
            return team.find(person)
        info = find(self._jvs_opened(), person)
        return None if info is None else info.name

    def _jvs_archive(self) -> None:
        person, team = self.jvs_person(), self._jvs_team()
        if team is not None:
            team.put_away(person, days=self.jvs_archive_days)
            return
        info = find(self._jvs_opened(), person)
        if info is not None:
            lifecycle.archive(self._jvs_opened(), person, info, days=self.jvs_archive_days)

    async def _jvs_rename(self, old_name: str, new_name: str) -> None:
        person = self.jvs_person()
        old, new = replace(person, server=old_name), replace(person, server=new_name)
        if not self.jvs_homes:
            await self._jvs_call(self._jvs_hand_over, old, new)
            return
        if not old_name:
            raise InputError("in a user's own repository the default server keeps its name")
        session, _ = await self._jvs_find()
        if session.repository != self._jvs_session().repository:
            await self._jvs_call(session.prepare)
            await self._jvs_settle_named(session, new, f"--was={old_name}")

    def _jvs_hand_over(self, old: Person, new: Person) -> None:
        team = self._jvs_team()
        if team is not None:
            team.hand_over(old, new)
            return
        repository = self._jvs_opened()
        info = find(repository, old)
        if info is not None:
            lifecycle.hand_over(repository, info, new)

    def _jvs_team(self) -> Team | None:
        """Return the repository where others than root can write to it, which root then does not read."""
        return Team.around(Path(os.path.realpath(self.jvs_repository)), self.jvs_actor())

    def _jvs_opened(self) -> Repository:
        team = self._jvs_team()
        if team is not None:
            raise InputError(
                f"others can write to the repository {team.root}; root does not work in such a repository",
                hint="for homes, use a template repository that only root can write; for a team, use system users",
            )
        return Repository(Path(os.path.realpath(self.jvs_repository)), settings=as_admin(self.jvs_actor()))

    def _jvs_session(self) -> UserSession:
        owner = self.jvs_owner()
        private = "/var/lib/jvs-hub" if owner else str(platformdirs.user_state_path("jvs-hub"))
        state = self.jvs_state_dir or private
        return UserSession(
            self.jvs_person(),
            Path(os.path.realpath(self.jvs_repository)),
            Path(state),
            *(owner or (None, ())),
        )

    async def _jvs_call(self, function: Callable[..., T], *args: Any) -> T:
        return await _TURNS.call(str(self.user.name), function, *args)  # type: ignore[attr-defined]

    async def _jvs_guarded(self, work: Any) -> None:
        """Run a step of a spawn within its time; what JVS refuses stops the spawn, with words for the spawn page."""
        try:
            async with asyncio.timeout(self.jvs_timeout):
                await work
        except TimeoutError:
            raise too_slow(self.jvs_timeout) from None
        except (JvsError, Refused) as error:
            raise refusal(error) from error
