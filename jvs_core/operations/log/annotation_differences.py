"""Annotations that differ from the audit log, and restoring them from it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from jvs_core import files, regular
from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.layout import Layout
from jvs_core.control.records import annotation, quarantine
from jvs_core.errors import JvsError
from jvs_core.model import Annotation
from jvs_core.operations import findings
from jvs_core.operations.context import Context
from jvs_core.operations.findings import Loss


@dataclass(frozen=True)
class _Difference:
    """One name below ``annotations`` that is not as the log has it; ``logged`` is what the log has."""

    name: str
    message: str
    logged: Annotation | None = None


def differing(layout: Layout, ledger: Ledger) -> Iterator[Loss]:
    """Yield every annotation that is not the log's: changed, gone, or in no log."""
    for found in _differences(layout, ledger):
        yield Loss(findings.ANNOTATION_FOREIGN, found.name, found.message)


def put_back(ctx: Context) -> list[str]:
    """Make the annotations those of the log, and say which; others are moved to ``.jvs/aside``."""
    done = []
    with ctx.critical():
        for found in list(_differences(ctx.layout, ledgers.read(ctx.layout))):
            _set_aside(ctx, found.name)
            if found.logged is not None:
                with annotation.written(ctx.layout, found.logged):
                    pass  # the log has it
            done.append(f"annotation {found.name} as the log has it")
    return done


def _set_aside(ctx: Context, name: str) -> None:
    """Move what has a name below ``annotations`` out of the way; nothing is deleted."""
    place = ctx.layout.annotations() / name
    if os.path.lexists(place):
        quarantine.put(ctx.layout, place, f"annotation-{name.replace('/', '-')}")


def _differences(layout: Layout, ledger: Ledger) -> Iterator[_Difference]:
    """Yield what differs from the log; what is in the way of another comes before that one."""
    going = _going(layout, ledger)
    known = {
        f"{key}/{number}": edit
        for key, edits in ledger.annotations.items()
        if key not in going
        for number, edit in edits.items()
    }
    for name in _there(layout, going):
        if name not in known:
            yield _Difference(name, f"annotation {name!r} is not in the log")
    for name, edit in sorted(known.items()):
        if not _is_folder(layout, edit.snapshot_id) or not os.path.lexists(annotation.place(layout, edit)):
            yield _Difference(name, f"annotation {name}, which is in the log, is missing", edit)
        elif not _is(layout, edit):
            yield _Difference(name, f"annotation {name} differs from the log", edit)


def _there(layout: Layout, going: set[str]) -> Iterator[str]:
    """Yield the names of annotations and of whatever else is there, except drafts and what gc is still to remove."""
    for key in sorted(layout.listing(layout.annotations())):
        if key.endswith(files.TEMPORARY_SUFFIX) or key in going:
            continue
        if not catalog.is_id(key) or not _is_folder(layout, key):
            yield key  # also what is gone since the listing, which a second look does not see
            continue
        with suppress(JvsError):  # it is gone, or another thing by now
            names = layout.listing(layout.annotations(key))
            yield from sorted(f"{key}/{name}" for name in names)


def _going(layout: Layout, ledger: Ledger) -> set[str]:
    """Return the snapshots that gc removed without a stub: gc removes the rest of their annotations, too.

    By a listing: on JuiceFS a look-up may find what another client removed a moment ago.
    """
    return ledger.removed - set(catalog.ids(layout)) if ledger.removed else set()


def _is_folder(layout: Layout, key: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(layout.annotations(key)).st_mode)
    except FileNotFoundError:
        return False


def _is(layout: Layout, edit: Annotation) -> bool:
    try:
        data = regular.read_regular(annotation.place(layout, edit))
    except (JvsError, OSError):
        return False
    return data == annotation.encode(edit)
