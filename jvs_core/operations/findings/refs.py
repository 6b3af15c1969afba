"""Findings about refs and pins."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

REF_BROKEN = Kind(
    "E_REF_BROKEN",
    "error",
    "a ref cannot be read, or names a snapshot that is missing",
    None,
    "restore it, or the snapshot, from a backup",
)
REF_LOST = Kind(
    "E_REF_BROKEN",
    "error",
    "a ref is missing, or names another snapshot than the log; gc refuses to work",
    None,
    "restore its file in `.jvs/refs` from a backup, or release it with `jvs ref delete` and create it again",
)
PIN_LOST = Kind(
    "E_PIN_NOT_FOUND",
    "error",
    "a pin is missing, or differs from the log; gc refuses to work",
    None,
    "restore its file in `.jvs/gc/pins` from a backup, or release it with `jvs gc unpin` and pin again",
)
PIN_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "a pin cannot be read; gc refuses to plan",
    None,
    "restore its file in `.jvs/gc/pins`, or remove it",
)
PIN_DANGLING = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "a pin names a snapshot that is missing; gc refuses to plan",
    None,
    "run `jvs gc unpin`, or restore the snapshot",
)
PIN_EXPIRED = Kind(
    "W_PIN_EXPIRED", "info", "a pin that expired and protects nothing any more", "clean_tmp", "removes it"
)
