"""What the audit log says must be there: snapshots with their hashes, refs, pins, worktrees, and what gc removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from jvs_core.control import audit_log
from jvs_core.control.layout import Layout


@dataclass
class Ledger:
    """The log's net effect.

    ``snapshots`` maps an id to (descriptor checksum, payload root hash), ``pins`` an id to (snapshot, end or None),
    ``worktrees`` an id to a name. The making of ``main`` is not in the log by its id, nor is a pin that an in-place
    restore made.
    """

    snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    pins: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    worktrees: dict[str, str] = field(default_factory=dict)


def read(layout: Layout, *, before: Iterable[bytes] = ()) -> Ledger:
    """Return the ledger of the lines ``before`` and of a repository's log.

    Lines that cannot be read are skipped: the chain check names them.
    """
    ledger = Ledger()
    for line in chain(before, audit_log.lines(layout)):
        try:
            record = json.loads(line)
            _enter(ledger, record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return ledger


def _enter(ledger: Ledger, record: dict[str, Any]) -> None:
    operation, details = record["operation"], record["details"]
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
    elif operation == "repair" and "snapshots" in details:
        _take_over(ledger, details)
    elif operation == "gc_run":
        ledger.removed.update(details["deleted"])
    else:
        _enter_worktree(ledger, record, operation, details)


def _enter_worktree(ledger: Ledger, record: dict[str, Any], operation: str, details: dict[str, Any]) -> None:
    """Follow the worktrees. A restore makes one, unless it is in place or of a path."""
    own, name = record["worktree_id"], record["worktree"]
    if operation == "worktree_create" or (
        operation == "restore" and not details.get("inplace") and "path" not in details
    ):
        for other in [key for key, called in ledger.worktrees.items() if called == name]:
            del ledger.worktrees[other]  # a name is free again only after its worktree is gone
        ledger.worktrees[own] = name
    elif operation == "worktree_rename":
        ledger.worktrees[own] = name
    elif operation == "worktree_remove":
        ledger.worktrees.pop(own, None)


def _take_over(ledger: Ledger, details: dict[str, Any]) -> None:
    """Take over what a repair of the log knew of the one before, or took up."""
    ledger.snapshots.update({key: (value[0], value[1]) for key, value in details["snapshots"].items()})
    ledger.refs.update(details.get("refs", {}))
    ledger.removed.update(details.get("removed", ()))
    ledger.pins.update({key: (value[0], value[1]) for key, value in details.get("pins", {}).items()})
    ledger.worktrees.update(details.get("worktrees", {}))
