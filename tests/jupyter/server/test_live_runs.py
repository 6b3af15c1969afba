"""Runs under way over REST: how far they came, stopping one, running one again; and tables and comparisons."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.auth import Authorizer

from jvs_core import Repository
from jvs_jupyter import run as run_it
from tests.jupyter.papermill.conftest import jupyter_home
from tests.jupyter.papermill.support import environment
from tests.jupyter.server.interface import Interface

__all__ = ["jupyter_home"]
PYTHON = sys.executable
LIST = [PYTHON, "-m", "jvs_core.cli", "run", "list"]
STEPS = (
    "import json, os, time\n"
    "for step in range(600):\n"
    "    with open(os.environ['JVS_RUN_DIR'] + '/metrics.jsonl', 'a') as file:\n"
    "        print(json.dumps({'step': min(step, 3)}), file=file)\n"
    "    time.sleep(0.1)\n"
)
Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(repo: Repository) -> Iterator[Begin]:
    """Return a function that starts ``jvs run exec`` in the repository's ``main``; what still runs is killed at the end."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(*args: str) -> subprocess.Popen[bytes]:
        begun.append(
            subprocess.Popen(
                [PYTHON, "-m", "jvs_core.cli", "run", "exec", *args],
                cwd=repo.root / "main",
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


async def until(look: Callable[[], Awaitable[Any]], timeout_s: float = 30.0) -> Any:
    """Return what ``look`` gives once it gives anything."""
    for _ in range(int(timeout_s / 0.1)):
        if found := await look():
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to that")


async def the_run(server: Interface, outcome: str = "started") -> Any:
    items = (await server.ask("GET", "runs", path="team")).json["items"]
    return next((item for item in items if item["outcome"] == outcome), None)


async def test_a_command_under_way_shows_its_metrics_and_can_be_cancelled(
    server: Interface, repo: Repository, begin: Begin
) -> None:
    begin("--", PYTHON, "-c", STEPS)

    async def at_step_3() -> Any:
        shown = await the_run(server)
        return shown if shown and shown["progress"] and shown["progress"]["metrics"] == {"step": 3} else None

    shown = await until(at_step_3)
    assert (shown["live"], shown["progress"]["cell"], shown["metrics"]) == (True, None, {})
    before = repo.audit.log()
    answer = await server.ask("POST", f"runs/{shown['run_id']}/cancel", {"path": "team"})
    assert (answer.status, answer.json) == (202, {"run_id": shown["run_id"]})
    assert repo.audit.log() == before
    ended = await until(lambda: the_run(server, "interrupted"))
    assert (ended["live"], ended["progress"], ended["error"]) == (False, None, "cancelled")
    assert ended["metrics"] == {"step": 3}
    assert os.listdir(repo.root / ".jvs" / "runs" / "live") == []
    again = await server.ask("POST", f"runs/{shown['run_id']}/cancel", {"path": "team"})
    assert (again.status, again.code) == (409, "E_FENCING_MISMATCH")
    assert repo.doctor(strict=True).healthy


async def test_a_notebook_under_way_shows_its_cell(server: Interface, repo: Repository, begin: Begin) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    nb.cells = [
        nbformat.v4.new_markdown_cell("# Training"),
        nbformat.v4.new_code_cell("from jvs_magics import metric\nmetric('accuracy', 0.5)"),
        nbformat.v4.new_code_cell("import time\ntime.sleep(60)"),
    ]
    nbformat.write(nb, repo.root / "main" / "train.ipynb")
    begin("train.ipynb")

    async def at_the_last_cell() -> Any:
        shown = await the_run(server)
        return shown if shown and shown["progress"] and shown["progress"]["cell"] == 3 else None

    shown = await until(at_the_last_cell)
    assert (shown["progress"]["cells"], shown["progress"]["metrics"]) == (3, {"accuracy": 0.5})
    listed = await asyncio.to_thread(subprocess.check_output, LIST, cwd=repo.root / "main", text=True)
    assert "started, cell 3 of 3" in listed
    assert "accuracy=0.5" in listed
    await server.ask("POST", f"runs/{shown['run_id']}/cancel", {"path": "team"})
    ended = await until(lambda: the_run(server, "interrupted"))
    assert (ended["error"], ended["failed_cell"]) == ("cancelled", {"index": 2, "id": nb.cells[2].id})


async def test_a_run_whose_process_is_gone_is_not_live_and_cannot_be_cancelled(
    server: Interface, repo: Repository, begin: Begin
) -> None:
    process = begin("--", "sleep", "60")
    shown = await until(lambda: the_run(server))
    process.kill()
    process.wait()
    shown = (await server.ask("GET", f"runs/{shown['run_id']}", path="team")).json
    assert (shown["outcome"], shown["live"]) == ("started", False)
    answer = await server.ask("POST", f"runs/{shown['run_id']}/cancel", {"path": "team"})
    assert (answer.status, answer.code) == (409, "E_LOCK_CONFLICT")
    assert "no longer runs" in answer.json["error"]["message"]


async def test_a_run_is_reproduced_by_a_process_of_its_own(server: Interface, repo: Repository) -> None:
    done = run_it([PYTHON, "-c", "open('made.txt', 'w').write('same')"], repo=str(repo.root))
    operation = await server.done(
        await server.ask("POST", f"runs/{done.run_id}/reproduce", {"path": "team", "times": 2})
    )
    assert operation["state"] == "done", operation
    assert (operation["result"]["verdict"], operation["result"]["times"]) == ("identical", 2)
    assert operation["progress"]["done"] == 2
    made = [run for run in repo.runs.all() if run.reproduces == done.run_id]
    assert [run.verdict for run in made] == ["identical", "identical"]
    missing = await server.ask("POST", "runs/nope/reproduce", {"path": "team"})
    assert (missing.status, missing.code) == (404, "E_RUN_NOT_FOUND")


async def test_a_reproduction_that_cannot_be_says_why(server: Interface, repo: Repository) -> None:
    with repo.hold(purpose="run") as lease:
        before = repo.snapshot("before").snapshot_id
        run = repo.runs.start(
            lease,
            command=["true"],
            parameters={},
            before_snapshot_id=before,
            environment_digest="1" * 64,
        )
        repo.runs.finish(run.run_id, "lost", error="gone", after_snapshot_id=None, duration_s=1.0, metrics={})
    operation = await server.done(await server.ask("POST", f"runs/{run.run_id}/reproduce", {"path": "team"}))
    assert (operation["state"], operation["error"]["code"]) == ("failed", "E_USAGE")
    assert "no after-snapshot" in operation["error"]["message"]


async def test_a_cancelled_reproduction_interrupts_what_it_runs(
    server: Interface, repo: Repository, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.touch()
    script = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.1)\n"
    done = run_it([PYTHON, "-c", script], repo=str(repo.root))
    go.unlink()
    answer = await server.ask("POST", f"runs/{done.run_id}/reproduce", {"path": "team"})
    again = await until(lambda: the_run(server))
    assert again["reproduces"] == done.run_id
    await server.ask("DELETE", f"operations/{answer.json['operation']['id']}")
    assert (await server.done(answer))["state"] == "cancelled"
    assert repo.runs.get(again["run_id"]).outcome == "interrupted"


class NoCode(Authorizer):
    """Lets everybody do everything but run code."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        """Say whether they may."""
        return action != "execute"


class TestWhoeverMayNotRunCode:
    """A server that lets its users write and not execute."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        """Refuse it."""
        jp_server_config["ServerApp"]["authorizer_class"] = NoCode
        return jp_server_config

    async def test_may_not_reproduce_either(self, server: Interface, repo: Repository) -> None:
        done = run_it(["true"], repo=str(repo.root))
        answer = await server.ask("POST", f"runs/{done.run_id}/reproduce", {"path": "team"})
        assert (answer.status, answer.code) == (403, "E_FORBIDDEN")
        assert len(repo.runs.all()) == 1


async def test_runs_are_named_noted_and_removed(server: Interface, repo: Repository) -> None:
    done = run_it(["true"], repo=str(repo.root))
    other = run_it(["true"], repo=str(repo.root))
    edited = await server.ask("PATCH", f"runs/{done.run_id}", {"path": "team", "name": "best", "note": "ok"})
    assert (edited.status, edited.json["name"], edited.json["note"]) == (200, "best", "ok")
    taken = await server.ask("PATCH", f"runs/{other.run_id}", {"path": "team", "name": "best"})
    assert (taken.status, taken.code) == (409, "E_ALREADY_EXISTS")
    nothing = await server.ask("PATCH", f"runs/{other.run_id}", {"path": "team"})
    assert (nothing.status, nothing.code) == (400, "E_USAGE")
    bad = await server.ask("PATCH", f"runs/{other.run_id}", {"path": "team", "name": "a/b"})
    assert (bad.status, bad.code) == (400, "E_NAME_INVALID")
    removed = await server.ask("DELETE", "runs/best", path="team")
    assert (removed.status, removed.json["run_id"]) == (200, done.run_id)
    assert [run.run_id for run in repo.runs.all()] == [other.run_id]


async def test_runs_are_compared_and_given_as_a_table(server: Interface, repo: Repository) -> None:
    script = "import json, os; open(os.environ['JVS_RUN_DIR'] + '/metrics.jsonl', 'w').write(json.dumps({'score': %s}))"
    made = [
        run_it([PYTHON, "-c", script % score], {"alpha": score}, repo=str(repo.root)).run_id
        for score in (1, 3, 4)
    ]
    two = (await server.ask("GET", "runs/compare", path="team", a=made[0], b=made[1])).json
    assert (two["parameters"], two["metrics"], two["deltas"]) == (
        {"alpha": [1, 3]},
        {"score": [1, 3]},
        {"score": 2},
    )
    assert (two["packages"], two["truncated"]) == ({}, False)
    many = (await server.ask("GET", "runs/compare", path="team", a=made[0], b=made[1], c=made[2])).json
    assert [run["deltas"] for run in many["runs"]] == [{}, {"score": 2}, {"score": 3}]
    missing = await server.ask("GET", "runs/compare", path="team", a=made[0])
    assert missing.status == 422
    table = await server.ask("GET", "runs/table", path="team", where="score>1", sort="-score")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table.headers["Content-Disposition"].startswith("attachment")
    head, *rows = table.data.decode().splitlines()
    assert head.endswith(",alpha,score")
    assert [row.split(",")[0] for row in rows] == [made[2], made[1]]
    few = await server.ask("GET", "runs/table", path="team", columns="run_id,alpha")
    assert few.data.decode().splitlines()[1] == f"{made[2]},4"


@pytest.mark.parametrize(
    "lies",
    [
        b"{",
        b'{"run_id": "run-0000000000000-00000000", "metrics": {}, "updated_at": "2026-01-01T00:00:00.000Z"}',
        b'{"run_id": "%s", "metrics": {"a": NaN, "b": [%s]}, "updated_at": "2026-01-01T00:00:00.000Z"}',
        b'{"run_id": "%s", "metrics": {}, "cell": -1, "updated_at": "2026-01-01T00:00:00.000Z"}',
        b" " * (1 << 17),
    ],
    ids=["no json", "another run", "no numbers", "no cell", "too long"],
)
async def test_what_others_wrote_about_a_run_is_harmless(
    server: Interface, repo: Repository, lies: bytes
) -> None:
    with repo.hold(purpose="run") as lease:
        before = repo.snapshot("before").snapshot_id
        run = repo.runs.start(
            lease, command=["true"], parameters={}, before_snapshot_id=before, environment_digest="1" * 64
        )
        live = repo.root / ".jvs" / "runs" / "live"
        live.mkdir()
        data = lies.replace(b"%s", run.run_id.encode(), 1).replace(b"%s", b"1," * 500 + b"1")
        (live / f"{run.run_id}.json").write_bytes(data)
        shown = (await server.ask("GET", f"runs/{run.run_id}", path="team")).json
        if b"NaN" in lies:
            assert set(shown["progress"]["metrics"]) == {"a", "b"}
            assert len(shown["progress"]["metrics"]["b"]) == 200
        else:
            assert shown["progress"] is None
        repo.runs.finish(run.run_id, "ok", error=None, after_snapshot_id=None, duration_s=1.0, metrics={})
    assert os.listdir(live) == []
