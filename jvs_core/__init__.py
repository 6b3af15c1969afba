"""JVS: snapshot-native versioning of whole workspaces.

``Repository`` is the door to everything; see its docstring. The names below are the public interface; all else may
change without notice. They are loaded on first use, so that ``import jvs_core`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached
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

__getattr__, __dir__ = attached(
    __name__,
    {
        ".control.lock.lease": "Lease",
        ".control.trust": "Trusted distrust trust trusted",
        ".differences": "Difference Differences known_summaries summary what_changed what_changed_in",
        ".errors": "AlreadyExists InputError JvsError LockConflict NotARepository OutsideRoot UntrustedRepository",
        ".model": "AnnotatedDescriptor AuditRecord Checkpoint Descriptor LeaseRecord Pin Ref Run Verdict",
        ".operations.sandbox": "Sandbox",
        ".operations.snapshot_file": "SnapshotFile",
        ".operations.timeline.schedule": "Schedule",
        ".operations.timeline.watching": "Watch",
        ".progress": "Progress",
        ".repository": "Repository",
        ".results": "RunTable RunWork SeenRun WorktreeInfo",
        ".settings": "Settings TimelineConfig",
    },
)

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
