"""Answers of the operations, one class each, whose ``to_json()`` is the contract's JSON.

Paths inside a payload are text with other bytes as ``\\udc80`` to ``\\udcff`` escapes. Sizes are bytes.
"""

from __future__ import annotations

from jvs_core.results.bisection import Bisection, BisectVerdict, Tried
from jvs_core.results.browse import (
    CacheShare,
    HistoryItem,
    SnapshotDetails,
    TreeEntry,
    Unchanged,
)
from jvs_core.results.changed import ChangedEntries, ChangedEntry, Comparison, Renamed
from jvs_core.results.conformance import ConformanceReport, RequirementResult
from jvs_core.results.doctor import RUNTIME_REPAIRS, DoctorReport, Finding
from jvs_core.results.export import Exported
from jvs_core.results.found import FileCopy, FileVersion, FoundFile, SnapshotChange, SnapshotChanges
from jvs_core.results.gc import GcCandidate, GcCopy, GcFailure, GcKept, GcPlan, GcRun
from jvs_core.results.proof import ProofReport
from jvs_core.results.repository import (
    AdoptionEstimate,
    HeavyFolder,
    Initialized,
    RepositoryInfo,
)
from jvs_core.results.restore import Extracted, Restored, RestoredInPlace
from jvs_core.results.result import Result
from jvs_core.results.run_table import RunTable, RunWork
from jvs_core.results.seen_run import SeenRun
from jvs_core.results.space import PathSpace, SnapshotSpace, SpaceUse, Stats, WorktreeSpace
from jvs_core.results.status import Status, Unfinished
from jvs_core.results.timeline import (
    Copy,
    LossCause,
    LostFile,
    PutBack,
    Source,
    Thinned,
    TimelineState,
)
from jvs_core.results.verify import AuditReport, SnapshotReport, VerifyReport
from jvs_core.results.view import View
from jvs_core.results.worktree import LockStatus, WorktreeCreated, WorktreeInfo, WorktreeRemoved
