"""Refs: immutable names for snapshots."""

from __future__ import annotations

import re

from jvs_core import canonical, clock, files
from jvs_core.control.layout import Layout
from jvs_core.control.names import check_ref_name
from jvs_core.errors import AlreadyExists, JvsError, RefBroken, RefNotFound
from jvs_core.model import NAME, Ref


def create(layout: Layout, name: str, snapshot_id: str, *, note: str, by: str) -> Ref:
    """Create a ref, durable.

    Raises NameInvalid, or AlreadyExists: a ref never moves.
    """
    name = check_ref_name(name)
    ref = Ref(name=name, snapshot_id=snapshot_id, note=note, created_at=clock.timestamp(), created_by=by)
    try:
        files.create_atomic(
            layout.refs / f"{name}.json", canonical.dumps(ref.to_json()) + b"\n", mode=layout.file_mode
        )
    except AlreadyExists as error:
        raise AlreadyExists(
            f"ref {name!r} exists already", hint=f"choose another name, or: jvs ref delete {name}"
        ) from error
    return ref


def find(layout: Layout, name: str) -> Ref | None:
    """Return the ref called ``name``, or None. Raises RefBroken when it is unreadable."""
    if re.fullmatch(NAME[1:-1], name) is None or f"{name}.json" not in layout.listing(layout.refs):
        return None
    return _read(layout, name)


def _read(layout: Layout, name: str) -> Ref | None:
    """Return a ref that was listed a moment ago; None when it was deleted since. Raises RefBroken."""
    try:
        ref = Ref.parse(layout.read(layout.refs / f"{name}.json"), f"ref {name!r}")
    except FileNotFoundError:
        return None
    except JvsError as error:
        raise RefBroken(error.message, hint="jvs doctor") from error
    if ref.name != name:
        raise RefBroken(f"the file of ref {name!r} speaks of {ref.name!r}", hint="jvs doctor")
    return ref


def get(layout: Layout, name: str) -> Ref:
    """Return the ref called ``name``. Raises RefNotFound, RefBroken."""
    ref = find(layout, name)
    if ref is None:
        raise RefNotFound(f"no ref {name!r}", hint="jvs ref list")
    return ref


def names(layout: Layout) -> list[str]:
    """Return the names of all refs, sorted, readable or not."""
    return sorted(
        n[:-5]
        for n in layout.listing(layout.refs)
        if n.endswith(".json") and re.fullmatch(NAME[1:-1], n[:-5])
    )


def readable(layout: Layout) -> tuple[list[Ref], dict[str, RefBroken]]:
    """Return the refs that can be read, by name, and by its name what is wrong with each of the others.

    The folder is listed once, which also refreshes on JuiceFS the names of all of them.
    """
    found: list[Ref] = []
    broken: dict[str, RefBroken] = {}
    for name in names(layout):
        try:
            ref = _read(layout, name)
        except RefBroken as error:
            broken[name] = error
        else:
            found += [ref] if ref is not None else []
    return found, broken


def read_all(layout: Layout) -> list[Ref]:
    """Return all refs by name. Raises RefBroken for the first that is unreadable."""
    found, broken = readable(layout)
    for error in broken.values():
        raise error
    return found


def delete(layout: Layout, name: str) -> Ref:
    """Delete a ref, durable, and return what it was. Raises RefNotFound, RefBroken."""
    ref = get(layout, name)
    files.remove_file(layout.refs / f"{name}.json", missing_ok=False)
    return ref
