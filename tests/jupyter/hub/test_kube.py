"""The pod that Kubernetes gets: an init container for the one person, the server in its worktree."""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.objects import Hub, Server
from traitlets.config import Config

from jvs_jupyter.hub import JvsKubeSpawner
from jvs_jupyter.hub.names import Person, session_name, worktree_name

HOSTILE = "{username}$(HOME) --repo"


class User(SimpleNamespace):
    """As much of the hub's user as the spawner asks for."""

    async def get_auth_state(self) -> None:
        """Have none."""


def spawner(name: str) -> Any:
    config = Config()
    config.JvsKubeSpawner.jvs_repository = "/jvs/team"
    config.JvsKubeSpawner.jvs_template = "template-1"
    config.KubeSpawner.image = "hub/image:1"
    config.KubeSpawner.volume_mounts = [{"name": "jvs", "mountPath": "/jvs"}]
    config.KubeSpawner.init_containers = [{"name": "other", "image": "busybox"}]
    row = SimpleNamespace(id=7, created=datetime(2026, 1, 2))  # noqa: DTZ001 - as the hub's database has it
    user = User(name=name, orm_user=row, url="/user/x", escaped_name="x", server=Server(), id=7)
    user.groups, user.encrypted_auth_state, user.admin = [], None, False
    return JvsKubeSpawner(
        _mock=True,
        config=config,
        hub=Hub(public_host="", base_url="/hub/"),
        user=user,
        orm_spawner=SimpleNamespace(name="", server=None, user_options={}),
        api_token="t",
        oauth_client_id="c",
    )


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no cluster: the pod is made, not started."""
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)


async def pod(name: str) -> tuple[Any, Person]:
    made = spawner(name)
    await made.run_pre_spawn_hook()
    await made.run_pre_spawn_hook()  # a second attempt adds no second container
    manifest = await made.get_pod_manifest()
    return manifest, Person(name, "", "7@2026-01-02T00:00:00")


def test_an_init_container_provides_for_the_one_person() -> None:
    manifest, person = asyncio.run(pod("ann"))
    other, container = manifest.spec.init_containers
    assert (other.name, container.name, container.image) == ("other", "jvs-provision", "hub/image:1")
    assert container.command == ["jvs"]
    assert container.args[:4] == ["--repo", "/jvs/team", "hub", "provision"]
    assert container.args[4:] == [
        "--user=ann",
        "--server=",
        f"--identity={person.identity}",
        "--template",
        "template-1",
    ]
    assert container.volume_mounts == [{"name": "jvs", "mountPath": "/jvs"}]
    (server,) = manifest.spec.containers
    environment = {one.name: one.value for one in server.env}
    assert environment["JVS_SESSION"] == session_name(person)
    assert environment["JUPYTERHUB_ROOT_DIR"] == f"/jvs/team/worktrees/{worktree_name(person)}"
    assert "--JvsServer.hold_lock=True" in server.args


def test_a_hostile_name_is_one_word() -> None:
    manifest, _ = asyncio.run(pod(HOSTILE))
    words = manifest.spec.init_containers[1].args
    assert words[4] == "--user=" + HOSTILE.replace("$", "$$")  # Kubernetes reads "$$" as "$"
