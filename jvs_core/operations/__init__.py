"""What a person asks for: each operation a function that joins the control plane and the data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jvs_core.deferred import attached

if TYPE_CHECKING:
    from jvs_core.operations import (
        adoption,
        adoption_estimate,
        annotate,
        at_rest,
        bisect,
        browse,
        cells,
        change_index,
        changed,
        choosing,
        clean_look,
        compare,
        context,
        damage,
        doctor,
        durations,
        exclusion,
        export,
        file_filter,
        file_history,
        findings,
        gc,
        history,
        init,
        inplace,
        kept_removal,
        last_snapshot,
        leftovers,
        live_runs,
        locking,
        log,
        moments,
        pins,
        preparation,
        present_file,
        proof,
        publication,
        publish,
        refs,
        restore,
        restored_name,
        run_query,
        runs,
        sandbox,
        selecting,
        snapshot,
        snapshot_file,
        space,
        status,
        stored,
        temporary_worktrees,
        timeline,
        verify,
        views,
        worktree_removal,
        worktrees,
    )
else:
    __getattr__, __dir__ = attached(__name__)
