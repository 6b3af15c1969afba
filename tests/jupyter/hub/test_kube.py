"""The pod that Kubernetes gets: an init container for the one person, the server in its worktree."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.objects import Hub, Server
from traitlets.config import Config

from jvs_core import Repository
from jvs_jupyter.hub import JvsKubeSpawner
from jvs_jupyter.hub.names import Person, session_name, worktree_name
from tests.jupyter.hub import chart

VALUES = Path(__file__).parents[3] / "docs" / "guides" / "hub-values.yaml"
HOSTILE = "{username}$(HOME) --repo"


class User(SimpleNamespace):
    """As much of the hub's user as the spawner asks for."""

    async def get_auth_state(self) -> None:
        """Have none."""


def spawner(name: str, homes: str = "", server: str = "") -> Any:
    config = Config()
    config.JvsKubeSpawner.jvs_homes = homes
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
        orm_spawner=SimpleNamespace(name=server, server=None, user_options={}),
        api_token="t",
        oauth_client_id="c",
    )


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask no cluster: the pod is made, not started."""
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)


async def pod(name: str, homes: str = "", server: str = "") -> tuple[Any, Person]:
    made = spawner(name, homes, server)
    await made.run_pre_spawn_hook()
    await made.run_pre_spawn_hook()  # a second attempt adds no second container
    manifest = await made.get_pod_manifest()
    return manifest, Person(name, server, "7@2026-01-02T00:00:00")


def test_an_init_container_provides_for_the_one_person() -> None:
    manifest, person = asyncio.run(pod("ann"))
    other, container = manifest.spec.init_containers
    assert (other.name, container.name, container.image) == ("other", "jvs-provision", "hub/image:1")
    assert container.command == ["jvs"]
    assert container.args[:4] == ["--repo", "/jvs/team", "hub", "provision"]
    assert container.args[4:] == [
        "--user=ann",
        f"--identity={person.identity}",
        "--server=",
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


def test_a_server_sees_of_the_homes_its_users_alone() -> None:
    manifest, person = asyncio.run(pod("ann", "/jvs/homes"))
    home = worktree_name(person)
    (server,) = manifest.spec.containers
    seen = [(mount.name, mount.mount_path, mount.sub_path) for mount in server.volume_mounts]
    assert seen == [("jvs", f"/jvs/homes/{home}", f"homes/{home}")]
    _, container = manifest.spec.init_containers
    assert container.volume_mounts == [{"name": "jvs", "mountPath": "/jvs"}]
    assert container.args[:4] == ["--repo", "/jvs/team", "hub", "provision"]
    assert container.args[-4:] == ["--homes", "/jvs/homes", "--template", "template-1"]
    environment = {one.name: one.value for one in server.env}
    assert environment["JUPYTERHUB_ROOT_DIR"] == f"/jvs/homes/{home}/main"


def test_a_named_server_has_a_worktree_in_its_users_home() -> None:
    manifest, person = asyncio.run(pod("ann", "/jvs/homes", "gpu"))
    home = worktree_name(Person("ann", "", person.identity))
    _, first, second = manifest.spec.init_containers
    assert (first.name, second.name) == ("jvs-provision", "jvs-worktree")
    assert second.args[:2] == ["--repo", f"/jvs/homes/{home}"]
    assert second.args[-3:] == ["--server=gpu", "--template", "template"]
    (server,) = manifest.spec.containers
    assert [mount.mount_path for mount in server.volume_mounts] == [f"/jvs/homes/{home}"]
    environment = {one.name: one.value for one in server.env}
    assert environment["JUPYTERHUB_ROOT_DIR"] == f"/jvs/homes/{home}/worktrees/{worktree_name(person)}"


def test_what_the_init_containers_are_told_makes_the_folder_that_the_server_opens(
    team: Repository, tmp_path: Path
) -> None:
    """The very words of the containers, run here on the volume's place."""
    for server in ("", "gpu"):
        manifest, _ = asyncio.run(pod(HOSTILE, "/jvs/homes", server))
        (tmp_path / "homes").mkdir(exist_ok=True)
        for container in manifest.spec.init_containers[1:]:
            words = [word.replace("$$", "$") for word in container.args]
            words = [re.sub(r"^/jvs/", f"{tmp_path}/", word) for word in words]
            subprocess.run(
                [sys.executable, "-m", "jvs_core.cli", *words], check=True, stdout=subprocess.DEVNULL
            )
        environment = {one.name: one.value for one in manifest.spec.containers[0].env}
        assert (
            Path(environment["JUPYTERHUB_ROOT_DIR"].replace("/jvs/", f"{tmp_path}/")) / "notes.txt"
        ).exists()


def test_the_chart_accepts_the_guides_values_and_refuses_others() -> None:
    values = yaml.safe_load(VALUES.read_text())
    jsonschema.Draft7Validator.check_schema(chart.VALUES)
    jsonschema.validate(values, chart.VALUES)
    for place, name in (
        (values, "singleUser"),
        (values["singleuser"], "fsGID"),
        (values["singleuser"]["storage"], "volumes"),
    ):
        place[name] = 7
        with pytest.raises(jsonschema.ValidationError, match=name):
            jsonschema.validate(values, chart.VALUES)
        del place[name]


def test_the_guides_values_are_settings_that_the_spawner_has() -> None:
    values = yaml.safe_load(VALUES.read_text())
    classes = {"JupyterHub": JupyterHub, "JvsKubeSpawner": JvsKubeSpawner}
    for name, settings in values["hub"]["config"].items():
        assert set(settings) <= set(classes[name].class_traits(config=True)), name
    storage = values["singleuser"]["storage"]
    config = Config(
        {"KubeSpawner": {"volumes": storage["extraVolumes"], "volume_mounts": storage["extraVolumeMounts"]}}
    )
    config.JvsKubeSpawner = Config(values["hub"]["config"]["JvsKubeSpawner"])

    async def made() -> Any:
        return JvsKubeSpawner(_mock=True, config=config)

    assert asyncio.run(made()).volume_mounts == storage["extraVolumeMounts"]
    homes = Path(values["hub"]["config"]["JvsKubeSpawner"]["jvs_homes"])
    assert any(homes.is_relative_to(mount["mountPath"]) for mount in storage["extraVolumeMounts"])
    named = {volume["name"] for volume in storage["extraVolumes"]}
    assert {mount["name"] for mount in storage["extraVolumeMounts"]} <= named
