"""Rules of what snapshots leave out, and a walk by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jvs_core.payload.tree.exclude_rules import TAG_SIGNATURE, ExcludeRules
from jvs_core.payload.tree.walk import REPOSITORY, scan


@pytest.mark.parametrize(
    ("pattern", "covered", "others"),
    [
        ("*.tmp", [b"a.tmp", b"x/y.tmp", b"x.tmp/inside", b"x.tmp/"], [b"a.tmpl", b"tmp"]),
        ("/scratch/", [b"scratch/", b"scratch/a/b"], [b"scratch", b"x/scratch/a"]),
        ("scratch/", [b"scratch/a", b"x/scratch/a"], [b"scratch", b"x/scratch"]),
        ("data/**/raw", [b"data/raw", b"data/a/b/raw/f"], [b"raw", b"x/data/raw"]),
        ("caf\u00e9", ["caf\u00e9".encode()], [b"cafe", b"caf\xe9"]),
        ("bad*", [b"bad\xff\xfe"], [b"good\xff"]),
        ("[ab]?", [b"a1", b"b2/c"], [b"c1", b"a12"]),
    ],
)
def test_patterns_mean_what_git_means(pattern: str, covered: list[bytes], others: list[bytes]) -> None:
    rules = ExcludeRules((pattern,))
    assert [path for path in covered if not rules.covers(path)] == []
    assert [path for path in others if rules.covers(path)] == []


def test_a_later_pattern_brings_back_a_file_but_nothing_of_a_folder_that_is_out() -> None:
    rules = ExcludeRules(("*.log", "!keep.log", "build/", "!build/keep.log"))
    assert [rules.covers(path) for path in (b"a.log", b"keep.log", b"x/keep.log", b"build/keep.log")] == [
        True, False, False, True,
    ]  # fmt: skip


def test_caches_are_folders_of_a_known_name() -> None:
    rules = ExcludeRules(caches=True)
    assert [
        path for path in (b".venv/", b"a/__pycache__/x", b"node_modules/") if not rules.covers(path)
    ] == []
    assert [path for path in (b".venv", b"venv/", b"a/node_modules2/x") if rules.covers(path)] == []


def test_a_walk_leaves_out_what_the_rules_say_and_looks_at_none_of_it(tmp_path: Path) -> None:
    for path in ("a/x.tmp", "a/kept", "out/deep/er", "cache/big", "untagged/big", "node_modules/m/n"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "cache" / "CACHEDIR.TAG").write_bytes(TAG_SIGNATURE + b"\n# why")
    (tmp_path / "untagged" / "CACHEDIR.TAG").write_bytes(b"Signature: something else")
    (tmp_path / "CACHEDIR.TAG").write_bytes(TAG_SIGNATURE)
    (tmp_path / "tool" / ".jvs").mkdir(parents=True)
    found = scan(tmp_path, exclude=ExcludeRules(("*.tmp", "/out/", ".jvs/"), caches=True))
    assert [entry.path for entry in found.entries] == [
        b"", b"CACHEDIR.TAG", b"a", b"a/kept", b"tool", b"untagged", b"untagged/CACHEDIR.TAG", b"untagged/big",
    ]  # fmt: skip
    assert found.excluded() == [b"a/x.tmp", b"cache", b"node_modules", b"out"]
    assert [each.path for each in found.left_out if each.kind == REPOSITORY] == [b"tool/.jvs"]
