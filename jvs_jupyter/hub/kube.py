"""A spawner for Kubernetes: the hub's pod sees no volume, so each user's pod makes its own worktree before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import List, Unicode, default

from jvs_jupyter.hub.identity import SERVER_OPTIONS, person_of_spawner
from jvs_jupyter.hub.names import Person, session_name, worktree_name
from jvs_jupyter.hub.within import TEMPLATE


class JvsKubeSpawner(KubeSpawner):  # type: ignore[misc]  # untyped
    """Servers as pods on a shared volume, JuiceFS as a rule; each opens in its user's worktree and holds its lock.

    Init containers run ``jvs hub provision`` for the one person, on the whole volume. With ``jvs_homes`` the server sees
    of that volume its user's home only; in a team's repository it sees all. The server takes the lock when it starts;
    while another has it, it says so in its log and every change names the holder.
    """

    init_containers: Any  # the base class's
    volume_mounts: Any
    jvs_repository = Unicode(
        help="The folder of the repository with the templates, or of a team's repository, as the pods see it."
    ).tag(config=True)
    jvs_homes = Unicode(
        help="""A folder with one repository for each user, as the init containers see it, on one of the volumes that
        the servers mount. A server sees nothing else of that volume."""
    ).tag(config=True)
    jvs_image = Unicode(
        help="The image of the init containers, which see the whole volume; empty: the server's, if no user chooses it."
    ).tag(config=True)
    jvs_template = Unicode(
        help="The snapshot or ref that new worktrees start from; empty: the head of main."
    ).tag(config=True)
    jvs_command = List(
        Unicode(), ["jvs"], help="The command that starts jvs in the image, which needs the extra hub."
    ).tag(config=True)

    @default("cmd")
    def _named_command(self) -> list[str]:
        return ["jupyterhub-singleuser"]  # to the image's own command the spawner passes no options

    def jvs_person(self) -> Person:
        """Return whose server this is."""
        return person_of_spawner(self)

    async def run_pre_spawn_hook(self) -> None:
        """Add the container that makes or finds the worktree, then run the configured hook."""
        person, home = self.jvs_person(), self.jvs_home()
        if person.server or not self.jvs_homes:
            self.notebook_dir = _literal(f"{home}/worktrees/{worktree_name(person)}")
        else:
            self.notebook_dir = _literal(f"{home}/main")
        others = [one for one in self.init_containers if not one.get("name", "").startswith("jvs-")]
        whole = _values(self.volume_mounts)
        if self.jvs_homes:
            self.volume_mounts = [self._narrowed(mount, home) for mount in whole]
        if not self._jvs_whole:
            self._jvs_whole = whole
        self.init_containers = [*others, *self.jvs_init_containers()]
        await maybe_future(super().run_pre_spawn_hook())

    _jvs_whole: tuple[dict[str, Any], ...] = ()

    def jvs_home(self) -> str:
        """Return the repository that the server works in."""
        if not self.jvs_homes:
            return str(self.jvs_repository)
        user = replace(self.jvs_person(), server="")
        return f"{self.jvs_homes}/{worktree_name(user)}"

    def jvs_init_containers(self) -> list[dict[str, Any]]:
        """Return the containers that provide the person's home and worktree; every word of them is taken as it is."""
        person = self.jvs_person()
        who = (f"--user={person.user}", f"--identity={person.identity}")
        server = f"--server={person.server}"
        template = ("--template", self.jvs_template) if self.jvs_template else ()
        if not self.jvs_homes:
            return [self._container("jvs-provision", self.jvs_repository, *who, server, *template)]
        where = ("--homes", self.jvs_homes)
        made = [self._container("jvs-provision", self.jvs_repository, *who, *where, *template)]
        if person.server:
            made.append(
                self._container("jvs-worktree", self.jvs_home(), *who, server, "--template", TEMPLATE)
            )
        return made

    def _container(self, name: str, repository: str, *options: str) -> dict[str, Any]:
        words = ("--repo", repository, "hub", "provision", *options)
        return {
            "name": name,
            "image": self.jvs_image or self.image,
            "command": list(self.jvs_command),
            "args": [_literal(word).replace("$", "$$") for word in words],
            "volumeMounts": list(self._jvs_whole),
        }

    def _narrowed(self, mount: dict[str, Any], home: str) -> dict[str, Any]:
        """Return a mount of the volume that the homes lie on as that of the one home; others stay as they are."""
        inside, place = PurePosixPath(home), PurePosixPath(mount["mountPath"])
        if place == inside or not inside.is_relative_to(place):
            return mount
        below = PurePosixPath(mount.get("subPath", "")) / inside.relative_to(place)
        return {**mount, "mountPath": home, "subPath": str(below)}

    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with its session."""
        return {**super().get_env(), "JVS_SESSION": session_name(self.jvs_person())}

    def get_args(self) -> list[str]:
        """Return the server's arguments: it uses the repository around its folder, and holds the lock."""
        return [*super().get_args(), *SERVER_OPTIONS]


def _values(mounts: Any) -> tuple[dict[str, Any], ...]:
    return tuple(mounts[key] for key in sorted(mounts)) if isinstance(mounts, dict) else tuple(mounts)


def _literal(text: str) -> str:
    """Return text that the spawner's own templates leave as it is."""
    return text.replace("{", "{{").replace("}", "}}")
