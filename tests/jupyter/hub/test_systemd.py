"""SystemdSpawner and The Littlest JupyterHub as the guide configures them: the real spawner class, to the words of systemd-run."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import systemdspawner
from jupyterhub.objects import Hub, Server
from traitlets.config import Config

from jvs_core import Repository
from jvs_jupyter.hub.ownership import Owner
from tests.jupyter.hub.conftest import make_team

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "jupyterhub.md").read_text()


def block(words: str) -> str:
    """Return the block of the guide that has these words in it."""
    (found,) = [
        one
        for one in re.findall(r"^```python[^\n]*\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)
        if words in one
    ]
    return str(found)


class User(SimpleNamespace):
    """As much of the hub's user as a spawner asks for."""

    async def get_auth_state(self) -> None:
        """Have none."""


def spawner(made: Any, config: Config) -> Any:
    row = SimpleNamespace(id=7, created=datetime(2026, 1, 2))  # noqa: DTZ001 - as the hub's database has it
    user = User(name="ann", orm_user=row, url="/user/ann", escaped_name="ann", server=Server(), id=7)
    user.groups, user.encrypted_auth_state, user.admin = [], None, False
    return made(
        config=config,
        hub=Hub(public_host="", base_url="/hub/"),
        user=user,
        orm_spawner=SimpleNamespace(name="", server=None, user_options={}, state={}),
        api_token="t",
        oauth_client_id="c",
    )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what systemd-run would be told."""
    told: dict[str, Any] = {}

    async def start(unit: str, **words: Any) -> None:
        told.update(words, unit=unit)

    async def no(_unit: str) -> bool:
        return False

    async def running(_unit: str) -> bool:
        return bool(told)

    systemd = systemdspawner.systemdspawner.systemd
    monkeypatch.setattr(systemd, "start_transient_service", start)
    monkeypatch.setattr(systemd, "service_running", running)
    monkeypatch.setattr(systemd, "service_failed", no)
    monkeypatch.setattr(systemd, "get_systemd_version", lambda: 252)
    return told


def configured(text: str, place: Path) -> Config:
    """Run the guide's configuration with other folders, and return it."""
    config = Config()
    exec(compile(text.replace("/srv/", f"{place}/"), "guide", "exec"), {"c": config})
    config.JvsSpawnerMixin.jvs_repository = str(place / "team")
    (place / "homes").mkdir(exist_ok=True)
    return config


def started(made: Any, config: Config) -> Any:
    one = spawner(made, config)

    async def start() -> None:
        await one.run_pre_spawn_hook()
        await one.start()

    asyncio.run(start())
    return one


def check(said: dict[str, Any], place: Path) -> None:
    assert said["args"][-2:] == ["--JvsServer.enclosing_repository=True", "--JvsServer.hold_lock=True"]
    environment = said["environment_variables"]
    folder = Path(environment["JUPYTERHUB_ROOT_DIR"])
    assert folder.parent.parent == place / "homes"
    assert (folder / "notes.txt").exists()
    home = Repository.open(folder)
    assert home.locks.status("main").state == "held"
    assert Path(environment["JVS_STATE_DIR"]).parent == place / "hub-state"
    assert environment["JVS_SESSION"].startswith("hub-")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Let every system user be this one, which the hub need not become."""
    import pwd

    me = pwd.getpwuid(os.geteuid())
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: me)
    return Owner(me.pw_uid, me.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="the hub of this guide is root's")
def test_systemdspawner_as_the_guide_configures_it(
    said: dict[str, Any], nobody: Owner, tmp_path: Path
) -> None:
    make_team(tmp_path)
    config = configured(block("from systemdspawner import SystemdSpawner"), tmp_path)
    started(config.JupyterHub.spawner_class, config)
    assert said["uid"] == nobody.uid
    check(said, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="the hub of this guide is root's")
def test_the_littlest_jupyterhub_has_its_users_before_their_homes(
    said: dict[str, Any], nobody: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLJH is in no package: its two modules are as its source has them, over the real SystemdSpawner."""
    made: list[str] = []

    class UserCreatingSpawner(systemdspawner.SystemdSpawner):  # type: ignore[misc]  # untyped
        def start(self) -> Any:
            assert made, "the home was made before its user"
            self.username_template = made[-1]
            return super().start()

    modules = {
        name: ModuleType(name)
        for name in ("tljh", "tljh.user", "tljh.normalize", "tljh.user_creating_spawner")
    }
    modules["tljh.user"].ensure_user = made.append  # type: ignore[attr-defined]
    modules["tljh.normalize"].generate_system_username = lambda name: name  # type: ignore[attr-defined]
    modules["tljh.user_creating_spawner"].UserCreatingSpawner = UserCreatingSpawner  # type: ignore[attr-defined]
    modules["tljh"].user = modules["tljh.user"]  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    make_team(tmp_path)
    config = configured(block("from tljh.user_creating_spawner"), tmp_path)
    started(config.JupyterHub.spawner_class, config)
    assert set(made) == {"jupyter-ann"}
    assert said["uid"] == nobody.uid
    check(said, tmp_path)
