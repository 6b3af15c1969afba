"""Making a proof: copies of records and the part of the log that binds them, up to a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from jvs_core import canonical, regular
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit import log_file
from jvs_core.control.records import runs
from jvs_core.errors import AuditChainBroken
from jvs_core.model import ExportedPart
from jvs_core.operations.context import Context
from jvs_core.operations.log import report

FOLDER = "jvs"
PART = f"{FOLDER}/export.json"


def make(
    ctx: Context,
    snapshot_ids: Iterable[str],
    run_ids: Iterable[str],
    key: Path | None,
    part: ExportedPart | None = None,
) -> dict[str, bytes]:
    """Return the files of a proof by name: descriptors, manifests, run records, the log from the first record about them on.

    Where it goes with an export of one snapshot, ``part`` says what that must hold. With ``key`` the checkpoint is signed. Raises AuditChainBroken, DescriptorCorrupt, SnapshotNotFound, SnapshotExpired.
    """
    found: dict[str, bytes] = {}
    named: set[str] = set()
    for snapshot_id in dict.fromkeys(snapshot_ids):
        catalog.require_kept(ctx.layout, snapshot_id)
        catalog.read(ctx.layout, snapshot_id)
        named.add(snapshot_id)
        folder = f"{FOLDER}/snapshots/{snapshot_id}"
        found[f"{folder}/descriptor.json"] = ctx.layout.read(ctx.layout.descriptor(snapshot_id))
        found[f"{folder}/manifest"] = ctx.layout.read(ctx.layout.manifest(snapshot_id))
    with ctx.critical():  # no record may follow between the log and its checkpoint
        for run_id in dict.fromkeys(run_ids):
            named.add(run_id)
            found[f"{FOLDER}/runs/{run_id}.json"] = regular.read_regular(runs.RUNS.place(ctx.layout, run_id))
        checkpoint = report.make_checkpoint(ctx, key)
        lines = list(log_file.lines(ctx.layout))
    first = next((at for at, line in enumerate(lines) if _is_about(line, named)), None)
    if first is None:
        raise AuditChainBroken(
            "the log has no record of what this file should prove", hint="jvs verify --all"
        )
    if part is not None:
        found[PART] = canonical.dumps(part.to_json()) + b"\n"
    found[f"{FOLDER}/log.jsonl"] = b"".join(lines[first:])
    found[f"{FOLDER}/checkpoint.json"] = canonical.dumps(checkpoint.to_json()) + b"\n"
    return found


def _is_about(line: bytes, named: set[str]) -> bool:
    try:
        record = json.loads(line)
        if record["operation"] in ledgers.BEGINNINGS:
            details = record["details"]
            return not named.isdisjoint([*details["snapshots"], *details["runs"]])
        return record["snapshot_id"] in named or record["target"] in named
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
