"""Link groups: the numbers by which a manifest says which names are hard links to one file."""

from __future__ import annotations

from collections.abc import Sequence

from jvs_core.payload.tree.entry import Entry


def whole_groups(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Number link groups anew where members went missing, as a manifest demands: from 1, in path order, two or more."""
    if not any(entry.link_group for entry in entries):
        return entries
    counts: dict[int, int] = {}
    for entry in entries:
        if entry.link_group:
            counts[entry.link_group] = counts.get(entry.link_group, 0) + 1
    numbers: dict[int, int] = {}
    whole: list[Entry] = []
    for entry in entries:
        if entry.link_group:
            many = counts[entry.link_group] > 1
            number = numbers.setdefault(entry.link_group, len(numbers) + 1) if many else 0
            whole.append(entry if number == entry.link_group else entry._replace(link_group=number))
        else:
            whole.append(entry)
    return whole
