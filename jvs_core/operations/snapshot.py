"""Taking a snapshot, as a person asks for it."""

from __future__ import annotations

from jvs_core.errors import InputError
from jvs_core.model import Descriptor
from jvs_core.operations import inplace, locks
from jvs_core.operations.context import Context
from jvs_core.operations.publish import Request, publish
from jvs_core.operations.refs import check_text
from jvs_core.payload.engines.base import Consistency
from jvs_core.progress import Progress

CONSISTENCIES = ("quiesced", "best_effort")
_LONGEST_TAG = 200


def take(
    ctx: Context,
    name: str,
    *,
    note: str,
    tags: tuple[str, ...],
    consistency: Consistency,
    lock: bool,
    wait_s: float,
    progress: Progress,
) -> Descriptor:
    """Take a snapshot of worktree ``name``, in the session's turn and under its lock. See ``Repository.snapshot``."""
    request = _checked(note, tags, consistency)
    with locks.writing(ctx, name, take=lock, wait_s=wait_s, purpose="snapshot") as lease:
        inplace.finish_pending(ctx, name, lease, progress)
        return publish(ctx, name, request, lease, progress)


def _checked(note: str, tags: tuple[str, ...], consistency: str) -> Request:
    check_text(note, "note")
    for tag in tags:
        check_text(tag, "tag", longest=_LONGEST_TAG)
        if not tag or not tag.isprintable() or tag != tag.strip():
            raise InputError(
                f"not a valid tag: {tag!r}", hint="use printable text without spaces at its ends"
            )
    if consistency not in CONSISTENCIES:
        raise InputError(f"unknown consistency {consistency!r}", hint="one of: " + ", ".join(CONSISTENCIES))
    return Request(
        note, tuple(dict.fromkeys(tags)), "best_effort" if consistency == "best_effort" else "quiesced"
    )
