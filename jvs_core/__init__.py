"""JVS: snapshot-native versioning of whole workspaces.

``Repository`` is the door to everything; see its docstring. The names below are the public interface; all else may
change without notice. They are loaded on first use, so that ``import jvs_core`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jvs_core.version import __version__

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.control.trust import Trusted, distrust, trust, trusted
    from jvs_core.differences import (
        Difference,
        Differences,
        known_summaries,
        summary,
        what_changed,
        what_changed_in,
    )
    from jvs_core.errors import (
        AlreadyExists,
        InputError,
        JvsError,
        LockConflict,
        NotARepository,
        OutsideRoot,
        UntrustedRepository,
    )
    from jvs_core.model import (
        AnnotatedDescriptor,
        AuditRecord,
        Checkpoint,
        Descriptor,
        LeaseRecord,
        Pin,
        Ref,
        Run,
        Verdict,
    )
    from jvs_core.operations.sandbox import Sandbox
    from jvs_core.operations.snapshot_file import SnapshotFile
    from jvs_core.operations.timeline.schedule import Schedule
    from jvs_core.operations.timeline.watching import Watch
    from jvs_core.progress import Progress
    from jvs_core.repository import Repository
    from jvs_core.results import RunTable, RunWork, SeenRun, WorktreeInfo
    from jvs_core.settings import Settings, TimelineConfig

_HOMES = {
    "AlreadyExists": "jvs_core.errors",
    "AnnotatedDescriptor": "jvs_core.model",
    "AuditRecord": "jvs_core.model",
    "Checkpoint": "jvs_core.model",
    "Descriptor": "jvs_core.model",
    "Difference": "jvs_core.differences",
    "Differences": "jvs_core.differences",
    "InputError": "jvs_core.errors",
    "JvsError": "jvs_core.errors",
    "Lease": "jvs_core.control.lock.lease",
    "LeaseRecord": "jvs_core.model",
    "LockConflict": "jvs_core.errors",
    "NotARepository": "jvs_core.errors",
    "OutsideRoot": "jvs_core.errors",
    "Pin": "jvs_core.model",
    "Progress": "jvs_core.progress",
    "Ref": "jvs_core.model",
    "Repository": "jvs_core.repository",
    "Run": "jvs_core.model",
    "RunTable": "jvs_core.results",
    "RunWork": "jvs_core.results",
    "Sandbox": "jvs_core.operations.sandbox",
    "Schedule": "jvs_core.operations.timeline.schedule",
    "SeenRun": "jvs_core.results",
    "Settings": "jvs_core.settings",
    "TimelineConfig": "jvs_core.settings",
    "SnapshotFile": "jvs_core.operations.snapshot_file",
    "Trusted": "jvs_core.control.trust",
    "UntrustedRepository": "jvs_core.errors",
    "Verdict": "jvs_core.model",
    "Watch": "jvs_core.operations.timeline.watching",
    "WorktreeInfo": "jvs_core.results",
    "distrust": "jvs_core.control.trust",
    "known_summaries": "jvs_core.differences",
    "summary": "jvs_core.differences",
    "trust": "jvs_core.control.trust",
    "trusted": "jvs_core.control.trust",
    "what_changed": "jvs_core.differences",
    "what_changed_in": "jvs_core.differences",
}

__all__ = [
    "AlreadyExists",
    "AnnotatedDescriptor",
    "AuditRecord",
    "Checkpoint",
    "Descriptor",
    "Difference",
    "Differences",
    "InputError",
    "JvsError",
    "Lease",
    "LeaseRecord",
    "LockConflict",
    "NotARepository",
    "OutsideRoot",
    "Pin",
    "Progress",
    "Ref",
    "Repository",
    "Run",
    "RunTable",
    "RunWork",
    "Sandbox",
    "Schedule",
    "SeenRun",
    "Settings",
    "SnapshotFile",
    "TimelineConfig",
    "Trusted",
    "UntrustedRepository",
    "Verdict",
    "Watch",
    "WorktreeInfo",
    "__version__",
    "distrust",
    "known_summaries",
    "summary",
    "trust",
    "trusted",
    "what_changed",
    "what_changed_in",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jvs_core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
