"""Names of worktrees: safe for any user name, and never anybody else's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jvs_jupyter.hub.names import Person, session_name, worktree_name

HOSTILE = [
    "..",
    ".",
    "/etc/passwd",
    "",
    "main",
    "HEAD",
    "-rf",
    "a" * 200,
    "a" * 201,
    "Ann",
    "ann",
    "ánn",
    "a\u0301nn",
]
HOSTILE += [
    "a b",
    "a-b",
    "a_b",
    "a/b",
    "a\0b",
    "日本",
    "日木",
    "🙂",
    "a\n",
    "\udc80",
    "con",
    "a" * 40 + "x",
    "a" * 40 + "y",
]


@pytest.mark.parametrize("user", HOSTILE, ids=ascii)
def test_any_user_name_makes_a_safe_worktree_name(user: str) -> None:
    for person in (Person(user), Person(user, user), Person(user, "", "7@2026")):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,81}", worktree_name(person))
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}", session_name(person))


def test_hostile_names_never_meet() -> None:
    everybody = [Person(user, server) for user in HOSTILE for server in ("", "gpu", *HOSTILE[:4])]
    distinct = set(everybody)
    assert len({worktree_name(person).lower() for person in distinct}) == len(distinct)


@given(st.text(), st.text(), st.text(), st.text())
def test_user_and_server_cannot_be_confused(user: str, server: str, other: str, others: str) -> None:
    if (user, server) != (other, others):
        assert worktree_name(Person(user, server)) != worktree_name(Person(other, others))


def test_the_hubs_identity_outlives_a_new_name_and_a_new_user_of_an_old_name_is_somebody_else() -> None:
    before, after = Person("ann", "", "7@2026-01-01"), Person("anna", "", "7@2026-01-01")
    assert worktree_name(before).rsplit("-")[-1] == worktree_name(after).rsplit("-")[-1]
    assert session_name(before) == session_name(after)
    assert worktree_name(before) != worktree_name(Person("ann", "", "9@2026-02-02"))
    assert not Person("ann", "", "9@2026-02-02").owns(before.labels)
    assert Person("ann", "", "9@2026-02-02").owns(Person("ann").labels)
    assert not Person("ann", "gpu").owns(before.labels)
