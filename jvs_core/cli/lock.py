"""``jvs lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Group
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.parameters import Seconds
from jvs_core.cli.text import fields, safe
from jvs_core.cli.within import run_lock

if TYPE_CHECKING:
    from jvs_core.model import LeaseRecord
    from jvs_core.repository import Repository

_wait = click.option(
    "--wait",
    "wait_s",
    type=Seconds(),
    default=0,
    metavar="SECONDS",
    help="Wait up to SECONDS for another holder.",
)
_purpose = click.option("--purpose", metavar="TEXT", default="", help="The purpose; others see it.")


@click.group(cls=Group)
def lock() -> None:
    """Acquire, show, renew and release a worktree's lock: one writer at a time.

    \b
    Example:
      jvs lock acquire --purpose "night run"
    """


@lock.command()
@click.option(
    "--lease-ms",
    type=click.IntRange(1_000, 86_400_000),
    metavar="N",
    help="Duration without renewal in milliseconds, 1000 to 86400000 (default: 15 minutes).",
)
@_wait
@_purpose
@click.pass_obj
def acquire(call: Call, lease_ms: int | None, wait_s: float, purpose: str) -> Outcome:
    """Take the worktree's lock for you (or for JVS_SESSION).

    \b
    Example:
      jvs lock acquire --wait 60 --purpose "cleaning the data"
    """
    repository = call.repository()
    if (held := _of_run(call, repository)) is not None:
        return Outcome(
            held,
            [
                f"Lock on worktree '{held.worktree}' is already held by the run that this command is part of",
                *_description(held),
            ],
            advice=["the run releases it when it ends"],
        )
    if lease_ms is None and call.lease_ms is not None:
        lease_ms = call.lease_ms(repository)
    record = repository.locks.acquire(call.worktree, lease_ms=lease_ms, wait_s=wait_s, purpose=purpose)
    return Outcome(
        record,
        [f"Lock acquired on worktree '{record.worktree}'", *_description(record)],
        advice=["release it with: jvs lock release"],
    )


@lock.command()
@click.pass_obj
def status(call: Call) -> Outcome:
    """Show whether the lock is free, held or expired, and who has it.

    \b
    Example:
      jvs lock status --json
    """
    found = call.repository().locks.status(call.worktree)
    return Outcome(found, [f"Lock state: {found.state}", *(_description(found.lock) if found.lock else [])])


@lock.command()
@click.pass_obj
def renew(call: Call) -> Outcome:
    """Extend your lease from now on.

    \b
    Example:
      jvs lock renew
    """
    record = call.repository().locks.renew(call.worktree)
    return Outcome(record, [f"Lock renewed on worktree '{record.worktree}'", *_description(record)])


@lock.command()
@click.pass_obj
def release(call: Call) -> Outcome:
    """Release the lock.

    \b
    Example:
      jvs lock release
    """
    repository = call.repository()
    if (held := _of_run(call, repository)) is not None:
        return Outcome(
            {"released": False},
            [
                f"Lock on worktree '{held.worktree}' not released: the run that this command is part of releases it when it ends"
            ],
        )
    repository.locks.release(call.worktree)
    return Outcome(
        {"released": True}, [f"Lock released on worktree '{call.worktree or repository.worktree}'"]
    )


@lock.command(context_settings={"allow_interspersed_args": False})
@_wait
@_purpose
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.pass_obj
def run(call: Call, wait_s: float, purpose: str, command: tuple[str, ...]) -> Outcome:
    """Hold and renew the lock while COMMAND runs, and return its exit status.

    JVS commands inside COMMAND use the same lock. With --json its output goes to stderr. If the lock is lost while
    COMMAND runs, COMMAND goes on, and the exit status is 4.

    \b
    Example:
      jvs lock run --wait 600 -- papermill train.ipynb out.ipynb
    """
    from jvs_core.cli.locked_run import run_locked

    return run_locked(call, command, wait_s=wait_s, purpose=purpose)


def _of_run(call: Call, repository: Repository) -> LeaseRecord | None:
    return run_lock(repository, call.worktree or repository.worktree)


def _description(record: LeaseRecord) -> list[str]:
    return fields(
        [
            ("Worktree", safe(record.worktree)),
            ("Holder", safe(record.holder_id)),
            ("Purpose", safe(record.purpose)),
            ("Since", record.acquired_at),
            ("Until", record.lease_expires_at),
            ("Fencing token", str(record.fencing_token)),
        ]
    )
