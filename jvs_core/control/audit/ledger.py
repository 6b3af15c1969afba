"""The ledger: which snapshots, refs, pins and worktrees there must be, according to the audit log.

Snapshots with their hashes and annotations, refs, pins, worktrees, heads, labels and runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from jvs_core.control.audit import log_file
from jvs_core.control.layout import Layout
from jvs_core.model import Annotation

BEGINNINGS = ("clone", "import")
"""Operations that state all that a repository holds, whatever its log, taken over from another one, says before."""


@dataclass
class Ledger:
    """The log's net effect.

    ``snapshots`` maps an id to (descriptor checksum, payload root hash), ``pins`` an id to (snapshot, end or None),
    ``worktrees`` an id to a name, ``heads`` and ``labels`` the id of a worktree to its head record and its labels,
    ``runs`` an id to the digest of its record, ``removed_runs`` are those whose record was removed, ``annotations`` the id of a snapshot to its annotations by number. A pin
    that an in-place restore made is not in the log. ``called`` has for each name the ids of worktrees that ever had it.
    """

    snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    pins: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    worktrees: dict[str, str] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    removed_runs: set[str] = field(default_factory=set)
    annotations: dict[str, dict[int, Annotation]] = field(default_factory=dict)
    called: dict[str, set[str]] = field(default_factory=dict)

    def call(self, worktree_id: str, name: str) -> None:
        """Give a worktree its name."""
        self.called.setdefault(name, set()).add(worktree_id)
        self.worktrees[worktree_id] = name

    def forget(self, worktree_id: str) -> None:
        """Forget a worktree that was removed."""
        for known in (self.worktrees, self.heads, self.labels):
            known.pop(worktree_id, None)


def read(layout: Layout, *, before: Iterable[bytes] = ()) -> Ledger:
    """Return the ledger of the lines ``before`` and of a repository's log.

    Lines that cannot be read are skipped: the chain check names them.
    """
    return read_lines(chain(before, log_file.lines(layout)))


def read_lines(lines: Iterable[bytes]) -> Ledger:
    """Return the ledger of the ``lines`` of a log."""
    ledger = Ledger()
    for line in lines:
        try:
            record = json.loads(line)
            _enter(ledger, record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return ledger


def _enter(ledger: Ledger, record: dict[str, Any]) -> None:
    operation, details = record["operation"], record["details"]
    if "head" in details:
        known = ledger.heads.get(record["worktree_id"], {})
        if details["head"]["number"] > known.get(
            "number", 0
        ):  # a record may come late, after that of the next head
            ledger.heads[record["worktree_id"]] = dict(details["head"])
    if operation == "snapshot":
        ledger.snapshots[record["snapshot_id"]] = (
            details["descriptor_checksum"],
            details["payload_root_hash"],
        )
    elif operation == "ref_create":
        ledger.refs[record["target"]] = record["snapshot_id"]
    elif operation == "ref_delete":
        ledger.refs.pop(record["target"], None)
    elif operation == "gc_pin":
        ledger.pins[record["target"]] = (record["snapshot_id"], details["expires_at"])
    elif operation == "gc_unpin":
        ledger.pins.pop(record["target"], None)
    elif operation in ("repair", *BEGINNINGS):
        _take_over(ledger, operation, details)
    elif operation.startswith("run_"):
        _enter_run(ledger, operation, record["target"], details)
    elif operation == "annotate":
        _annotate(ledger, details["annotation"])
    elif operation == "gc_run":
        ledger.removed.update(details["deleted"])
    else:
        _enter_worktree(ledger, record, operation, details)


def _enter_run(ledger: Ledger, operation: str, run_id: str, details: dict[str, Any]) -> None:
    if operation == "run_remove":
        ledger.runs.pop(run_id, None)
        ledger.removed_runs.add(run_id)
    elif operation in ("run_start", "run_finish", "run_annotate"):
        ledger.runs[run_id] = details["record_sha256"]


def _enter_worktree(ledger: Ledger, record: dict[str, Any], operation: str, details: dict[str, Any]) -> None:
    """Follow the worktrees. A restore makes one, unless it is in place or of a path."""
    own, name = record["worktree_id"], record["worktree"]
    if "labels" in details:
        ledger.labels[own] = dict(details["labels"])
    if operation in ("init", "worktree_create") or (
        operation == "restore" and not details.get("inplace") and "path" not in details
    ):
        for other in ledger.called.pop(name, ()):
            if ledger.worktrees.get(other) == name:
                ledger.forget(other)  # a name is free again only after its worktree is gone
        ledger.call(own, name)
    elif operation == "worktree_rename":
        ledger.call(own, name)
    elif operation == "worktree_remove":
        ledger.forget(own)


def _annotate(ledger: Ledger, record: object) -> None:
    annotation = Annotation.model_validate(record)
    ledger.annotations.setdefault(annotation.snapshot_id, {})[annotation.number] = annotation


def _take_over(ledger: Ledger, operation: str, details: dict[str, Any]) -> None:
    """Enter what a record names: of a repair, what an earlier log said and the repair added; else all that there is."""
    if operation in BEGINNINGS:
        for known in fields(ledger):
            getattr(ledger, known.name).clear()
    ledger.snapshots.update(
        {key: (value[0], value[1]) for key, value in details.get("snapshots", {}).items()}
    )
    ledger.refs.update(details.get("refs", {}))
    ledger.removed.update(details.get("removed", ()))
    ledger.pins.update({key: (value[0], value[1]) for key, value in details.get("pins", {}).items()})
    for worktree_id, name in details.get("worktrees", {}).items():
        ledger.call(worktree_id, name)
    ledger.heads.update(details.get("heads", {}))
    ledger.labels.update(details.get("labels", {}))
    ledger.runs.update(details.get("runs", {}))
    ledger.removed_runs.update(details.get("removed_runs", ()))
    for record in details.get("annotations", ()):
        _annotate(ledger, record)
