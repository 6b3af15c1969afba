"""``jvs conformance``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from click import style

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_core.errors import NotARepository
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import RequirementResult
    from jvs_core.settings import Settings

_INTEGRITY = 5
_COLOURS = {"PASS": "green", "FAIL": "red", "SKIP": "yellow"}


@click.group(cls=Group)
def conformance() -> None:
    """Check a repository's file system, and this JVS on it, against the requirements.

    \b
    Example:
      jvs conformance run --profile release
    """


@conformance.command()
@click.option(
    "--profile",
    type=click.Choice(["dev", "release"]),
    default="dev",
    show_default=True,
    help="dev takes seconds; release tries everything.",
)
@click.pass_obj
def run(call: Call, profile: Literal["dev", "release"]) -> Outcome:
    """Try every requirement in a temporary folder beside .jvs. The repository does not change.

    Outside a repository, it tries the current folder's file system.

    \b
    Example:
      jvs conformance run --profile release
    """
    from jvs_core.conformance import run as hold

    folder, settings, engine = _where(call)
    report = hold(folder, settings, profile=profile, engine=engine, progress=call.progress())
    lines = [line for result in report.results for line in _lines(result)]
    skipped = len(report.results) - report.passed - report.failed
    lines.append(
        f"{counted(report.passed, 'requirement')} met, {report.failed} not met, {skipped} skipped, in {safe(str(folder))}"
    )
    return Outcome(report, lines, exit_status=_INTEGRITY if report.failed else 0)


def _where(call: Call) -> tuple[Path, Settings, str | None]:
    try:
        repository = call.repository()
    except NotARepository:
        if call.repo is not None:
            raise
        from jvs_core.settings import from_environment

        return Path.cwd(), from_environment(), None
    return repository.root, repository.settings, repository.requested_engine


def _lines(result: RequirementResult) -> list[str]:
    status = style(result.status, fg=_COLOURS[result.status])
    line = f"{status}  {result.id:<32} {result.title}"
    return [line, f"      {safe(result.reason)}"] if result.reason else [line]
