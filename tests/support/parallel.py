"""How tests are shared out to workers that run side by side, and which of them a short run leaves out."""

from __future__ import annotations

import zlib
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.filesystems import KINDS

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# What starts a server for all tests of a folder, which then belong to one worker; it comes first, being long.
_TOGETHER = ("tests/browser/", "tests/jupyter/hub/")
# Long tests that share nothing but mounts; they come last, one by one, so that both workers end at the same time.
_APART = ("tests/crash/",)
# The parameters that say which file system a test is given, where their value is one, or one and an engine.
_GIVEN = ("filesystem", "loop_filesystem", "kind", "pair")


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # xdist carries no types
    """Gives a worker a module at a time: a folder with a server as one, long tests singly."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """Give the work of a worker that died to others, but not the test that it died of; return that."""
        workload: dict[str, dict[str, bool]] = self.assigned_work.pop(node)
        open_tests = [name for unit in workload.values() for name, done in unit.items() if not done]
        if not open_tests:
            return None
        died_of = open_tests[0]
        for scope, unit in workload.items():
            if died_of in unit:
                unit[died_of] = True
            if not all(unit.values()):
                self.workqueue[scope] = unit
        for other in self.assigned_work:
            self._reschedule(other)
        return died_of


def scope_of(nodeid: str) -> str:
    """Return the name that all tests have in common which one worker is to run one after another."""
    for folder in _TOGETHER:
        if nodeid.startswith(folder):
            return folder
    return nodeid if nodeid.startswith(_APART) else nodeid.partition("::")[0]


def put_in_order(items: list[pytest.Item]) -> None:
    """Let the long pieces come first, and last what is shared out singly, where it fills up what is left."""
    items.sort(
        key=lambda item: -1 if item.nodeid.startswith(_TOGETHER) else int(item.nodeid.startswith(_APART))
    )


def mark_further(items: list[pytest.Item]) -> None:
    """Mark as ``further`` all but one of the file systems that a test ``in_turn`` proves the same on.

    The one that stays is another for each test, chosen by the test's name, so that they all have their share. What is
    marked ``on_each`` is no repetition, though its module be ``in_turn``.
    """
    proofs: defaultdict[str, list[tuple[str, pytest.Item]]] = defaultdict(list)
    for item in items:
        callspec = getattr(item, "callspec", None)
        if (
            item.get_closest_marker("in_turn") is None
            or item.get_closest_marker("on_each")
            or callspec is None
        ):
            continue
        kind = next(filter(None, (_kind_of(callspec.params.get(name)) for name in _GIVEN)), None)
        if kind is not None:
            # By the id: the values of other parameters may look different in each worker.
            rest = callspec.id.split("-")
            rest.remove(kind)
            proofs[f"{item.nodeid.partition('[')[0]} {rest}"].append((kind, item))
    for proof, cases in proofs.items():
        cases.sort(key=lambda case: case[0])
        stays = zlib.crc32(proof.encode()) % len(cases)
        for number, (_, item) in enumerate(cases):
            if number != stays:
                item.add_marker("further")


def _kind_of(given: object) -> str | None:
    """Return the file system that a parameter's value names, alone or before an engine that works there."""
    name = given[0] if isinstance(given, tuple) and given else given
    return name if isinstance(name, str) and name in KINDS else None
