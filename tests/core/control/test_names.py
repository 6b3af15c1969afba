"""Names: what may be one, and that none leads out of the repository."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jvs_core.control.names import check_name, check_ref_name, check_worktree_name, inside
from jvs_core.errors import NameInvalid, PathEscape

LETTERS = "ABCXYZabcxyz0189"


@settings(max_examples=30)
@given(first=st.sampled_from(LETTERS), rest=st.text(LETTERS + "._-", max_size=99))
def test_a_name_by_the_rule_is_taken_as_it_is(first: str, rest: str) -> None:
    assert check_name(first + rest, "worktree") == first + rest


@settings(max_examples=50)
@given(st.text(max_size=110))
def test_what_is_taken_stays_one_plain_path_component(text: str) -> None:
    try:
        name = check_name(text, "ref")
    except NameInvalid:
        return
    assert name == unicodedata.normalize("NFC", text)
    assert name.isascii()
    assert Path("x", name).name == name
    assert 0 < len(name) <= 100


def test_the_rule_holds_after_normalisation() -> None:
    assert check_name("\u212a", "ref") == "K"


@pytest.mark.parametrize("name", ["main\n", "a\0", "a/", "ａ", "x" * 101, "..a", " a"])
def test_what_looks_like_a_name_is_none(name: str) -> None:
    with pytest.raises(NameInvalid, match="worktree name"):
        check_name(name, "worktree")


def test_reserved_names_are_refused_only_where_they_are_reserved() -> None:
    with pytest.raises(NameInvalid):
        check_worktree_name("main")
    for name in ("HEAD", "head", "1700000000000-0123abcd"):
        assert check_worktree_name(name) == name
        with pytest.raises(NameInvalid, match="looks like a snapshot id"):
            check_ref_name(name)
    assert check_ref_name("main") == "main"
    assert check_ref_name("1700000000000-0123ABCD") == "1700000000000-0123ABCD"


def test_no_part_of_an_inner_path_may_be_a_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "link").symlink_to("real")
    (tmp_path / "alias").symlink_to(root)
    assert inside(root, root / "real" / "missing" / "deep") == root / "real" / "missing" / "deep"
    assert inside(tmp_path / "alias", tmp_path / "alias" / "real") == tmp_path / "alias" / "real"
    for path in (root / "link", root / "link" / "x", root / ".." / "root", tmp_path, Path("/etc")):
        with pytest.raises(PathEscape):
            inside(root, path)
