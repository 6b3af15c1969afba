"""The ledger follows worktrees through names that are given again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jvs_core.control.audit import ledger

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["init", "worktree_create", "worktree_rename", "worktree_remove", "repair"]),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=12,
)


def line(operation: str, own: str, name: str) -> bytes:
    details: dict[str, Any] = {"worktrees": {own: name}} if operation == "repair" else {"labels": {"of": own}}
    return json.dumps(
        {"operation": operation, "worktree_id": own, "worktree": name, "details": details}
    ).encode()


def scanned(steps: list[tuple[str, str, str]]) -> dict[str, str]:
    """Return the names of worktrees, each found by looking at all of them."""
    names: dict[str, str] = {}
    for operation, own, name in steps:
        if operation == "worktree_remove":
            names.pop(own, None)
            continue
        if operation in ("init", "worktree_create"):
            names = {key: called for key, called in names.items() if called != name}
        names[own] = name
    return names


@given(STEPS)
def test_a_new_worktree_replaces_whichever_has_its_name(steps: list[tuple[str, str, str]]) -> None:
    found = ledger.read_lines(line(*step) for step in steps)
    assert found.worktrees == scanned(steps)
