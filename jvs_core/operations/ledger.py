"""What the audit log says must be there: snapshots with their hashes, refs, and what gc removed."""

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
    """The log's net effect. ``snapshots`` maps an id to (descriptor checksum, payload root hash)."""

    snapshots: dict[str, tuple[str, str]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


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
    elif operation == "repair" and "set_aside" in details:
        ledger.snapshots.update({key: (value[0], value[1]) for key, value in details["snapshots"].items()})
        ledger.refs.update(details["refs"])
        ledger.removed.update(details["removed"])
    elif operation == "gc_run":
        ledger.removed.update(details["deleted"])
