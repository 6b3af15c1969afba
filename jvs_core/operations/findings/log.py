"""Findings about the audit log, and about the records of runs that it holds."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

RUN_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the record of a run cannot be read",
    None,
    "restore its file in `.jvs/runs` from a backup, or move it out of the repository",
)
RUN_FOREIGN = Kind(
    "E_RUN_FOREIGN",
    "error",
    "the record of a run differs from the log: its metrics and outcome prove nothing",
    None,
    "restore its file in `.jvs/runs` from a backup",
)
RUN_UNNAMED = Kind(
    "W_RUN_UNNAMED",
    "warning",
    "the record of a run that the log knows still has a temporary name",
    "clean_tmp",
    "gives it its final name",
)
RUN_REMAINS = Kind(
    "W_RUN_REMAINS",
    "warning",
    "the record of a removed run still exists",
    "clean_tmp",
    "removes it",
)
AUDIT_BROKEN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "the audit log was changed, cut or damaged",
    "audit_repair",
    "moves the whole log aside and starts a new one. The new log names the old one, and what exists without a record: refs, sound snapshots, removals by gc",
)
