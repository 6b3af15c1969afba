"""Records as they lie on disk, one class each.

What is read from a repository may have been written by anybody. So every field that names something has a type with a
form, and what JVS writes back keeps no field that it does not know. Descriptors, audit records and checkpoints are never
written back and keep theirs: a checksum covers them. Times are ISO 8601 UTC with milliseconds, durations milliseconds,
sizes bytes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.model.announcement import Announcement
    from jvs_core.model.audit import AuditHead, AuditRecord, Checkpoint, Signature
    from jvs_core.model.damage import MOST_DAMAGED, MOST_UNHEALED, Damage
    from jvs_core.model.descriptor import AnnotatedDescriptor, Annotation, Descriptor, HashValue, Kind, Ready
    from jvs_core.model.export import ExportedPart
    from jvs_core.model.forms import (
        FORMAT_VERSION,
        LARGEST,
        LEASE_MS_MAXIMUM,
        LONGEST_TAG,
        LONGEST_TEXT,
        NAME,
        RUN_ID,
        SHORT_ID,
        SNAPSHOT_ID,
        UUID,
        VIEW,
    )
    from jvs_core.model.gc import Pin, Plan, Tombstone
    from jvs_core.model.intent import Intent
    from jvs_core.model.kept import Cause, KeptCopy
    from jvs_core.model.lease import LeaseRecord
    from jvs_core.model.process import Process
    from jvs_core.model.record import Record
    from jvs_core.model.ref import Ref
    from jvs_core.model.run import OUTPUTS_KEPT, FailedCell, Run, RunOutcome, RunOwner, Verdict
    from jvs_core.model.run_progress import RunProgress
    from jvs_core.model.tier import Tier, parse_tiers
    from jvs_core.model.worktree import Head, UndoPoint, Worktree, WorktreeConfig
else:
    __getattr__, __dir__ = attached(
        __name__,
        {
            ".announcement": "Announcement",
            ".audit": "AuditHead AuditRecord Checkpoint Signature",
            ".damage": "MOST_DAMAGED MOST_UNHEALED Damage",
            ".descriptor": "AnnotatedDescriptor Annotation Descriptor HashValue Kind Ready",
            ".export": "ExportedPart",
            ".forms": "FORMAT_VERSION LARGEST LEASE_MS_MAXIMUM LONGEST_TAG LONGEST_TEXT NAME RUN_ID SHORT_ID SNAPSHOT_ID UUID VIEW",
            ".gc": "Pin Plan Tombstone",
            ".intent": "Intent",
            ".kept": "Cause KeptCopy",
            ".lease": "LeaseRecord",
            ".process": "Process",
            ".record": "Record",
            ".ref": "Ref",
            ".run": "OUTPUTS_KEPT FailedCell Run RunOutcome RunOwner Verdict",
            ".run_progress": "RunProgress",
            ".tier": "Tier parse_tiers",
            ".worktree": "Head UndoPoint Worktree WorktreeConfig",
        },
    )


def models() -> tuple[type[Record], ...]:
    """Return every record class, for documentation and tests."""
    package = sys.modules[__name__]
    every = {name: getattr(package, name) for name in dir(package)}
    return tuple(every["Record"].__subclasses__())
