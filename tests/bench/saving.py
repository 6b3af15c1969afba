"""What automatic history costs a server: ``python -m tests.bench.saving FOLDER [FILES] [MINUTES]``.

A real Jupyter server in FOLDER, a repository of FILES small files, and a person who types and saves every few seconds: with the
history and without. Snapshots are due every 20 seconds here, so that a short run has some; the server itself makes them more
seldom where one takes long. Prints as JSON, for each, the milliseconds of a save (median, worst), the longest time that the event loop
was held up, and the share of one core that the server and its processes took.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import requests

from jvs_core import Repository
from tests.browser.server import JupyterServer, jupyter_server

_EVERY_S = 6.0
_PROBE = """
import asyncio, json, sys, time
from pathlib import Path
worst = [0.0]
async def _probe(path):
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        worst[0] = max(worst[0], time.perf_counter() - began - 0.005)
        if time.perf_counter() - _last[0] > 1:
            _last[0] = time.perf_counter()
            Path(path).write_text(json.dumps(worst[0]))
_last = [0.0]
def _load_jupyter_server_extension(app):
    import os
    app.io_loop.call_later(15, lambda: asyncio.ensure_future(_probe(os.environ["PROBE"])))
def _jupyter_server_extension_points():
    return [{"module": "jvs_bench_probe"}]
"""


def main(folder: Path, files: int, minutes: float) -> None:
    """Measure both and print it."""
    found = {}
    for name, on in (("without", False), ("with", True)):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found[name] = _measured(Path(place), files, minutes, on=on)
    print(json.dumps(found, indent=2))


def _measured(place: Path, files: int, minutes: float, *, on: bool) -> dict[str, Any]:
    (place / "root").mkdir()
    (place / "modules").mkdir()
    (place / "modules" / "jvs_bench_probe.py").write_text(_PROBE)
    repository = Repository.init(place / "root" / "team")
    for number in range(files):
        part = repository.root / "main" / f"part{number // 200:03d}"
        part.mkdir(exist_ok=True)
        (part / f"{number:06d}.txt").write_text(f"{number}\n" * 50)
    repository.snapshot("first", lock=True)
    with (repository.root / ".jvs" / "config.toml").open("a") as config:
        config.write("[timeline]\nafter_save_s = 5\nevery_s = 20\n")
    options = (
        "--ServerApp.jpserver_extensions={'jvs_jupyter': True, 'jvs_bench_probe': True}",
        f"--JvsServer.timeline={on}",
    )
    private = {
        "JVS_STATE_DIR": str(place / "state"),
        "JVS_CACHE_DIR": str(place / "cache"),
        "PYTHONPATH": os.pathsep.join([str(place / "modules"), os.getcwd()]),
        "PROBE": str(place / "probe.json"),
    }
    with jupyter_server(place, app="jupyter_server", options=options, **private) as server:
        return {**_worked(server, place, minutes), "snapshots": len(repository.history())}


def _worked(server: JupyterServer, place: Path, minutes: float) -> dict[str, Any]:
    session = requests.Session()
    session.headers["Authorization"] = f"token {server.token}"
    asked = f"{server.url}jvs/api/v1/workspace?path=team/main"
    contents = f"{server.url}api/contents/team/main/essay.md"
    session.get(asked, timeout=120).raise_for_status()
    _save(session, contents, 0)
    time.sleep(20)
    processes = _processes(server)
    before, began = _cpu(processes), time.monotonic()
    took = []
    number = 0
    while time.monotonic() - began < minutes * 60:
        number += 1
        took.append(_save(session, contents, number) * 1000)
        if number % 2:
            session.get(asked, timeout=120).raise_for_status()
        time.sleep(_EVERY_S)
    share = (_cpu(_processes(server)) - before) / (time.monotonic() - began)
    return {
        "saves": len(took),
        "save_ms_median": round(statistics.median(took), 1),
        "save_ms_worst": round(max(took), 1),
        "loop_held_up_ms_worst": round(json.loads((place / "probe.json").read_text()) * 1000, 1),
        "share_of_a_core_percent": round(share * 100, 2),
    }


def _save(session: requests.Session, address: str, number: int) -> float:
    body = {"type": "file", "format": "text", "content": f"line {number}\n" * (number + 1)}
    began = time.perf_counter()
    session.put(address, json=body, timeout=60).raise_for_status()
    return time.perf_counter() - began


def _processes(server: JupyterServer) -> list[psutil.Process]:
    parent = psutil.Process(server.pid)
    return [parent, *parent.children(recursive=True)]


def _cpu(processes: list[psutil.Process]) -> float:
    total = 0.0
    for each in processes:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


if __name__ == "__main__":
    subprocess.run(["sync"], check=False)
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]) if len(sys.argv) > 2 else 20_000,
        float((sys.argv[3:] or ["2"])[0]),
    )
