"""What a command of ``jvs hub`` did for each of several people, as one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jvs_core import JvsError, Repository, WorktreeInfo
from jvs_core.cli.call import Call
from jvs_core.cli.outcome import Outcome
from jvs_core.cli.text import columns, safe
from jvs_core.wording import counted
from jvs_jupyter.hub import cli_people
from jvs_jupyter.hub.command import Refused, as_refused
from jvs_jupyter.hub.lifecycle import Changed
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.provision import Provided, by_name, find, nobody

_DAMAGED = 5
Change = Callable[[Repository, Person, WorktreeInfo], Changed]
Gone = Callable[[Repository, Person], Changed]


def changed(
    call: Call, admin: str | None, people: Iterable[Person], change: Change, *, gone: Gone | None = None
) -> Outcome:
    """Change what each of ``people`` has and return the outcome; ``gone`` tells what there was of who has nothing."""
    repository = cli_people.opened(call, admin)
    known = by_name(repository)

    def one(person: Person) -> Changed:
        try:
            info = (
                known.get((person.user, person.server))
                if person.identity is None
                else find(repository, person)
            )
            if info is not None:
                return change(repository, person, info)
            if gone is None:
                raise nobody(person)
            return gone(repository, person)
        except (JvsError, Refused, OSError) as failure:
            return Changed(person, "failed", failure=as_refused(failure))

    return changes(map(one, people))


def changes(changes: Iterable[Changed]) -> Outcome:
    """Return the outcome of changes, a line each."""
    outcomes = list(changes)
    rows = [
        (one.action, one.person, one.kept_as or one.snapshot_id or one.worktree or "", one.failure)
        for one in outcomes
    ]
    return outcome(outcomes, rows)


def listing(
    value: Any,
    rows: Sequence[Sequence[str]],
    failed: list[tuple[Person, Refused]],
    unreadable: Sequence[str] = (),
    total: Sequence[str] = (),
) -> Outcome:
    """Return the outcome of a listing, with those who could not be asked, or not be read, as warnings."""
    told = [f"{safe(user.user)}: {safe(refused.message)}" for user, refused in failed]
    statuses = [refused.exit_status for _, refused in failed] + [_DAMAGED] * bool(unreadable)
    return Outcome(
        value,
        [*columns(rows), *total],
        notices=[] if value else ["no users"],
        warnings=[*told, *map(safe, unreadable)],
        exit_status=max(statuses, default=0),
    )


def outcome(
    outcomes: list[Provided] | list[Changed],
    rows: Sequence[tuple[str, Person, str, JvsError | Refused | None]],
) -> Outcome:
    """Return the outcome of actions, a row each; it fails as its worst row does."""
    lines = columns(
        [
            (action, safe(person.user), safe(person.server), safe(failure.message) if failure else about)
            for action, person, about, failure in rows
        ]
    )
    failures = [failure.exit_status for *_, failure in rows if failure is not None]
    told = [f"{counted(len(failures), 'user')} failed"] if failures else []
    return Outcome(outcomes, lines, warnings=told, exit_status=max(failures, default=0))
