"""As much of a Kubernetes API server as a spawner asks for: it keeps pods and says that each runs at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from kubernetes_asyncio import client
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.testing import bind_unused_port
from tornado.web import Application, HTTPError, RequestHandler

_STARTED = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


class Api:
    """The pods, by name, and who watches them."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.over = False

    def create(self, namespace: str, pod: dict[str, Any]) -> dict[str, Any]:
        """Keep a pod, and let it run."""
        name = pod["metadata"]["name"]
        if name in self.pods:
            raise HTTPError(409)
        ready = [{"name": one["name"], "image": one["image"], "imageID": "", "ready": True, "restartCount": 0,
                  "state": _STARTED} for one in pod["spec"]["containers"]]  # fmt: skip
        pod["metadata"] |= {"uid": f"uid-{len(self.pods)}", "resourceVersion": "2", "namespace": namespace}
        pod["status"] = {"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": ready}
        self.pods[name] = pod
        self._tell("ADDED", pod)
        return pod

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a pod."""
        if name not in self.pods:
            raise HTTPError(404)
        pod = self.pods.pop(name)
        self._tell("DELETED", pod)
        return pod

    def _tell(self, kind: str, pod: dict[str, Any]) -> None:
        self.events.append({"type": kind, "object": pod})


class Pods(RequestHandler):
    """``/api/v1/namespaces/NAMESPACE/pods``."""

    def initialize(self, api: Api) -> None:
        """Know the pods."""
        self.api = api

    def post(self, namespace: str) -> None:
        """Make a pod."""
        self.set_status(201)
        self.finish(self.api.create(namespace, json.loads(self.request.body)))

    async def get(self, _: str) -> None:
        """List pods, or tell of changes as they come."""
        if self.get_query_argument("watch", "") not in ("true", "True"):
            items, version = list(self.api.pods.values()), str(len(self.api.events))
            self.finish(
                {
                    "kind": "PodList",
                    "apiVersion": "v1",
                    "metadata": {"resourceVersion": version},
                    "items": items,
                }
            )
            return
        told = int(self.get_query_argument("resourceVersion"))
        with contextlib.suppress(StreamClosedError, asyncio.CancelledError):
            await self.flush()
            while not self.api.over:
                for event in self.api.events[told:]:
                    self.write(json.dumps(event) + "\n")
                    told += 1
                await self.flush()
                await asyncio.sleep(0.02)


class Pod(Pods):
    """``/api/v1/namespaces/NAMESPACE/pods/NAME``."""

    def delete(self, _: str, name: str) -> None:
        """Remove the pod."""
        self.finish(self.api.delete(name))


@contextlib.asynccontextmanager
async def kubernetes() -> AsyncIterator[Api]:
    """Serve for the block, as the cluster of every client that is made in it."""
    api = Api()
    socket, port = bind_unused_port()
    given = {"api": api}
    server = HTTPServer(
        Application(
            [
                (r"/api/v1/namespaces/([^/]+)/pods", Pods, given),
                (r"/api/v1/namespaces/([^/]+)/pods/([^/]+)", Pod, given),
            ]
        )
    )
    server.add_sockets([socket])
    before = client.Configuration.get_default_copy()
    client.Configuration.set_default(client.Configuration(host=f"http://127.0.0.1:{port}"))
    try:
        yield api
    finally:
        client.Configuration.set_default(before)
        api.over = True
        server.stop()
        await server.close_all_connections()
