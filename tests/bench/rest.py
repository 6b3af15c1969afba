"""The REST interface: pages of a long history, the state of a large workspace, a snapshot, the event loop's longest stop.

``python -m tests.bench.rest [--folder DIR] [--snapshots N] [--files N]``
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jvs_core import Repository
from tests.browser.server import JupyterServer, jupyter_server
from tests.support.payloads import build_notebooks

_ROUNDS = 15
_POLL_S = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--snapshots", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=20_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        own = {"JVS_STATE_DIR": str(folder / "state"), "JVS_CACHE_DIR": str(folder / "cache")}
        os.environ.update(own)
        build(folder / "root", options.snapshots, options.files)
        extension = "--ServerApp.jpserver_extensions={'jvs_jupyter': True}"
        with jupyter_server(folder, app="jupyter_server", options=(extension,), **own) as server:
            measure(server, options.snapshots, options.files)
    return 0


def build(root: Path, snapshots: int, files: int) -> None:
    """Make a repository with a long history, one with many files, and one of notebooks."""
    root.mkdir()
    long = Repository.init(root / "long")
    (long.root / "main" / "a.txt").write_text("a")
    first = long.snapshot("0", lock=True)
    lengthen(long, first.snapshot_id, snapshots)
    large = Repository.init(root / "large")
    for number in range(files):
        path = large.root / "main" / f"{number % 200:03}" / f"{number:05}.dat"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(number.to_bytes(4, "big") * 1024)
    large.snapshot(lock=True)
    notebooks = Repository.init(root / "notebooks")
    build_notebooks(notebooks.root / "main")
    notebooks.snapshot(lock=True)


def lengthen(repo: Repository, first: str, length: int) -> None:
    """Give a repository a history of ``length`` snapshots: descriptors as snapshots of a workspace at rest leave them."""
    from jvs_core.control import catalog
    from jvs_core.control.layout import Layout
    from tests.support.long_history import move_head

    layout = Layout(repo.root)
    descriptor = catalog.read(layout, first)
    start, tail = int(first[:13]), first[14:]
    for number in range(1, length):
        named = descriptor.changed(
            snapshot_id=f"{start + number:013}-{tail}",
            parent_snapshot_id=descriptor.snapshot_id,
            note=f"number {number}",
            descriptor_checksum=None,
        )
        descriptor = named.changed(descriptor_checksum=catalog.checksum(named).model_dump())
        layout.descriptor(descriptor.snapshot_id).write_bytes(catalog.encode(descriptor))
    move_head(layout, "main", descriptor.snapshot_id)


def measure(server: JupyterServer, snapshots: int, files: int) -> None:
    """Print the figures."""
    middle = middle_of(server, snapshots)
    say(f"GET snapshots, 50 of {snapshots}, first page", timed(lambda: get(server, "snapshots?path=long")))
    say(
        f"GET snapshots, 50 of {snapshots}, from the middle",
        timed(lambda: get(server, f"snapshots?path=long&before={middle}")),
    )
    say(
        f"GET snapshots?all=true, 50 of {snapshots}",
        timed(lambda: get(server, "snapshots?path=long&all=true")),
    )
    with Watch(server) as watch:
        found = timed(lambda: get(server, "workspace?path=large"))
    say(f"GET workspace on {files} files", found)
    say("  the event loop's longest stop meanwhile", watch.late)
    say("POST snapshots on notebooks, until done", timed(lambda: snapshot(server)))


def middle_of(server: JupyterServer, snapshots: int) -> str:
    """Return the id in the middle of the long history."""
    newest: str = get(server, "snapshots?path=long&limit=1")["items"][0]["snapshot_id"]
    return f"{int(newest[:13]) - snapshots // 2:013}-{newest[14:]}"


class Watch:
    """Asks the server for the least it can answer, again and again; ``late`` is by how much it kept one waiting.

    That answer needs the event loop and nothing else: what it takes beyond the usual is how long the loop stood.
    """

    def __init__(self, server: JupyterServer) -> None:
        self._server = server
        self._over = threading.Event()
        self._taken: list[float] = []
        self._usual = statistics.median(timed(self._ask))
        self._thread = threading.Thread(target=self._watch)

    @property
    def late(self) -> list[float]:
        """The delays, in seconds."""
        return [max(taken - self._usual, 0.0) for taken in self._taken]

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        get(self._server, "operations/" + "0" * 32, missing=True)

    def _watch(self) -> None:
        while not self._over.wait(_POLL_S):
            start = time.perf_counter()
            self._ask()
            self._taken.append(time.perf_counter() - start)


def timed(call: Callable[[], Any]) -> list[float]:
    """Return the seconds that a call takes, several times, after one to warm up."""
    call()
    taken = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return taken


def say(what: str, seconds: Sequence[float]) -> None:
    """Print a figure."""
    ordered = sorted(seconds)
    print(
        f"{what}: median {statistics.median(ordered) * 1000:.1f} ms, "
        f"90 % {ordered[int(len(ordered) * 0.9)] * 1000:.1f} ms, most {ordered[-1] * 1000:.1f} ms"
    )


def get(server: JupyterServer, address: str, *, missing: bool = False) -> Any:
    """Return the JSON of an answer."""
    return request(server, address, None, missing=missing)


def request(server: JupyterServer, address: str, body: Any, *, missing: bool = False) -> Any:
    """Send a request and return the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{server.url}jvs/api/v1/{address}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if not missing:
            raise
        error.close()
        return None


def snapshot(server: JupyterServer) -> None:
    """Change a notebook, take a snapshot and wait until it is there."""
    notebook = next((server.root / "notebooks" / "main").rglob("*.ipynb"))
    notebook.write_text(notebook.read_text() + "\n")
    operation = request(server, "snapshots", {"path": "notebooks"})["operation"]
    while operation["state"] in ("queued", "running"):
        time.sleep(0.005)
        operation = get(server, f"operations/{operation['id']}")["operation"]
    assert operation["state"] == "done", operation


if __name__ == "__main__":
    raise SystemExit(main())
