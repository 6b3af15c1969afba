"""``jvs doctor``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_core.results import RUNTIME_REPAIRS

_INTEGRITY = 5


@click.command(cls=Command)
@click.option("--strict", is_flag=True, help="Treat warnings as unhealthy, too.")
@click.option("--repair-runtime", is_flag=True, help="Carry out the repairs that are always safe.")
@click.option(
    "--repair", "repairs", multiple=True, metavar="ACTION", help="Carry out a repair; may be repeated."
)
@click.pass_obj
def doctor(call: Call, strict: bool, repair_runtime: bool, repairs: tuple[str, ...]) -> Outcome:
    """Find everything that is wrong with the repository. Changes nothing unless you ask for a repair.

    \b
    Example:
      jvs doctor --strict
      jvs doctor --repair-runtime
    """
    actions = dict.fromkeys([*(RUNTIME_REPAIRS if repair_runtime else ()), *repairs])
    report = call.repository().doctor(repairs=actions, strict=strict, progress=call.progress())
    wrong = [found for found in report.findings if found.severity != "info"]
    lines = [f"Findings: {len(report.findings)}" if wrong else "Repository is healthy."]
    for found in report.findings:
        lines.append(f"{found.severity:<8} {found.code}  {safe(found.target)}: {safe(found.message)}")
        repair = f"jvs doctor --repair {found.repair}: " if found.repair else ""
        lines.append(f"         {repair}{found.action}")
    return Outcome(
        report,
        lines,
        notices=[safe(line) for line in report.repaired],
        exit_status=0 if report.healthy else _INTEGRITY,
    )
