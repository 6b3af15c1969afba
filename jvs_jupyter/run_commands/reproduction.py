"""``jvs run reproduce``: runs again, and whether the same came out."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from jvs_core import Verdict
from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import RunName
from jvs_core.cli.text import identifier, safe
from jvs_jupyter.run_commands.described import draws
from jvs_jupyter.runs.reproduce import Reproduction

VERDICT_STATUS: dict[Verdict, int] = {"identical": 0, "differs": 20, "failed": 21}


@click.command(cls=Command)
@click.argument("run", metavar="RUN", type=RunName())
@click.option(
    "--keep",
    type=click.Choice(["failed", "all", "none"]),
    default="failed",
    show_default=True,
    help="Which worktrees to keep.",
)
@click.option(
    "--times",
    type=click.IntRange(min=1, max=1_000),
    default=1,
    metavar="N",
    help="Run it N times, to find out whether the result is always the same.",
)
@click.pass_obj
def reproduce(call: Call, run: str, keep: Any, times: int) -> Outcome:
    """Run RUN again from its before-snapshot and compare every file of the two after-snapshots.

    JVS does not compare known caches, nor times, ids and places in notebooks. Exit status: 0 identical (with --times: all
    of them), 20 differs, 21 failed.

    \b
    Example:
      jvs run reproduce 1a2b3c4d
    """
    from jvs_jupyter.runs.hints import about
    from jvs_jupyter.runs.reproduce import reproduce as again
    from jvs_jupyter.runs.reproduce import together, worst

    root = call.repository().root
    found = [
        again(run, repo=root, keep=keep, progress_bar=draws(call), to_stderr=call.json) for _ in range(times)
    ]
    lines = [line for one in found for line in _lines(one)]
    notices = list(dict.fromkeys(hint for one in found for hint in about(one)))
    if times == 1:
        status = VERDICT_STATUS[found[0].verdict]
        return Outcome(found[0], lines, notices=notices, exit_status=status)
    verdict = worst(one.verdict for one in found)
    counts = Counter(one.verdict for one in found)
    lines.append(
        ", ".join(f"{counts[name]} {name}" for name in VERDICT_STATUS if counts[name]) + f" of {times} times"
    )
    return Outcome(
        together([one.to_json() for one in found]),
        lines,
        notices=notices,
        exit_status=VERDICT_STATUS[verdict],
    )


def _lines(found: Reproduction) -> list[str]:
    lines = [
        f"Run {identifier(found.run.run_id)} reproduces {identifier(found.original.run_id)}: {found.verdict}",
        *(safe(str(difference)) for difference in found.differences),
    ]
    if found.verdict == "failed":
        lines.append(f"  {found.run.outcome}, not {found.original.outcome}: {safe(found.run.error or '')}")
    return lines
