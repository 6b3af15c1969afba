"""Records: every identity has a form, is the name of its file, and leads nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from jvs_core.control.catalog import DESCRIPTORS
from jvs_core.control.layout import Layout
from jvs_core.control.records.pins import PINS
from jvs_core.control.records.plans import PLANS
from jvs_core.control.records.refs import REFS
from jvs_core.control.records.register import Register
from jvs_core.control.records.runs import RUNS
from jvs_core.control.records.tombstones import TOMBSTONES
from jvs_core.errors import DescriptorCorrupt, JvsError, PathEscape
from jvs_core.model import Plan, Record, models
from jvs_core.validated import FieldInfo, Model

REGISTERS: list[Register[Any]] = [DESCRIPTORS, PINS, PLANS, REFS, RUNS, TOMBSTONES]
# Fields that name something by a part of their own name, and those that are words of a person or of a machine.
NAMING = ("_id", "_ids", "worktree", "name", "point", "reproduces", "candidates", "origin")
WORDS = {"holder_id", "boot_id", "operation_name"}
HOSTILE = [
    "/etc/passwd",
    "../../../victim",
    "..",
    ".",
    "",
    "a\0b",
    "x" * 5000,
    "é",
    "id\n",
    "1700000000000-00000001/../../x",
    "~root",
]
PLAN = Plan(
    plan_id="0123456789ab",
    created_at="2026-01-01T00:00:00.000Z",
    created_by="ada@here",
    policy={},
    thinning=False,
    candidates=(),
)


def models_below(base: type[Model]) -> Iterator[type[Model]]:
    for each in base.__subclasses__():
        yield each
        yield from models_below(each)


def forms(field: FieldInfo) -> list[str]:
    about: list[Any] = [field, *field.metadata]
    stack: list[Any] = [field.annotation]
    while stack:
        each = stack.pop()
        about += getattr(each, "__metadata__", ())
        stack += get_args(each)
    return [
        each.rules["pattern"] for each in about if isinstance(each, FieldInfo) and "pattern" in each.rules
    ]


def test_every_identity_in_every_record_has_a_form() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for model in models_below(Record)
        for name, field in model.model_fields.items()
        if name.endswith(NAMING) and name not in WORDS and not forms(field)
    ]
    assert bare == []
    assert set(models()) <= set(models_below(Record))


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.folder)
@pytest.mark.parametrize("key", HOSTILE)
def test_what_cannot_be_an_identity_finds_nothing_and_names_no_place(
    layout: Layout, register: Register[Any], key: str
) -> None:
    assert register.find(layout, key) is None
    assert not register.exists(layout, key)
    with pytest.raises(JvsError):
        register.place(layout, key)
    with pytest.raises(JvsError):
        register.remove(layout, key)


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.folder)
def test_a_record_that_speaks_of_another_is_damaged(layout: Layout, register: Register[Any]) -> None:
    one, other = sorted(_identities(register))
    register.place(layout, one).write_text(json.dumps({register.identity: other}))
    with pytest.raises(register.damaged):
        register.find(layout, one)
    assert register.keys(layout) == [one]
    assert list(register.readable(layout)[1]) == [one]


def test_a_whole_record_under_the_name_of_another_is_damaged(layout: Layout) -> None:
    PLANS.create(layout, PLAN)
    data = PLANS.place(layout, PLAN.plan_id).read_bytes()
    PLANS.place(layout, "0123456789ac").write_bytes(data)
    for find in (PLANS.find, PLANS.find_own):
        assert find(layout, PLAN.plan_id) == PLAN
        with pytest.raises(DescriptorCorrupt, match="names"):
            find(layout, "0123456789ac")


def _identities(register: Register[Any]) -> tuple[str, str]:
    candidates = ("one", "two", "0" * 12, "1" * 12, "1700000000000-00000001", "1700000000000-00000002")
    runs = ("run-1700000000000-00000001", "run-1700000000000-00000002")
    fitting = [each for each in (*runs, *candidates[::-1]) if register.fits(each)]
    return fitting[0], fitting[1]


@pytest.mark.parametrize("key", [*HOSTILE, "/tmp/x"])
def test_paths_are_joined_from_identities_only(layout: Layout, key: str) -> None:
    for join in (
        layout.locks,
        layout.snapshot,
        layout.payload,
        layout.manifest,
        layout.descriptor,
        layout.trash,
        layout.worktree,
        layout.worktree_config,
        layout.heads,
    ):
        with pytest.raises(PathEscape):
            Path(join(key))


@pytest.mark.parametrize("wrong", ["owner", "mode"])
def test_what_others_could_have_written_is_carried_out_by_nobody(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    PLANS.create(layout, PLAN)
    place = PLANS.place(layout, PLAN.plan_id)
    assert PLANS.find_own(layout, PLAN.plan_id) == PLAN
    assert PLANS.find_own(layout, "0123456789ac") is None
    assert PLANS.find_own(layout, "..") is None
    if wrong == "mode":
        place.chmod(0o660)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    assert PLANS.find_own(layout, PLAN.plan_id) is None
    assert PLANS.find(layout, PLAN.plan_id) == PLAN
