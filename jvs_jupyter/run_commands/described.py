"""Runs in words."""

from __future__ import annotations

from typing import Any

from jvs_core import Run, SeenRun
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import fields, identifier, safe
from jvs_core.wording import counted
from jvs_jupyter.runs.endings import exit_status
from jvs_jupyter.runs.values import decoded_all

_OUTPUTS_SHOWN = 10
_MOST = 100
_LONGEST = 2_000
SHORT = 60


def ended(record: Run) -> Outcome:
    """Return the outcome of a command that ran something."""
    left = [f"ended what the command left running: {safe(name)}" for name in record.left_behind]
    return Outcome(record, described(record), warnings=left, exit_status=exit_status(record))


def described(record: Run) -> list[str]:
    """Return a run in words."""
    rows = [
        ("Name", safe(record.name or "")),
        ("Note", "\n".join(map(safe, record.note.splitlines()))),
        ("Command", safe(record.subject) if record.command is not None else ""),
        ("Exit status", "" if record.exit_status is None else str(record.exit_status)),
        ("Notebook", safe(record.notebook or "")),
        ("Input", safe(record.input_path or "")),
        ("Output", safe(record.output_path or "")),
        ("Parameters", pairs(record.parameters)),
        ("Metrics", pairs(so_far(record))),
        ("Error", safe(record.error or "")),
        ("Inputs", "\n".join(map(safe, record.inputs)) if record.command is not None else ""),
        ("Outputs", _outputs(record)),
        ("Left behind", "\n".join(map(safe, record.left_behind))),
        ("Worktree", safe(record.worktree)),
        ("Before", identifier(record.before_snapshot_id)),
        ("After", identifier(record.after_snapshot_id)),
        ("Started", record.started_at),
        ("Took", took(record)),
        ("Attempt", str(record.attempt) if record.attempt > 1 else ""),
        ("Host", safe(record.host)),
        ("Notebook hash", record.notebook_sha256 or ""),
        ("Environment", record.environment_digest),
        ("Git commit", record.git_commit or ""),
        ("Reproduces", record.reproduces or ""),
        ("Verdict", " ".join((record.verdict or "", *map(safe, record.paths or ()))).strip()),
    ]
    return [f"Run {identifier(record.run_id)}: {stands(record)}", *fields(rows)]


def stands(record: Run) -> str:
    """Return the outcome of a run, and of one under way how far it came."""
    if not isinstance(record, SeenRun) or record.outcome != "started":
        return record.outcome
    if not record.live:
        return "started, its process is gone"
    progress = record.progress
    if progress is None or progress.cell is None or progress.cells is None:
        return record.outcome
    return f"started, cell {progress.cell} of {progress.cells}"


def so_far(record: Run) -> dict[str, Any]:
    """Return the metrics of a run, of one under way those so far."""
    progress = record.progress if isinstance(record, SeenRun) else None
    return record.metrics if progress is None else progress.metrics


def draws(call: Call) -> bool:
    """Return whether a progress bar has somebody to look at it."""
    import sys

    return not (call.json or call.quiet) and sys.stderr is not None and sys.stderr.isatty()


def took(record: Run) -> str:
    """Return how long a run took, in words."""
    return "" if record.duration_s is None else f"{record.duration_s:.1f} s"


def pairs(values: dict[str, Any], longest: int = _LONGEST) -> str:
    """Return names and values on one line: the first hundred, of each the beginning."""
    shown = dict(list(values.items())[:_MOST])
    text = " ".join(f"{name[:longest]}={brief(value, longest)}" for name, value in decoded_all(shown).items())
    return safe(text) + (f" … {counted(len(values), 'value')} in all" if len(values) > _MOST else "")


def brief(value: Any, longest: int = _LONGEST) -> str:
    """Return a value as text, of a long one the beginning."""
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _outputs(record: Run) -> str:
    total = record.outputs_total or 0
    shown = [safe(path) for path in (record.outputs or ())[:_OUTPUTS_SHOWN]]
    more = [f"… {counted(total, 'file')} in all"] if total > len(shown) else []
    return "\n".join([*shown, *more])
