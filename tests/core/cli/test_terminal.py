"""What another user's process may show on a terminal."""

from __future__ import annotations

from jvs_core.cli.terminal import Filter


def passed(*pieces: bytes, encoding: str = "utf-8") -> bytes:
    """Return what is shown of a stream that comes in these pieces."""
    sieve = Filter(encoding)
    return b"".join([*(sieve.passed(piece) for piece in pieces), sieve.passed(b"", last=True)])


def test_text_goes_through_and_colours_end_with_it() -> None:
    assert passed("ä\n\tb\r".encode()) == "ä\n\tb\r".encode()
    assert passed(b"\x1b[1;31mred") == b"\x1b[1;31mred\x1b[0m"


def test_what_drives_a_terminal_is_shown_as_an_escape() -> None:
    for driving in (
        b"\x1b[6n",
        b"\x1b[2J",
        b"\x1b]0;title\x07",
        b"\x1bc",
        b"\x1b[>4;1m",
        b"\x1b",
        b"\x9b6n",
        b"\xc2\x9b",
    ):
        assert b"\x1b" not in passed(driving)
        assert b"\x9b" not in passed(driving)
    assert passed(b"\x07\x08\x7f\xff") == b"\\x07\\x08\\x7f\\xff"
    assert passed("\u202e".encode()) == b"\\u202e"


def test_pieces_make_no_difference() -> None:
    whole = "ä\x1b[31mred\x1b[6n\x1b[0m€\x1b".encode() + b"\xe2\x82"
    assert passed(*(bytes([byte]) for byte in whole)) == passed(whole)


def test_a_terminal_that_lacks_a_character_gets_its_escape() -> None:
    assert passed("€".encode(), encoding="ascii") == b"\\u20ac"
