"""Records that somebody wrote: shown, chosen, compared and repeated without harm, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from jvs_core import InputError, JvsError, Run
from jvs_core.cli.main import execute
from jvs_jupyter import reproduce, run
from jvs_jupyter.server.handlers.runs import page_of
from jvs_jupyter.server.paths import Root
from tests.jupyter.papermill.support import Workspace

ESCAPES = "\x1b]0;owned\x07\x1b[2J"


def planted(workspace: Workspace, made: Run, **fields: Any) -> str:
    """Write a record like that of ``made`` with other ``fields``; return its id."""
    folder = workspace.repository.root / ".jvs" / "runs"
    record = json.loads((folder / f"{made.run_id}.json").read_text())
    run_id = f"{made.run_id[:-8]}{len(list(folder.glob('*.json'))):08x}"
    (folder / f"{run_id}.json").write_text(json.dumps({**record, "run_id": run_id, **fields}))
    return run_id


@pytest.fixture
def made(workspace: Workspace) -> Run:
    """Return a run."""
    return run(["true"], {"alpha": 1})


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": {"a": float("nan")}},
        {"metrics": {"a": [{"b": float("inf")}]}},
        {"parameters": {"a": float("-inf")}},
        {"setup": {"a": float("nan")}},
        {"duration_s": float("nan")},
        {"failed_cell": {"index": -1}},
        {"failed_cell": {"index": 1, "id": "a b"}},
        {"after_snapshot_id": "../../etc"},
    ],
    ids=str,
)
def test_what_no_record_can_say_is_damage(workspace: Workspace, made: Run, fields: dict[str, Any]) -> None:
    run_id = planted(workspace, made, **fields)
    with pytest.raises(JvsError) as refused:
        workspace.repository.runs.get(run_id)
    assert refused.value.code == "E_DESCRIPTOR_CORRUPT"
    assert [found.run_id for found in workspace.repository.runs.all([])] == [made.run_id]


def test_text_drives_no_terminal_in_a_table_either(workspace: Workspace, made: Run) -> None:
    planted(workspace, made, note=ESCAPES, parameters={ESCAPES: f"{ESCAPES}\n1"}, metrics={"m": ESCAPES})
    table = workspace.repository.runs.rows()
    assert "\x1b" not in table.to_csv()
    assert r"\x1b]0;owned\x07" in table.to_csv()


def test_a_list_shows_of_what_is_beyond_reason_only_the_beginning(workspace: Workspace, made: Run) -> None:
    for _ in range(3):
        planted(
            workspace,
            made,
            parameters={"p": "x" * 3_000_000},
            metrics={f"m{number}": number for number in range(20_000)},
            command=["y" * 3_000_000],
        )
    for line in (["run", "list"], ["run", "list", "--columns", "p,m1"]):
        assert sum(map(len, execute(line).lines)) < 50_000
    shown = page_of(
        cast(Root, _Root(workspace)),
        "",
        {"where": None, "q": None, "sort": None, "limit": 50, "after": None, "group": None},
    )
    assert [item.get("truncated") for item in shown["items"]].count(True) == 3
    assert len(json.dumps(shown)) < 100_000


class _Root:
    """What ``page_of`` asks of a server's root."""

    def __init__(self, workspace: Workspace) -> None:
        self._repository = workspace.repository

    def place(self, _path: str) -> Any:
        return type("Place", (), {"repository": self._repository})


@pytest.mark.parametrize("setup", [{"metrics": {"a": 1}}, {"metrics": 5, "cwd": 5}], ids=str)
def test_a_run_whose_setup_is_none_is_not_repeated(
    workspace: Workspace, made: Run, setup: dict[str, Any]
) -> None:
    run_id = planted(workspace, made, setup=setup)
    with pytest.raises(InputError, match="metrics"):
        reproduce(run_id)


def test_a_run_is_repeated_in_no_folder_outside(workspace: Workspace, made: Run) -> None:
    run_id = planted(
        workspace,
        made,
        setup={"cwd": "../../../../../../etc", "metrics": "/etc/passwd"},
        command=["bash", "-c", "pwd > where.txt"],
    )
    found = reproduce(run_id, keep="all")
    kept = Path(workspace.repository.worktrees.path(found.run.worktree))
    assert (kept / "where.txt").read_text().strip() == str(kept)
    assert found.run.metrics == {}


def test_a_snapshot_of_another_repository_is_named(workspace: Workspace, made: Run) -> None:
    run_id = planted(workspace, made, after_snapshot_id="1795980110378-deadbeef")
    with pytest.raises(JvsError) as refused:
        reproduce(run_id)
    assert refused.value.code == "E_SNAPSHOT_NOT_FOUND"
