from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.errors import EngineUnavailable, InputError
from jvs_core.settings import from_environment

COMMENTED = """# ours, do not touch
shared = false   # one person

[lease]
# longer, since the network is slow
duration_ms = 45000 # ms
"""


@pytest.fixture
def local(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def text_of(repo: Repository) -> str:
    return (repo.root / ".jvs/config.toml").read_text()


def put(repo: Repository, text: str) -> None:
    (repo.root / ".jvs/config.toml").write_text(text)


def test_every_setting_is_shown_with_its_default_and_where_it_comes_from(local: Repository) -> None:
    put(local, COMMENTED + "[retention.weekly]\nkeep_weekly = 52\n")
    found = {each.key: each for each in local.config.all()}
    shown = found["lease.duration_ms"]
    assert (shown.value, shown.default, shown.source) == (45000, 30000, "config.toml")
    assert (found["lease.steal_grace_ms"].value, found["lease.steal_grace_ms"].source) == (1000, "default")
    assert found["timeline.keep"].value == ["2h:all", "1d:10m", "7d:1h", "30d:1d", "rest:1w"]
    assert (found["engine"].value, found["engine"].default) == ("auto", "auto")
    assert (found["retention.weekly.keep_weekly"].value, found["retention.weekly.keep_last"].value) == (
        52,
        None,
    )
    assert found.keys() >= {"shared", "exclude.patterns", "exclude.caches", "timeline.enabled"}


def test_the_environment_counts_more_than_the_file(local: Repository) -> None:
    settings = replace(from_environment(), engine="copy", timeline='{"every_s": 600}')
    other = Repository.open(local.root, settings=settings)
    engine, every = other.config.get("engine"), other.config.get("timeline.every_s")
    assert (engine.value, engine.source, engine.variable) == ("copy", "environment", "JVS_SNAPSHOT_ENGINE")
    assert (every.value, every.source, every.variable) == (600, "environment", "JVS_TIMELINE")
    assert other.config.set("timeline.every_s", "900").value == 600
    assert Repository.open(local.root).config.get("timeline.every_s").value == 900


def test_one_setting_is_changed_and_comments_stay(local: Repository) -> None:
    put(local, COMMENTED)
    assert local.config.set("lease.duration_ms", "60000").value == 60000
    assert text_of(local) == COMMENTED.replace("45000", "60000")
    local.config.set("exclude.patterns", "*.tmp", "/a b/")
    local.config.set("exclude.caches", "yes")
    local.config.set("retention.weekly.keep_tag", "baseline")
    local.config.set("retention.weekly.keep_within", "1y")
    assert text_of(local).startswith(COMMENTED.replace("45000", "60000"))
    again = Repository.open(local.root)
    assert again.config.get("exclude.patterns").value == ["*.tmp", "/a b/"]
    assert again.config.get("exclude.caches").value is True
    assert again.gc.plan("weekly").plan_id
    local.config.set("engine", "copy")
    assert Repository.open(local.root).requested_engine == "copy"
    for key in ("engine", "exclude.patterns", "exclude.caches", "lease.duration_ms"):
        assert local.config.reset(key).source == "default"
    assert "# longer, since the network is slow" in text_of(local)
    assert local.config.set("exclude.patterns").value == []


def test_each_change_is_logged_once_and_none_where_nothing_changes(local: Repository) -> None:
    local.config.set("timeline.every_s", "600")
    local.config.set("timeline.every_s", "600")
    local.config.reset("timeline.after_save_s")
    first, second = local.audit.log(2)
    assert (first.operation, first.target, first.details) == (
        "config_set",
        "timeline.every_s",
        {"value": 600},
    )
    assert second.operation == "init"
    local.config.reset("timeline.every_s")
    assert local.audit.log(1)[0].details == {"value": None}
    assert local.doctor(strict=True).healthy


@pytest.mark.parametrize(
    ("key", "values", "told"),
    [
        ("timeline.evry_s", ["1"], "timeline.every_s"),
        ("every_s", ["1"], "timeline.every_s"),
        ("timeline", ["1"], "timeline.enabled"),
        ("", ["1"], "config show"),
        ("retention.weekly.keep_lats", ["1"], "retention.weekly.keep_last"),
        ("retention.a/b.keep_last", ["1"], "config"),
        ("timeline.every_s", ["soon"], "config get"),
        ("timeline.every_s", ["0"], "config"),
        ("timeline.every_s", ["1", "2"], "config set"),
        ("timeline.enabled", ["maybe"], "true"),
        ("timeline.keep", ["never"], "config"),
        ("retention.weekly.keep_within", ["soon"], "30d"),
        ("exclude.patterns", ["a\nb"], "config"),
        ("exclude.patterns", [""], "config"),
        ("exclude.patterns", ["*.tmp", "caf\udce9"], "config"),
        ("retention.weekly.keep_tag", ["\udcff"], "config"),
        ("engine", ["tape"], "reflink-copy"),
        ("lease.duration_ms", ["9" * 18], "config"),
        ("lease.duration_ms", ["9" * 5000], "config"),
        ("shared", ["true"], "--shared"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    local: Repository, key: str, values: list[str], told: str
) -> None:
    before = text_of(local)
    with pytest.raises(InputError) as refused:
        local.config.set(key, *values)
    assert told in str(refused.value.hint)
    assert text_of(local) == before


def test_an_engine_that_cannot_work_here_is_refused(local: Repository) -> None:
    with pytest.raises(EngineUnavailable):
        local.config.set("engine", "juicefs-clone")


def test_a_file_that_is_a_link_is_not_written_through(local: Repository, tmp_path: Path) -> None:
    place = local.root / ".jvs/config.toml"
    shared = tmp_path / "of-all.toml"
    place.rename(shared)
    place.symlink_to(shared)
    before = shared.read_bytes()
    with pytest.raises(InputError, match="is a link"):
        local.config.set("timeline.every_s", "600")
    assert (shared.read_bytes(), place.is_symlink()) == (before, True)


def test_one_that_is_missing_is_made_with_the_rights_of_the_others(local: Repository) -> None:
    place = local.root / ".jvs/config.toml"
    place.unlink()
    local.config.set("timeline.every_s", "600")
    assert Repository.open(local.root).config.get("timeline.every_s").value == 600
    assert os.stat(place).st_mode & 0o022 == 0
