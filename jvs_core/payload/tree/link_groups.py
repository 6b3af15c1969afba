"""Link groups: the numbers by which a manifest says which names are hard links to one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.packed import distinct, duplicate, present


def whole_groups(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Renumber link groups where members are missing: from 1, in path order, each of two or more names."""
    if not any(entry.link_group for entry in entries):
        return entries
    counts: dict[int, int] = {}
    for entry in entries:
        if entry.link_group:
            counts[entry.link_group] = counts.get(entry.link_group, 0) + 1
    numbers: dict[int, int] = {}
    whole = duplicate(entries)
    for position, entry in enumerate(entries):
        if entry.link_group:
            many = counts[entry.link_group] > 1
            number = numbers.setdefault(entry.link_group, len(numbers) + 1) if many else 0
            if number != entry.link_group:
                whole[position] = entry._replace(link_group=number)
    return present(whole)


def regrouped(files: Sequence[tuple[int, ...] | bytes], groups: Mapping[int, int]) -> Iterator[int]:
    """Yield the positions of the files whose hard links are not those that the manifest says.

    ``files`` says which file each entry is, with a false value for what has no hard links or is missing;
    ``groups`` has the link group of each position that is in one.
    """
    if not groups and distinct(files):
        return
    members: dict[int, list[int]] = {}
    for position, group in groups.items():
        members.setdefault(group, []).append(position)
    taken = Counter(file for position, file in enumerate(files) if file and position not in groups)
    for positions in members.values():
        taken.update({files[position] for position in positions})
    for positions in members.values():
        found = {files[position] for position in positions}
        if len(found) > 1 or not all(found) or any(taken[file] > 1 for file in found):
            yield from positions
    for position, file in enumerate(files):
        if file and position not in groups and taken[file] > 1:
            yield position
