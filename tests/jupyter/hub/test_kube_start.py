"""A pod as it reaches the API server of Kubernetes, from the real spawner's start to its stop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jvs_jupyter.hub.names import Person, worktree_name
from tests.jupyter.hub.kube_api import kubernetes
from tests.jupyter.hub.test_kube import no_cluster as no_cluster  # noqa: PLC0414 - a fixture
from tests.jupyter.hub.test_kube import spawner

PERSON = Person("ann", "", "7@2026-01-02T00:00:00")


async def started_and_stopped(homes: str, server: str = "") -> tuple[Any, Any, str]:
    async with kubernetes() as api:
        made = spawner("ann", homes, server)
        made.events_enabled = False
        made.start_timeout = 30
        await made.run_pre_spawn_hook()
        try:
            url = await made.start()
            (pod,) = api.pods.values()
            assert await made.poll() is None
            await made.stop(now=True)
            return pod, dict(api.pods), url
        finally:
            await _end_watching(made)


async def _end_watching(made: Any) -> None:
    await type(made)._stop_all_reflectors()
    await made.api.api_client.close()


def test_the_pod_that_the_cluster_is_told_has_the_container_and_only_its_users_home() -> None:
    pod, left, url = asyncio.run(started_and_stopped("/jvs/homes"))
    home = worktree_name(PERSON)
    assert "10.0.0.7" in str(url)
    assert left == {}
    first = [one for one in pod["spec"]["initContainers"] if one["name"].startswith("jvs-")]
    assert [one["name"] for one in first] == ["jvs-provision"]
    assert first[0]["volumeMounts"] == [{"name": "jvs", "mountPath": "/jvs"}]
    (server,) = pod["spec"]["containers"]
    assert server["volumeMounts"] == [
        {"name": "jvs", "mountPath": f"/jvs/homes/{home}", "subPath": f"homes/{home}"}
    ]
    assert "--JvsServer.hold_lock=True" in server["args"]


@pytest.mark.parametrize(
    ("homes", "server", "init", "mounted"),
    [
        ("/jvs/homes", "", ["jvs-provision"], "/jvs/homes/{home}"),
        ("/jvs/homes", "gpu", ["jvs-provision", "jvs-worktree"], "/jvs/homes/{home}"),
        ("", "", ["jvs-provision"], "/jvs"),
        ("", "gpu", ["jvs-provision"], "/jvs"),
    ],
)
def test_each_container_mounts_what_the_guides_table_says(
    homes: str, server: str, init: list[str], mounted: str
) -> None:
    pod, _, _ = asyncio.run(started_and_stopped(homes, server))
    ours = [one for one in pod["spec"]["initContainers"] if one["name"].startswith("jvs-")]
    assert [one["name"] for one in ours] == init
    for one in ours:
        assert [mount["mountPath"] for mount in one["volumeMounts"]] == ["/jvs"]
    (container,) = pod["spec"]["containers"]
    seen = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert seen == [mounted.format(home=worktree_name(PERSON))]
