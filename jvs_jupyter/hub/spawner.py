"""Spawners of local processes whose servers open in a versioned worktree of their own."""

from __future__ import annotations

import os
from dataclasses import replace

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner
from traitlets import default

from jvs_jupyter.hub.names import worktree_name
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.spawner_mixin import JvsSpawnerMixin


class JvsLocalProcessSpawner(JvsSpawnerMixin, LocalProcessSpawner):  # type: ignore[misc]  # untyped
    """Servers as processes of the machine's own users, each the owner of its worktree.

    The hub runs as root. With ``jvs_homes`` each has a repository of their own; without, ``jvs_repository`` is shared (``jvs
    init --shared``) by a group that the users are in.
    """

    def jvs_owner(self) -> tuple[Owner, tuple[int, ...]] | None:
        """Return the system user of the hub user's name, where the hub may become it."""
        if os.geteuid() != 0:
            return None
        owner = Owner.named(self.user.name)
        return owner, tuple(owner.groups)


class JvsSimpleLocalProcessSpawner(JvsSpawnerMixin, SimpleLocalProcessSpawner):  # type: ignore[misc]  # untyped
    """Servers as processes of the hub's own user: for trying it out, with no wall between users.

    In ``home_dir_template`` stands a name that is safe as a folder's, whatever the user is called.
    """

    @default("home_dir")
    def _safe_home_dir(self) -> str:
        person = self.jvs_person()
        return str(self.home_dir_template.format(username=worktree_name(replace(person, server=""))))
