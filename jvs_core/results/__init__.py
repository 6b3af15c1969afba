"""Answers of the operations, one class each, whose ``to_json()`` is the contract's JSON.

Paths inside a payload are text with other bytes as ``\\udc80`` to ``\\udcff`` escapes. Sizes are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.results.bisection import Bisection, BisectVerdict, Tried
    from jvs_core.results.browse import CacheShare, HistoryItem, SnapshotDetails, TreeEntry, Unchanged
    from jvs_core.results.changed import ChangedEntries, ChangedEntry, Comparison, Renamed
    from jvs_core.results.config import Setting
    from jvs_core.results.conformance import ConformanceReport, RequirementResult
    from jvs_core.results.doctor import RUNTIME_REPAIRS, DoctorReport, Finding
    from jvs_core.results.export import Exported
    from jvs_core.results.found import FileCopy, FileVersion, FoundFile, SnapshotChange, SnapshotChanges
    from jvs_core.results.gc import GcCandidate, GcCopy, GcFailure, GcKept, GcPlan, GcRun
    from jvs_core.results.moving import Cloned, Imported, ImportedSnapshot, RefusedSnapshot
    from jvs_core.results.proof import ProofReport
    from jvs_core.results.repository import AdoptionEstimate, HeavyFolder, Initialized, RepositoryInfo
    from jvs_core.results.restore import Extracted, Restored, RestoredInPlace
    from jvs_core.results.result import Result
    from jvs_core.results.run_table import RunTable, RunWork
    from jvs_core.results.seen_run import SeenRun
    from jvs_core.results.space import PathSpace, SnapshotSpace, SpaceUse, Stats, WorktreeSpace
    from jvs_core.results.status import Status, Unfinished
    from jvs_core.results.timeline import Copy, LossCause, LostFile, PutBack, Source, Thinned, TimelineState
    from jvs_core.results.verify import (
        AuditReport,
        ShareRead,
        SnapshotReport,
        Subset,
        SubsetReport,
        VerifyReport,
    )
    from jvs_core.results.view import View
    from jvs_core.results.worktree import LockStatus, WorktreeCreated, WorktreeInfo, WorktreeRemoved
else:
    __getattr__, __dir__ = attached(
        __name__,
        {
            ".bisection": "BisectVerdict Bisection Tried",
            ".browse": "CacheShare HistoryItem SnapshotDetails TreeEntry Unchanged",
            ".changed": "ChangedEntries ChangedEntry Comparison Renamed",
            ".config": "Setting",
            ".conformance": "ConformanceReport RequirementResult",
            ".doctor": "RUNTIME_REPAIRS DoctorReport Finding",
            ".export": "Exported",
            ".found": "FileCopy FileVersion FoundFile SnapshotChange SnapshotChanges",
            ".gc": "GcCandidate GcCopy GcFailure GcKept GcPlan GcRun",
            ".moving": "Cloned Imported ImportedSnapshot RefusedSnapshot",
            ".proof": "ProofReport",
            ".repository": "AdoptionEstimate HeavyFolder Initialized RepositoryInfo",
            ".restore": "Extracted Restored RestoredInPlace",
            ".result": "Result",
            ".run_table": "RunTable RunWork",
            ".seen_run": "SeenRun",
            ".space": "PathSpace SnapshotSpace SpaceUse Stats WorktreeSpace",
            ".status": "Status Unfinished",
            ".timeline": "Copy LossCause LostFile PutBack Source Thinned TimelineState",
            ".verify": "AuditReport ShareRead SnapshotReport Subset SubsetReport VerifyReport",
            ".view": "View",
            ".worktree": "LockStatus WorktreeCreated WorktreeInfo WorktreeRemoved",
        },
    )
