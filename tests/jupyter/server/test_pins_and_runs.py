"""Pins and runs over REST."""

from __future__ import annotations

from typing import Any

import pytest

from jvs_core import Repository
from tests.jupyter.server.interface import Interface


async def test_pins_are_made_paged_and_removed(server: Interface, repo: Repository) -> None:
    taken = await server.snapshot("team/main")
    made = []
    for number in range(3):
        body = {"path": "team", "snapshot": "HEAD", "reason": f"{number}", "expires": "30d"}
        answer = await server.ask("POST", "pins", body)
        assert (answer.status, answer.json["snapshot_id"]) == (201, taken["snapshot_id"])
        assert answer.json["expires_at"] is not None
        made.append(answer.json["pin_id"])
    first = (await server.ask("GET", "pins", path="team", limit=2)).json
    rest = (await server.ask("GET", "pins", path="team", after=first["next"])).json
    assert {item["pin_id"] for item in first["items"] + rest["items"]} == set(made)
    assert (len(first["items"]), rest["next"]) == (2, None)
    removed = await server.ask("DELETE", f"pins/{made[0]}", path="team")
    assert (removed.status, removed.json["pin_id"]) == (200, made[0])
    gone = await server.ask("DELETE", f"pins/{made[0]}", path="team")
    assert (gone.status, gone.code) == (404, "E_PIN_NOT_FOUND")
    assert len(repo.pins.all()) == 2


async def test_a_pin_that_makes_no_sense_is_refused(server: Interface, repo: Repository) -> None:
    await server.snapshot("team/main")
    answer = await server.ask("POST", "pins", {"path": "team", "snapshot": "HEAD", "expires": "soon"})
    assert (answer.status, answer.code) == (400, "E_USAGE")
    missing = await server.ask("POST", "pins", {"path": "team", "snapshot": "nope"})
    assert (missing.status, missing.code) == (404, "E_SNAPSHOT_NOT_FOUND")


async def test_runs_are_paged_newest_first(server: Interface, repo: Repository) -> None:
    recorded = []
    for number in range(3):
        with repo.hold(purpose="run") as lease:
            before = repo.snapshot(f"before {number}").snapshot_id
            run = repo.runs.start(
                lease,
                notebook="a.ipynb",
                input_path="a.ipynb",
                output_path="out.ipynb",
                parameters={"alpha": number},
                before_snapshot_id=before,
                notebook_sha256="0" * 64,
                environment_digest="1" * 64,
            )
            repo.runs.finish(
                run.run_id, "ok", error=None, after_snapshot_id=None, duration_s=0.5, metrics={"a": number}
            )
        recorded.append(run.run_id)
    first = (await server.ask("GET", "runs", path="team", limit=2)).json
    assert [item["run_id"] for item in first["items"]] == recorded[:0:-1]
    rest = (await server.ask("GET", "runs", path="team", after=first["next"])).json
    assert ([item["run_id"] for item in rest["items"]], rest["next"]) == (recorded[:1], None)
    shown = (await server.ask("GET", f"runs/{recorded[0]}", path="team")).json
    assert (shown["outcome"], shown["metrics"], shown["parameters"]) == ("ok", {"a": 0}, {"alpha": 0})
    missing = await server.ask("GET", "runs/nope", path="team")
    assert (missing.status, missing.code) == (404, "E_RUN_NOT_FOUND")


def _record(repo: Repository, number: int, **more: Any) -> str:
    with repo.hold(purpose="run") as lease:
        before = repo.snapshot(f"before {number}").snapshot_id
        run = repo.runs.start(
            lease,
            command=["python", "train.py"],
            parameters={"alpha": number},
            before_snapshot_id=more.pop("before", before),
            environment_digest="1" * 64,
            **more,
        )
        metrics = {"score": number % 3}
        repo.runs.finish(
            run.run_id, "ok", error=None, after_snapshot_id=None, duration_s=0.5, metrics=metrics
        )
    return run.run_id


async def test_the_runs_of_a_sweep_stand_together_and_have_one_name(
    server: Interface, repo: Repository
) -> None:
    before = repo.snapshot("the sweep's", lock=True).snapshot_id
    template = {"template": ["python", "train.py", "{alpha}"]}
    of_sweep = [
        _record(repo, number, before=before, point=f"{number}" * 64, setup=template) for number in (1, 2)
    ]
    single = _record(repo, 3)
    of_sweep.append(_record(repo, 4, before=before, point="4" * 64, setup=template))
    shown = (await server.ask("GET", "runs", path="team", group="sweep")).json["items"]
    assert [item["run_id"] for item in shown] == [of_sweep[2], of_sweep[1], of_sweep[0], single]
    assert len({item["sweep"] for item in shown[:3]}) == 1
    assert shown[3]["sweep"] is None
    assert {item["work"] for item in shown[:3]} == {"python train.py {alpha}"}
    works = (await server.ask("GET", "runs/works", path="team")).json["items"]
    assert [(item["work"], item["kind"], item["runs"]) for item in works] == [
        ("python train.py {alpha}", "command", 3),
        ("python train.py", "command", 1),
    ]
    where = "work=python train.py {alpha}"
    chosen = (await server.ask("GET", "runs", path="team", where=where, sort="-alpha")).json["items"]
    assert [item["parameters"]["alpha"] for item in chosen] == [4, 2, 1]


async def test_runs_are_chosen_and_sorted_on_the_server(server: Interface, repo: Repository) -> None:
    made = [_record(repo, number) for number in range(6)]
    query: dict[str, Any] = {"path": "team", "where": "alpha>0", "sort": "-score", "limit": 2}
    pages = [(await server.ask("GET", "runs", **query)).json]
    while pages[-1]["next"]:
        pages.append((await server.ask("GET", "runs", **query, after=pages[-1]["next"])).json)
    found = [item["run_id"] for shown in pages for item in shown["items"]]
    assert found == [made[index] for index in (5, 2, 4, 1, 3)]
    assert [shown["total"] for shown in pages] == [5, 5, 5]
    named = repo.runs.annotate(made[3], name="best", note="of all")
    assert [
        item["name"] for item in (await server.ask("GET", "runs", path="team", q="of all")).json["items"]
    ] == ["best"]
    assert named.run_id == made[3]
    refused: list[dict[str, Any]] = [{"where": "alpha"}, {"where": "x" * 500}, {"sort": ""}]
    for wrong in refused:
        answer = await server.ask("GET", "runs", path="team", **wrong)
        assert answer.status in (400, 422), wrong


@pytest.mark.parametrize("query", [{}, {"sort": "alpha"}], ids=["newest first", "sorted"])
async def test_a_page_goes_on_where_the_last_run_was_removed(
    server: Interface, repo: Repository, query: dict[str, Any]
) -> None:
    made = [_record(repo, number) for number in range(5)]
    order = made if query else made[::-1]
    first = (await server.ask("GET", "runs", path="team", limit=2, **query)).json
    assert [item["run_id"] for item in first["items"]] == order[:2]
    repo.runs.remove(order[1])
    rest = (await server.ask("GET", "runs", path="team", after=first["next"], **query)).json
    assert [item["run_id"] for item in rest["items"]] == order[2:]
    added = _record(repo, 9)
    assert (await server.ask("GET", "runs", path="team", limit=1)).json["items"][0]["run_id"] == added


async def test_a_damaged_record_does_not_hide_the_others(server: Interface, repo: Repository) -> None:
    made = [_record(repo, number) for number in range(3)]
    (repo.root / ".jvs" / "runs" / f"{made[1]}.json").write_text("{")
    shown = (await server.ask("GET", "runs", path="team")).json
    assert [item["run_id"] for item in shown["items"]] == [made[2], made[0]]
    assert made[1] in shown["unreadable"][0]
