"""Verifying a large repository a share a night: which contents are read tonight, and what has been read by now.

What is read is divided by the digests of contents, not by snapshots: those share most of what they hold. So each content is
read once in as many nights as there are shares, in whatever snapshots it is then, and no memory is needed for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jvs_core.control import catalog
from jvs_core.control.records.damages import DAMAGES
from jvs_core.errors import InputError
from jvs_core.model import Damage
from jvs_core.operations import last_read
from jvs_core.operations.context import Context
from jvs_core.payload.check.evidence import Share
from jvs_core.payload.tree.entry import text
from jvs_core.results import ShareRead, SnapshotReport, Subset, SubsetReport, VerifyReport

MOST = 1000
_SHARE = re.compile(r"(next|\d{1,4})/(\d{1,4})", re.ASCII)


@dataclass
class Counts:
    """The files of the snapshots that were looked at, and how many of them were not read."""

    files: int = 0
    unread: int = 0

    def add(self, files: int, unread: int) -> None:
        """Count those of one snapshot."""
        self.files += files
        self.unread += unread


def share_of(ctx: Context, text: str) -> Share:
    """Return the share that ``K/N`` names, from ``1/N`` to ``N/N``; ``next/N`` is the one that was read longest ago.

    Raises InputError.
    """
    found = _SHARE.fullmatch(text.strip())
    of = int(found[2]) if found else 0
    if found is None or not 1 <= of <= MOST:
        raise InputError(
            f"not a share: {text!r}",
            hint=f"for example 3/7 (the third of seven), or next/7; at most {MOST} shares",
        )
    if found[1] == "next":
        return last_read.next_share(ctx, of)
    if not 1 <= int(found[1]) <= of:
        raise InputError(f"there is no such share: {text}", hint=f"1/{of} to {of}/{of}, or next/{of}")
    return Share(int(found[1]), of)


def report(ctx: Context, found: VerifyReport, share: Share, counts: Counts) -> SubsetReport:
    """Return the report of a share, after writing down what was read.

    What another share showed to be damaged, and nobody repaired, is damaged whatever this one shows.
    """
    damaged = {each.snapshot_id: each for each in DAMAGES.readable(ctx.layout)[0]}
    reports = [_said(each, share, damaged.get(each.snapshot_id)) for each in found.snapshots]
    remembered = remember(ctx, share, reports)
    known = last_read.read(ctx, share.of)
    whole = [each.snapshot_id for each in found.snapshots if not each.expired]
    shares = []
    for number in range(1, share.of + 1):
        times = [known.of_share(each, Share(number, share.of)) for each in whole]
        read = [each for each in times if each is not None]
        shares.append(
            ShareRead(
                share=number,
                last_read_at=min(read) if read and len(read) == len(times) else None,
                never_read=len(times) - len(read),
            )
        )
    return SubsetReport(
        ok=found.audit.ok and not any(each.severity == "critical" for each in reports),
        snapshots=reports,
        audit=found.audit,
        subset=Subset(
            share=share.number,
            of=share.of,
            files=counts.files,
            files_read=counts.files - counts.unread,
            shares=shares,
            last_read={each: known.whole(each, share.of) for each in whole},
            remembered=remembered,
        ),
    )


def remember(ctx: Context, share: Share, reports: Sequence[SnapshotReport]) -> bool:
    """Write down that a share of the snapshots was read, and forget what is written of those that are damaged or gone.

    Return whether that was possible.
    """
    critical = {each.snapshot_id for each in reports if each.severity == "critical"}
    read = [each.snapshot_id for each in reports if not each.expired]
    return last_read.remember(ctx, share, read, set(catalog.ids(ctx.layout)) - critical)


def _said(found: SnapshotReport, share: Share, damaged: Damage | None) -> SnapshotReport:
    if found.expired or found.severity == "critical":
        return found
    if damaged is not None:
        return SnapshotReport(
            snapshot_id=found.snapshot_id,
            payload_hash_valid=False,
            tamper_detected=True,
            severity="critical",
            damaged_paths=[text(bytes.fromhex(path)) for path in damaged.paths],
            code=damaged.code,
            message="an earlier verification found it damaged: jvs doctor --repair heal",
        )
    read = f"share {share.number}/{share.of} of its contents was read"
    return found.model_copy(update={"message": f"{read}; {found.message}" if found.message else read})
