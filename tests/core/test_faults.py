"""Errors of the operating system are told in one way, wherever they happen."""

from __future__ import annotations

import errno
import os

import pytest

from jvs_core.errors import EngineFailed, NoSpace, UnsupportedFile
from jvs_core.faults import not_exchangeable, storage_error
from jvs_core.payload.tree.faults import translate


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EIO, errno.EEXIST, errno.EXDEV]
)
def test_an_error_in_a_tree_has_the_words_and_the_hint_that_it_has_elsewhere(number: int) -> None:
    error = OSError(number, os.strerror(number), "a")

    inside, elsewhere = translate(error, b"a"), storage_error(error)

    assert inside.hint
    assert (type(inside), str(inside), inside.hint, inside.facts) == (
        type(elsewhere), str(elsewhere), elsewhere.hint, elsewhere.facts,
    )  # fmt: skip


def test_no_space_says_where() -> None:
    error = storage_error(OSError(errno.EDQUOT, "quota"), "the log")

    assert isinstance(error, NoSpace)
    assert str(error) == "no space left: the log"


def test_a_file_that_cannot_be_read_is_for_the_user_to_make_readable() -> None:
    denied = OSError(errno.EACCES, "denied", "a")

    assert isinstance(storage_error(denied, reading=True), UnsupportedFile)
    assert isinstance(storage_error(denied), EngineFailed)


def test_only_an_exchange_is_told_as_one() -> None:
    assert "cannot be exchanged" in str(not_exchangeable("a"))
    assert "cannot be exchanged" not in str(translate(OSError(errno.EXDEV, "cross-device"), b"a"))
