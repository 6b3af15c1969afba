"""``jvs init`` and ``jvs info``."""

from __future__ import annotations

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import fields, safe
from jvs_core.errors import InputError, NameInvalid


@click.command(cls=Command)
@click.argument("name")
@click.option("--from", "from_", metavar="DIR", help="Clone DIR into the main worktree; DIR stays as it is.")
@click.option(
    "--adopt",
    metavar="DIR",
    help="Move DIR to NAME/main, whatever its size, and leave a link in its place, so that its path still works.",
)
@click.option(
    "--engine",
    metavar="ENGINE",
    help="Always use this engine: juicefs-clone, btrfs-snapshot, reflink-copy, copy.",
)
@click.option("--shared", is_flag=True, help="Share the repository with the folder's group.")
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Exclude this from all snapshots, in the syntax of .gitignore; may be repeated.",
)
@click.option("--exclude-caches", is_flag=True, help="Exclude known caches from all snapshots.")
@click.pass_obj
def init(
    call: Call,
    name: str,
    from_: str | None,
    adopt: str | None,
    engine: str | None,
    shared: bool,
    exclude: tuple[str, ...],
    exclude_caches: bool,
) -> Outcome:
    """Make the repository NAME in the current directory.

    \b
    Example:
      jvs init myrepo
      jvs init analysis --from ~/old-analysis
      jvs init analysis --adopt ~/old-analysis --exclude-caches --exclude '*.tmp'
    """
    if call.repo is not None or call.worktree is not None:
        raise InputError("init makes NAME in the current directory: leave out --repo and --worktree")
    if name in (".", ".."):
        raise NameInvalid(
            f"{name!r} already exists; init makes a new folder",
            hint="jvs init NAME --adopt DIR keeps the history of a folder that you have; --from DIR starts with a copy of it",
        )
    if "/" in name:
        raise NameInvalid(
            f"not a valid repository name: {name!r}",
            hint="cd to the parent folder first, then: jvs init NAME",
        )
    for option, value in (("--from", from_), ("--adopt", adopt)):
        if value == "":
            raise InputError(f"{option} is empty", hint=f"give a folder after {option}")
    from jvs_core.repository import Repository

    made = Repository.init(
        name,
        from_=from_,
        adopt=adopt,
        engine=engine,
        shared=shared,
        exclude=exclude,
        exclude_caches=exclude_caches,
        progress=call.progress(),
    ).initialized()
    return Outcome(
        made,
        [
            f"Initialized JVS repository in {safe(made.repo_root)}",
            *fields([("Worktree", safe(made.main_path)), ("Engine", safe(made.snapshot_engine))]),
        ],
        warnings=made.degraded,
        notices=[f"{safe(adopt)} is now a link to main"] if adopt else [],
        advice=[f'next: cd {name}/main, work, then: jvs snapshot "note" --lock'],
    )


@click.command(cls=Command)
@click.pass_obj
def info(call: Call) -> Outcome:
    """Show the repository's identity, engine and settings.

    \b
    Example:
      jvs info --json
    """
    found = call.repository().info()
    rows = [
        ("Id", found.repo_id),
        ("Format", str(found.format_version)),
        ("Engine", safe(found.snapshot_engine)),
        ("Isolation", found.default_isolation),
        ("Consistency", found.default_consistency),
        ("Lease", f"{_seconds(found.lease_duration_ms)}, renewed every {_seconds(found.renew_interval_ms)}"),
        ("Clock skew", f"at most {_seconds(found.max_clock_skew_ms)}"),
        ("Snapshots", f"{found.total_snapshots:,}"),
        ("Worktrees", f"{found.total_worktrees:,}"),
    ]
    return Outcome(found, [f"Repository: {safe(found.repo_root)}", *fields(rows)])


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"
