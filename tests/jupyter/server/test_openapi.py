"""The OpenAPI file and the handlers say the same."""

from __future__ import annotations

import json
import logging
from importlib.resources import files
from typing import Any

import pytest
import yaml
from jupyter_events import EventLogger
from openapi_spec_validator import validate

from jvs_jupyter.server import events, specification
from jvs_jupyter.server.errors import RequestError
from jvs_jupyter.server.handlers import ROUTES, routes
from jvs_jupyter.server.operations import Kind

METHODS = ("get", "head", "post", "put", "patch", "delete")
CONTRACT = {
    "/workspace": {"get"},
    "/repositories": {"post"},
    "/snapshots": {"get", "post"},
    "/snapshots/{id}": {"get"},
    "/snapshots/{id}/files": {"get"},
    "/snapshots/{id}/content": {"get", "head"},
    "/compare": {"get"},
    "/diff": {"get", "post"},
    "/restores": {"post"},
    "/worktrees": {"get", "post"},
    "/worktrees/{name}": {"delete", "patch"},
    "/refs": {"get", "post"},
    "/refs/{name}": {"delete"},
    "/pins": {"get", "post"},
    "/pins/{pin}": {"delete"},
    "/locks": {"get", "post", "delete"},
    "/operations/{operation}": {"get", "delete"},
    "/runs": {"get"},
    "/runs/works": {"get"},
    "/runs/{run}": {"get"},
}


def described() -> dict[str, dict[str, str]]:
    """Return the operation id of each path and method of the file."""
    return {
        path: {method: item[method]["operationId"] for method in METHODS if method in item}
        for path, item in specification.document()["paths"].items()
    }


def test_the_file_is_valid_openapi() -> None:
    validate(specification.document())
    assert specification.document()["openapi"].startswith("3.1")


def test_no_description_was_cut_by_its_punctuation() -> None:
    def nothing_is_null(value: Any, where: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                assert inner is not None, f"{where}/{name}"
                nothing_is_null(inner, f"{where}/{name}")

    nothing_is_null(specification.document(), "")


def test_handlers_and_file_have_the_same_routes_and_methods() -> None:
    implemented = {
        path: {
            method: getattr(vars(handler)[method], "__wrapped__", vars(handler)[method])
            for method in METHODS
            if method in vars(handler)
        }
        for path, handler in ROUTES.items()
    }
    found = {
        path: {method: _operation_id(function) for method, function in methods.items()}
        for path, methods in implemented.items()
    }
    assert found == described()


def _operation_id(function: Any) -> str:
    while not hasattr(function, "operation_id"):
        function = function.__wrapped__
    return str(function.operation_id)


def test_every_route_of_the_contract_is_there() -> None:
    found = {path: set(methods) for path, methods in described().items()}
    assert {path: found.get(path, set()) & methods for path, methods in CONTRACT.items()} == CONTRACT


def test_every_handler_knows_who_asks_and_whether_they_may() -> None:
    for handler in ROUTES.values():
        assert handler.auth_resource == "jvs"  # type: ignore[attr-defined]
        for method in METHODS:
            if method in vars(handler):
                assert vars(handler)[method].__wrapped__, f"{handler.__name__}.{method} is not guarded"


def test_more_specific_routes_come_first() -> None:
    assert routes()[-1][1].__name__ == "Unknown"


def test_the_kinds_of_operations_are_those_of_the_file() -> None:
    schema = specification.document()["components"]["schemas"]["Operation"]
    assert schema["properties"]["kind"]["enum"] == list(Kind.__args__)  # type: ignore[attr-defined]


def test_events_match_their_schemas_and_others_do_not() -> None:
    logger = EventLogger(handlers=[logging.NullHandler()])
    told = events.Events(logger)
    told.change("snapshots", repo_id="r", worktree="main", worktree_path=None)
    with pytest.raises(Exception, match="colour"):
        told.change("colour", repo_id="r", worktree=None, worktree_path=None)  # type: ignore[arg-type]
    for name in ("operation", "change"):
        text = files("jvs_jupyter.server").joinpath("event_schemas", f"{name}.yaml").read_text("utf-8")
        assert yaml.safe_load(text)["$id"] in logger.schemas


def test_defaults_of_a_body_are_filled_in() -> None:
    body = specification.read_body("createSnapshot", json.dumps({"path": "a"}).encode())
    assert body == {
        "path": "a",
        "note": "",
        "tags": [],
        "consistency": "prefer_quiesced",
        "wait_s": 10,
    }


def test_a_query_is_typed_and_checked() -> None:
    assert specification.read_query("listSnapshots", {"limit": [b"7"], "other": [b"x"]})["limit"] == 7
    assert specification.read_query("listFiles", {"dir": [b"caf\xe9"]})["dir"] == "caf\udce9"
    for query in ({"limit": [b"0x7"]}, {"limit": [b"201"]}, {"all": [b"maybe"]}):
        with pytest.raises(RequestError) as refused:
            specification.read_query("listSnapshots", query)
        assert refused.value.status == 422
