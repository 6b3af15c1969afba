"""Numbers of link groups: from 1, in path order, of two names or more."""

from __future__ import annotations

import pytest

from jvs_core.payload.tree.link_groups import whole_groups
from tests.core.payload.manifest.test_manifest import entry


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([0, 0], [0, 0]),
        ([1, 1], [1, 1]),
        ([1, 0], [0, 0]),
        ([1, 2, 2], [0, 1, 1]),
        ([3, 7, 3, 7], [1, 2, 1, 2]),
        ([2, 1, 3, 2], [1, 0, 0, 1]),
    ],
)
def test_groups_are_numbered_anew_where_members_are_missing(given: list[int], wanted: list[int]) -> None:
    entries = [entry(b"%d" % position, link_group=group) for position, group in enumerate(given)]
    whole = whole_groups(entries)
    assert [found.link_group for found in whole] == wanted
    assert [found._replace(link_group=0) for found in whole] == [
        found._replace(link_group=0) for found in entries
    ]
