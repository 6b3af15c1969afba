"""The words of a magic's line."""

from __future__ import annotations

import pytest

from jvs_magics.words import Filled, note_words, words


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


NOTE = 'say "hi" it\'s # --tag x'
NAMES = {"note": NOTE, "d": {"k": "a b"}, "opt": "--lock", "n": 3, "mark": "\ue000"}


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("snapshot $note", ["snapshot", NOTE]),
        ('snapshot "$note" --tag t$n', ["snapshot", NOTE, "--tag", "t3"]),
        ("snapshot '$note {n}'", ["snapshot", "$note 3"]),
        ('snapshot {d["k"]} {n + 1}', ["snapshot", "a b", "4"]),
        ('snapshot "{d["k"]}"', ["snapshot", "a b"]),
        ("snapshot $note.", ["snapshot", f"{NOTE}."]),
        (
            "snapshot $$note $5 $missing {missing} {",
            ["snapshot", "$note", "$5", "$missing", "{missing}", "{"],
        ),
        ("snapshot {{n}} {n}{n}", ["snapshot", "{n}", "33"]),
        ("snapshot \ue000$mark{n} # {1/0}", ["snapshot", "\ue000\ue0003"]),
    ],
)
def test_variables_are_filled_in_to_the_letter(line: str, split: list[str]) -> None:
    assert words(line, NAMES) == split


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("don't", ["don't"]),
        ("don't and can't --tag x", ["don't", "and", "can't", "--tag", "x"]),
        ("it's 5\" wide #5 'tis", ["it's", '5"', "wide", "#5", "'tis"]),
        ("'two words' \"don't\" --tag='a b'", ["two words", "don't", "--tag=a b"]),
        ("don't $note don't", ["don't", NOTE, "don't"]),
        ("a \\' b\\", ["a", "'", "b\\"]),
    ],
)
def test_a_note_before_a_cell_needs_no_care_with_quotes(line: str, split: list[str]) -> None:
    assert note_words(line, NAMES) == split


def test_only_a_word_that_begins_with_a_variable_is_no_option() -> None:
    found = words("snapshot $opt --tag=$opt x$opt", NAMES)
    assert [isinstance(word, Filled) for word in found] == [False, True, False, False]
