"""A spawner for Kubernetes: the hub's pod sees no volume, so each user's pod makes its own worktree before it starts."""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner
from traitlets import List, Unicode, default

from jvs_jupyter.hub.identity import SERVER_OPTIONS, person_of_spawner
from jvs_jupyter.hub.names import Person, session_name, worktree_name


class JvsKubeSpawner(KubeSpawner):  # type: ignore[misc]  # untyped
    """Servers as pods on a shared volume, JuiceFS as a rule; each opens in its user's worktree and holds its lock.

    An init container with the server's image and mounts runs ``jvs hub provision`` for the one person. The server
    takes the lock when it starts; while another has it, it says so in its log and every change names the holder.
    """

    init_containers: Any  # the base class's
    jvs_repository = Unicode(help="The folder of the team's JVS repository, as the pods see it.").tag(
        config=True
    )
    jvs_template = Unicode(
        help="The snapshot or ref that new worktrees start from; empty: the head of main."
    ).tag(config=True)
    jvs_command = List(
        Unicode(), ["jvs"], help="How the image starts jvs, which needs the extra hub in it."
    ).tag(config=True)

    @default("cmd")
    def _named_command(self) -> list[str]:
        return ["jupyterhub-singleuser"]  # to the image's own command the spawner passes no options

    def jvs_person(self) -> Person:
        """Return whose server this is."""
        return person_of_spawner(self)

    async def run_pre_spawn_hook(self) -> None:
        """Add the container that makes or finds the worktree, then run the configured hook."""
        person = self.jvs_person()
        folder = f"{self.jvs_repository}/worktrees/{worktree_name(person)}"
        self.notebook_dir = _literal(folder)
        others = [one for one in self.init_containers if one.get("name") != "jvs-provision"]
        self.init_containers = [*others, self.jvs_init_container()]
        await maybe_future(super().run_pre_spawn_hook())

    def jvs_init_container(self) -> dict[str, Any]:
        """Return the container that provides the person's worktree; every word of it is taken as it is."""
        person = self.jvs_person()
        template = ["--template", self.jvs_template] if self.jvs_template else []
        words = [
            "--repo", self.jvs_repository, "hub", "provision",
            f"--user={person.user}", f"--server={person.server}", f"--identity={person.identity}",
            *template,
        ]  # fmt: skip
        return {
            "name": "jvs-provision",
            "image": self.image,
            "command": list(self.jvs_command),
            "args": [_literal(word).replace("$", "$$") for word in words],
            "volumeMounts": list(self.volume_mounts),
        }

    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with its session."""
        return {**super().get_env(), "JVS_SESSION": session_name(self.jvs_person())}

    def get_args(self) -> list[str]:
        """Return the server's arguments: it uses the repository around its folder, and holds the lock."""
        return [*super().get_args(), *SERVER_OPTIONS]


def _literal(text: str) -> str:
    """Return text that the spawner's own templates leave as it is."""
    return text.replace("{", "{{").replace("}", "}}")
