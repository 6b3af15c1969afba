"""``jvs verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jvs_core.cli.call import Call
from jvs_core.cli.group import Command
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import safe
from jvs_core.errors import InputError, PathNotFound
from jvs_core.regular import read_named
from jvs_core.wording import counted

if TYPE_CHECKING:
    from jvs_core.results import SnapshotReport, Subset

_INTEGRITY = 5
_LONGEST = 1 << 20


@click.command(cls=Command)
@click.argument("snapshot", required=False)
@click.option(
    "--all", "every", is_flag=True, help="Verify every snapshot, and the repository against its log."
)
@click.option(
    "--subset",
    metavar="K/N",
    help="Verify every snapshot, but read only share K of N of all contents; next/N takes the share that was read longest ago.",
)
@click.option(
    "--since",
    metavar="FILE",
    type=click.Path(),
    help="The log must extend this checkpoint (- reads standard input).",
)
@click.option(
    "--key", metavar="FILE", type=click.Path(), help="The public key that the checkpoint must be signed with."
)
@click.option(
    "--export",
    metavar="FILE",
    type=click.Path(),
    help="Check a file that jvs export --with-proof or jvs run export made; needs no repository.",
)
@click.pass_obj
def verify(
    call: Call,
    snapshot: str | None,
    every: bool,
    subset: str | None,
    since: str | None,
    key: str | None,
    export: str | None,
) -> Outcome:
    """Check every byte of a snapshot (default: the head) against its manifest, checksum and the log.

    \b
    Example:
      jvs verify --all
      jvs verify --subset next/30
      jvs verify --all --since checkpoint.json --key ~/.config/jvs/audit.key.pub
      jvs verify --export crate.zip
    """
    if export is not None:
        if snapshot is not None or every or since is not None or subset is not None:
            raise InputError(
                "--export checks a file: leave out SNAPSHOT, --all, --since and --subset",
                hint="jvs verify --export FILE",
            )
        return _of_export(export, key)
    if snapshot is not None and every:
        raise InputError("a SNAPSHOT and --all exclude each other")
    if snapshot is not None and subset is not None:
        raise InputError("a SNAPSHOT and --subset exclude each other", hint=f"jvs verify --subset {subset}")
    repository = call.repository()
    report = repository.verify(
        snapshot,
        worktree=call.worktree,
        every=every,
        since=None if since is None else repository.audit.parse(_text(since)),
        key=key,
        subset=subset,
        progress=call.progress(),
    )
    lines = [line for found in report.snapshots for line in _lines(found)]
    lines.append(
        f"audit  OK  {counted(report.audit.records, 'record')}"
        if report.audit.ok
        else f"audit  BROKEN  {safe(report.audit.error or '')}"
    )
    read = getattr(report, "subset", None)
    warnings = []
    if read is not None:
        lines += _read(read)
        if not read.remembered:
            warnings.append("JVS could not remember what it read: it cannot write to the cache folder")
    return Outcome(report, lines, warnings=warnings, exit_status=0 if report.ok else _INTEGRITY)


def _read(found: Subset) -> list[str]:
    """Return what a share was, and when each was last read."""
    lines = [f"share {found.share}/{found.of}: {found.files_read:,} of {counted(found.files, 'file')} read"]
    for share in found.shares:
        if not share.never_read:
            when = f"last read {share.last_read_at}" if share.last_read_at else "nothing to read"
        else:
            when = f"not read yet in {counted(share.never_read, 'snapshot')}"
        lines.append(f"  {share.share}/{found.of}  {when}")
    never = sorted(each for each, at in found.last_read.items() if at is None)
    if never:
        return [*lines, f"not yet read completely: {counted(len(never), 'snapshot')}, the oldest {never[0]}"]
    oldest = min(filter(None, found.last_read.values()), default=None)
    return [*lines, f"everything has been read since {oldest}"] if oldest else lines


def _text(since: str) -> str:
    """Return what the file ``since`` holds, as far as a checkpoint can be long."""
    try:
        if since != "-":
            return read_named(since, _LONGEST).decode("utf-8", "replace")
        with click.open_file(since, "rb") as file:
            found: bytes = file.read(_LONGEST)
            return found.decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise PathNotFound(
            f"no checkpoint file {since}", hint="jvs audit checkpoint --json > FILE"
        ) from error


def _of_export(path: str, key: str | None) -> Outcome:
    from jvs_core.repository import Repository

    report = Repository.check_proof(path, key=key)
    lines = [f"DIFFERS  {safe(problem)}" for problem in report.problems]
    if report.ok:
        signed = "signed" if report.signed else "not signed"
        lines.append(
            f"OK  {counted(report.runs, 'run') + ', ' if report.runs else ''}{counted(len(report.snapshots), 'snapshot')}, "
            f"{counted(report.files, 'file')}{_held(report.path)}; log up to record {report.checkpoint_seq} of {report.origin}, {signed}"
        )
    return Outcome(report, lines, exit_status=0 if report.ok else _INTEGRITY)


def _held(path: str | None) -> str:
    if path is None:
        return ""
    return f" (only {safe(path)} of it)" if path else " (all of it)"


def _lines(found: SnapshotReport) -> list[str]:
    if found.severity != "critical":
        thinned = "  (thinned out)" if found.expired else ""
        remark = f"  ({safe(found.message)})" if found.message else thinned
        return [f"{found.snapshot_id}  OK{remark}"]
    paths = [f"    {safe(path)}" for path in found.damaged_paths]
    what = "TAMPERED" if found.tamper_detected else "UNREADABLE"
    return [f"{found.snapshot_id}  {what}  {found.code}", f"  {safe(found.message or '')}", *paths]
