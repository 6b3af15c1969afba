"""The words of a magic's line."""

from __future__ import annotations

import pytest

from jvs_magics.words import words


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("status", ["status"]),
        ("status    # what changed", ["status"]),
        ("# nothing", []),
        ("snapshot 'issue #5' # why", ["snapshot", "issue #5"]),
        ('snapshot "a \\" # b" c#d', ["snapshot", 'a " # b', "c#d"]),
        ("snapshot ''#x", ["snapshot", "#x"]),
        ("cat HEAD \\#file", ["cat", "HEAD", "#file"]),
    ],
)
def test_a_comment_ends_a_line_as_in_a_shell(line: str, split: list[str]) -> None:
    assert words(line) == split


def test_a_quote_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="quotation"):
        words("snapshot 'open # one")
