"""One policy of automatic history for all users of a hub."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from traitlets import TraitError

from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.spawner_mixin import JvsSpawnerMixin


class Plain:
    """As much of a spawner as an environment needs."""

    user = SimpleNamespace(name="ann")

    def get_env(self) -> dict[str, str]:
        """Return no variables."""
        return {}


class Spawner(JvsSpawnerMixin, Plain):
    """A spawner of Ann's server."""

    def jvs_person(self) -> Person:
        return Person("ann", "", "7@2026-01-01")


def test_a_policy_reaches_every_server(tmp_path: Path) -> None:
    spawner = Spawner(jvs_state_dir=str(tmp_path), jvs_repository=str(tmp_path))
    assert "JVS_TIMELINE" not in spawner.get_env()
    spawner.jvs_timeline = {"every_s": 600, "keep": ["1d:all", "30d:1d"]}
    assert json.loads(spawner.get_env()["JVS_TIMELINE"]) == {"every_s": 600, "keep": ["1d:all", "30d:1d"]}


@pytest.mark.parametrize("policy", [{"every": 600}, {"keep": ["often"]}, {"enabled": "no"}])
def test_a_policy_that_makes_no_sense_is_refused_at_the_hub(policy: dict[str, object]) -> None:
    with pytest.raises(TraitError, match="jvs_timeline"):
        Spawner(jvs_timeline=policy)
