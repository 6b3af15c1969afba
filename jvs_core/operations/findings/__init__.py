"""Every kind of finding of ``doctor``: its code, its severity, and the repair for it."""

from __future__ import annotations

from jvs_core.operations.findings.control import (
    CHECK_FAILED,
    CONFIG_MISSING,
    FOLDER_LOST,
    FOLDER_MISSING,
    FOLDER_REPLACED,
    KEPT_DAMAGED,
    LEFTOVER,
)
from jvs_core.operations.findings.gc import (
    GC_STRAY,
    GC_TRASH,
    GC_UNFINISHED,
    PLAN_DAMAGED,
    PLAN_OPEN,
    STUB_LOST,
    TOMBSTONE_DAMAGED,
    TOMBSTONE_FOREIGN,
)
from jvs_core.operations.findings.intents import (
    INTENT_ABANDONED,
    INTENT_AHEAD,
    INTENT_DAMAGED,
    INTENT_OF_ANOTHER,
    RESTORE_ABANDONED,
    RESTORE_OF_ANOTHER,
)
from jvs_core.operations.findings.kind import Kind, Loss, Severity
from jvs_core.operations.findings.locks import (
    LOCK_DEAD,
    LOCK_ORPHAN,
    LOCK_REPLACED,
    LOCK_STRAY,
    LOCK_SUPERSEDED,
    LOCK_UNREADABLE,
)
from jvs_core.operations.findings.log import AUDIT_BROKEN, RUN_DAMAGED, RUN_FOREIGN, RUN_REMAINS, RUN_UNNAMED
from jvs_core.operations.findings.refs import (
    PIN_DAMAGED,
    PIN_DANGLING,
    PIN_EXPIRED,
    PIN_LOST,
    REF_BROKEN,
    REF_LOST,
)
from jvs_core.operations.findings.snapshots import (
    ANNOTATION_DAMAGED,
    ANNOTATION_FOREIGN,
    CIRCLE,
    DAMAGE_UNREADABLE,
    DESCRIPTOR_DAMAGED,
    DESCRIPTOR_FOREIGN,
    PARENT_MISSING,
    SNAPSHOT_AHEAD,
    SNAPSHOT_DAMAGED,
    SNAPSHOT_FOREIGN,
    SNAPSHOT_LOST,
    SNAPSHOT_PARTIAL,
    SNAPSHOT_UNFINISHED,
    SNAPSHOT_UNHEALED,
    SNAPSHOT_UNKNOWN,
)
from jvs_core.operations.findings.worktrees import (
    HEAD_DAMAGED,
    HEAD_FOREIGN,
    HEAD_MISSING,
    LABELS_FOREIGN,
    REPOSITORY_INSIDE,
    WORKTREE_DAMAGED,
    WORKTREE_EMPTY,
    WORKTREE_ESCAPES,
    WORKTREE_LOST,
    WORKTREE_UNKNOWN,
    WORKTREE_UNREGISTERED,
)


def kinds() -> dict[str, Kind]:
    """Return every kind by its name, for documentation and tests."""
    return {name: kind for name, kind in globals().items() if isinstance(kind, Kind)}
