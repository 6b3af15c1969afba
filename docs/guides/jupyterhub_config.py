"""A hub on one machine whose users each have a versioned home: ``jupyterhub -f jupyterhub_config.py``.

Start it in a folder that holds the repository ``course`` (``jvs init course --from ~/course-material``, then
``jvs snapshot "first" --lock`` in its ``main``), or say where that is in JVS_HUB_REPOSITORY. JVS_HUB_HOMES says where
the homes go; empty, the users share the repository, a worktree for each.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub defines it

repository = Path(os.environ.get("JVS_HUB_REPOSITORY", "course")).resolve()
homes = os.environ.get("JVS_HUB_HOMES", str(repository.parent / "homes"))

# Real system users when root starts the hub, each the owner of its worktree; the hub's own user otherwise.
c.JupyterHub.spawner_class = (
    "jvs_jupyter.hub.JvsLocalProcessSpawner"
    if os.geteuid() == 0
    else "jvs_jupyter.hub.JvsSimpleLocalProcessSpawner"
)
c.JvsSpawnerMixin.jvs_repository = str(repository)
c.JvsSpawnerMixin.jvs_template = os.environ.get("JVS_HUB_TEMPLATE", "")  # the newest snapshot
if homes:
    Path(homes).mkdir(mode=0o711, exist_ok=True)
    c.JvsSpawnerMixin.jvs_homes = homes
c.JvsSpawnerMixin.jvs_snapshot_on_stop = True
c.JvsSpawnerMixin.jvs_archive_days = 30
c.JvsSpawnerMixin.jvs_state_dir = str(repository.parent / "hub-state")
c.SimpleLocalProcessSpawner.home_dir_template = str(repository.parent / "desks" / "{username}")

c.JupyterHub.allow_named_servers = True
c.JupyterHub.cleanup_servers = False  # servers, and the locks they hold, outlive a restart of the hub
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# The page for admins. They need neither a server nor an account on the machine: that page is where they arrive.
c.JupyterHub.services = [
    {
        "name": "jvs",
        "url": "http://127.0.0.1:9181",
        "command": [sys.executable, "-m", "jvs_core.cli", "--repo", str(repository), "hub", "serve"]
        + (["--homes", homes] if homes else []),
        "oauth_no_confirm": True,
    }
]


def arrive(handler):
    """Lead admins without a server to their page, and everybody else to their server."""
    user = handler.current_user
    service = handler.services["jvs"]
    return service.host + service.prefix if user and user.admin and not user.active else ""


c.JupyterHub.default_url = arrive

# For trying it out: any name, one password. Put your own authenticator here.
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ.get("JVS_HUB_PASSWORD", "change me")
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
