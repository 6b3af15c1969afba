"""``jvs audit``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import columns, first_line, safe

if TYPE_CHECKING:
    from jvs_core.model import AuditRecord


@click.group(cls=Group)
def audit() -> None:
    """Show who changed what, and make checkpoints that reveal later changes of the log.

    \b
    Example:
      jvs audit log --limit 20
      jvs audit checkpoint --json > checkpoint.json
    """


@audit.command()
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="Show only the newest N records.")
@click.pass_obj
def log(call: Call, limit: int | None) -> Outcome:
    """List the records of the audit log, newest first.

    \b
    Example:
      jvs audit log --limit 20
    """
    found = call.repository().audit.log(limit)
    return Outcome(found, columns([_row(record) for record in found]))


@audit.command()
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(),
    help="Sign it with this private key, kept outside the repository.",
)
@click.pass_obj
def checkpoint(call: Call, key: str | None) -> Outcome:
    """Print the end of the log for somebody else to keep; verify --since checks the log against it.

    \b
    Example:
      jvs audit checkpoint --key ~/.config/jvs/audit.key > checkpoint.json
    """
    made = call.repository().audit.checkpoint(key)
    return Outcome(made, json.dumps(made.to_json(), indent=2).splitlines())


@audit.command()
@click.argument("file", type=click.Path())
@click.pass_obj
def keygen(call: Call, file: str) -> Outcome:
    """Make a key to sign checkpoints: FILE, which only you can read, and FILE.pub, for others.

    \b
    Example:
      jvs audit keygen ~/.config/jvs/audit.key
    """
    from jvs_core.repository.audit import Audit

    public = Audit.keygen(file)
    return Outcome(
        {"private_key": file, "public_key": str(public)},
        [f"Made key {safe(file)}"],
        notices=[f"its public key is {public}"],
    )


def _row(record: AuditRecord) -> tuple[str, ...]:
    who = record.actor if record.session_id == "default" else f"{record.actor}:{record.session_id}"
    token = "-" if record.fencing_token is None else f"#{record.fencing_token}"
    what = record.target or record.worktree or ""
    where = "" if record.worktree in (None, what) else f"in {record.worktree}"
    return (
        str(record.seq),
        record.timestamp,
        record.operation,
        safe(what),
        safe(where),
        token,
        safe(who),
        first_line(record.reason or ""),
    )
