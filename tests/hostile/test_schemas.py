"""What every command prints with ``--json`` is what its published schema says, and nothing beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jvs_core.errors import InputError, error_classes
from jvs_core.schemas import names, schema
from tests.hostile import every_command
from tests.hostile.test_fuzz import Template, made

# They print no JSON of their own, or hand on that of others.
WITHOUT = {"mcp", "hub serve"}
# What needs a process of its own for its input, or is refused where it is tried.
NOT_TRIED = {"import", "init", "lock run", "run cancel", "sandbox run"}
# Their records grow with every kind of run, and with every deployment of a hub.
OPEN = ("run ", "hub ")


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    with made() as found:
        yield found


def closed(value: Any) -> Any:
    """Return a schema that allows no field that it does not name, unless it says that it does."""
    if isinstance(value, list):
        return [closed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: closed(each) for key, each in value.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def test_every_command_has_one_and_each_is_a_schema() -> None:
    assert set(names()) == (set(every_command.names()) - WITHOUT) | {"error"}
    for name in names():
        found = schema(name)
        jsonschema.Draft202012Validator.check_schema(found)
        assert "secret" not in json.dumps(found.get("properties", {})), name
    assert (files("jvs_core.schemas") / "gc.plan.json").is_file()
    with pytest.raises(InputError, match="no schema"):
        schema("../errors")


def test_what_every_command_prints_is_what_its_schema_says(template: Template, tmp_path: Path) -> None:
    victim = template.copy(tmp_path)
    known = {**template.known, "repo": tmp_path / "repo", "own": tmp_path / "own"}
    held: set[str] = set()
    wrong: list[object] = []
    with every_command.light(tmp_path, victim.environment()):
        for step in every_command.STEPS:
            for line in every_command.lines(step, **known):
                name = every_command.name_of(line)
                if name in WITHOUT:
                    continue
                printed = json.loads(every_command.run(line, at=tmp_path / "repo/main", as_json=True).out)
                failed = isinstance(printed, dict) and printed.keys() == {"error"}
                wanted = schema("error" if failed else name)
                wanted = wanted if name.startswith(OPEN) else closed(copy.deepcopy(wanted))
                held |= set() if failed else {name}
                validator = jsonschema.Draft202012Validator(wanted)
                wrong += [(" ".join(line), error.message[:300]) for error in validator.iter_errors(printed)]
    assert wrong == []
    assert set(every_command.names()) - held <= WITHOUT | NOT_TRIED


def test_every_error_is_what_the_schema_says() -> None:
    validator = jsonschema.Draft202012Validator(closed(schema("error")))
    for kind in error_classes():
        validator.validate({"error": kind("what happened", hint=None).to_json()})
    assert not validator.is_valid({"error": {"code": "E_X", "message": "m"}})


def test_a_field_too_many_or_too_few_is_noticed() -> None:
    validator = jsonschema.Draft202012Validator(closed(schema("gc unpin")))
    pin = {
        "pin_id": "0" * 12,
        "snapshot_id": "0000000000000-00000000",
        "reason": "",
        "created_at": "2026-11-28T17:27:12.000Z",
        "created_by": "me",
        "expires_at": None,
        "lineage": False,
    }
    validator.validate(pin)
    assert not validator.is_valid({**pin, "more": 1})
    assert not validator.is_valid({key: pin[key] for key in pin if key != "reason"})
