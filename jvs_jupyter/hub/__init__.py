"""JVS on JupyterHub: a worktree for every user and named server, its lock held by the server that runs there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jvs_jupyter.hub.kube import JvsKubeSpawner
    from jvs_jupyter.hub.spawner import JvsLocalProcessSpawner, JvsSimpleLocalProcessSpawner
    from jvs_jupyter.hub.spawner_mixin import JvsSpawnerMixin

__all__ = ["JvsKubeSpawner", "JvsLocalProcessSpawner", "JvsSimpleLocalProcessSpawner", "JvsSpawnerMixin"]

_HOMES = {
    **dict.fromkeys(__all__, "jvs_jupyter.hub.spawner"),
    "JvsKubeSpawner": "jvs_jupyter.hub.kube",
    "JvsSpawnerMixin": "jvs_jupyter.hub.spawner_mixin",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jvs_jupyter.hub' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
