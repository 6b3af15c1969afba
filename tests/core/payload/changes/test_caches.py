"""What is known to be a cache."""

from __future__ import annotations

import pytest

from jvs_core.payload.changes import caches
from jvs_core.payload.changes.difference import Changes
from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.payload.tree.exclude_rules import TAG_SIGNATURE
from tests.core.payload.manifest.test_manifest import entry


def test_what_lies_in_a_known_folder_is_left_out_and_a_file_of_its_name_is_not() -> None:
    inside = [b".venv/", b"a/__pycache__/b.pyc", b"node_modules/x/y", b".ipynb_checkpoints/", b"lost+found/a"]
    others = [b".venv", b"a/__pycache__", b"my.venv/a", b"node_modules2/"]
    changes = Changes([*inside, *others], list(inside), list(others))
    assert caches.without(changes, set()) == Changes(others, [], others)


def test_what_lies_in_a_tagged_folder_is_left_out_at_any_depth() -> None:
    changes = Changes([b"a/b", b"a/b/", b"a/b/c", b"a/b/c/d", b"a/bc/d", b"b/a"], [], [])
    assert caches.without(changes, {b"a/b"}).added == [b"a/b", b"a/bc/d", b"b/a"]


@pytest.mark.parametrize(
    ("found", "begins", "folders"),
    [
        (entry(b"a/CACHEDIR.TAG", size=43), TAG_SIGNATURE, {b"a"}),
        (entry(b"a/b/CACHEDIR.TAG", size=99), TAG_SIGNATURE + b"\n", {b"a/b"}),
        (entry(b"a/CACHEDIR.TAG", size=43), TAG_SIGNATURE[:-1] + b"4", set()),
        (entry(b"a/CACHEDIR.TAG", size=42), TAG_SIGNATURE, set()),
        (entry(b"CACHEDIR.TAG", size=43), TAG_SIGNATURE, set()),
        (entry(b"a/CACHEDIR.TAG", FOLDER, size=43), TAG_SIGNATURE, set()),
        (entry(b"a/MYCACHEDIR.TAG", size=43), TAG_SIGNATURE, set()),
    ],
)
def test_a_tag_counts_where_it_is_valid(found: Entry, begins: bytes, folders: set[bytes]) -> None:
    assert caches.tagged([found], lambda _: begins) == folders
