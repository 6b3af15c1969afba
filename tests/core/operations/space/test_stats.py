"""What takes the space of a repository: held against every manifest, against the disk, and on hostile records."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from jvs_core import Repository
from jvs_core.control.layout import Layout
from jvs_core.errors import EngineFailed, SnapshotExpired
from jvs_core.operations.space import shares
from tests.support.damage import overwrite
from tests.support.extents import disk_bytes
from tests.support.filesystems import FileSystem
from tests.support.users import SOMEBODY, as_user

MEGABYTE = 1_000_000


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(tmp_path / "repo", engine="copy")


def write(repo: Repository, name: str, data: bytes | str, worktree: str = "main") -> None:
    top = repo.worktrees.path(worktree)
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).write_bytes(data.encode() if isinstance(data, str) else data)


def take(repo: Repository, worktree: str = "main") -> str:
    return repo.snapshot(lock=True, worktree=worktree).snapshot_id


def unique(repo: Repository) -> dict[str, int]:
    return {each.snapshot_id: each.unique_bytes for each in repo.stats().snapshots}


def by_manifests(repo: Repository) -> tuple[int, dict[str, int], dict[str, int]]:
    """Return distinct bytes, what each snapshot alone holds, and the bytes of each path, in the plainest way."""
    contents: dict[str, dict[str, int]] = {}
    paths: dict[str, dict[str, int]] = {}
    for item in repo.history(every=True):
        if item.expired:
            continue
        own = contents.setdefault(item.descriptor.snapshot_id, {})
        for entry in repo.ls(item.descriptor.snapshot_id, recursive=True):
            if entry.type == "file":
                own[str(entry.sha256)] = entry.size
                paths.setdefault(entry.path, {})[str(entry.sha256)] = entry.size
    holders = Counter(digest for own in contents.values() for digest in own)
    sizes = {digest: size for own in contents.values() for digest, size in own.items()}
    alone = {
        snapshot_id: sum(size for digest, size in own.items() if holders[digest] == 1)
        for snapshot_id, own in contents.items()
    }
    return sum(sizes.values()), alone, {path: sum(own.values()) for path, own in paths.items()}


def some_history(repo: Repository, seed: int) -> None:
    """Take snapshots in three worktrees, with contents that come back, move, and are there several times."""
    chosen = random.Random(seed)
    take(repo)
    repo.worktrees.create("second")
    for number in range(14):
        worktree = chosen.choice([info.name for info in repo.worktrees.all()])
        top = repo.worktrees.path(worktree)
        for name in chosen.sample("abcdef", 2):
            (top / name).unlink(missing_ok=True)
            if chosen.random() < 0.8:
                write(repo, name, f"{chosen.randrange(6)}" * chosen.choice((10, 100)), worktree)
        take(repo, worktree)
        if number == 6:
            repo.worktrees.create(
                "third", from_=chosen.choice(repo.history(every=True)).descriptor.snapshot_id
            )


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_all_manifests_together_say(
    repo: Repository, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_history(repo, seed)
    distinct, alone, paths = by_manifests(repo)
    found = repo.stats()
    assert (found.distinct_bytes, found.estimate) == (distinct, True)
    assert unique(repo) == alone
    assert {each.path: each.bytes for each in found.largest} == paths
    assert [each.bytes for each in found.largest] == sorted(paths.values(), reverse=True)
    for snapshot_id, size in alone.items():
        one = repo.stats(snapshot_id)
        assert [(each.snapshot_id, each.unique_bytes) for each in one.snapshots] == [(snapshot_id, size)]
        assert sum(each.unique_bytes or 0 for each in one.largest) == size
    repo.gc.run(repo.gc.plan(keep_last=3).plan_id)
    distinct, alone, _ = by_manifests(repo)
    assert (repo.stats().distinct_bytes, unique(repo)) == (distinct, alone)
    monkeypatch.setattr(shares, "_AT_ONCE", 7)  # several parts give the same
    monkeypatch.setattr(shares, "_remembered", lambda index, key: None)
    assert repo.stats().distinct_bytes == distinct
    assert unique(repo) == alone


def test_everything_that_takes_space_has_a_name(repo: Repository) -> None:
    write(repo, "large", os.urandom(2 * MEGABYTE))
    first = take(repo)
    write(repo, "large", os.urandom(MEGABYTE))
    second = take(repo)
    repo.refs.create("best", first)
    repo.pins.create(first)
    before = repo.stats()
    assert before.by_use["snapshots"] == pytest.approx(3 * MEGABYTE, rel=0.01)
    assert before.by_use["worktrees"] == pytest.approx(MEGABYTE, rel=0.01)
    assert before.by_use["kept_copies"] == before.by_use["trash"] == before.by_use["unfinished"] == 0
    assert {each.snapshot_id: each.needed_for for each in before.snapshots} == {
        first: ["ref best", "pin"],
        second: ["head of main"],
    }
    write(repo, "gone", os.urandom(MEGABYTE))
    repo.timeline.keep_file("gone", "delete")
    layout = Layout(repo.root)
    shutil.copytree(layout.snapshot(first), layout.trash() / first)
    shutil.copytree(layout.snapshot(second), layout.snapshots / f"{second}.tmp")
    found = repo.stats()
    assert found.by_use["kept_copies"] == pytest.approx(MEGABYTE, rel=0.02)
    assert found.by_use["trash"] == pytest.approx(2 * MEGABYTE, rel=0.02)
    assert found.by_use["unfinished"] == pytest.approx(MEGABYTE, rel=0.02)
    assert found.by_use["worktrees"] == pytest.approx(2 * MEGABYTE, rel=0.02)
    assert found.total_bytes == sum(found.by_use.values())
    assert found.total_bytes == pytest.approx(_du(repo.root), rel=0.02)
    assert found.unreadable == []


def _du(top: Path) -> int:
    seen: dict[tuple[int, int], int] = {}
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            found = os.lstat(os.path.join(folder, name))
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


def test_what_was_thinned_out_holds_nothing_and_is_counted(repo: Repository) -> None:
    write(repo, "large", os.urandom(MEGABYTE))
    first = take(repo)
    write(repo, "large", "small now")
    take(repo)
    assert unique(repo)[first] == MEGABYTE
    repo.gc.run(repo.gc.plan(keep_last=1).plan_id)
    found = repo.stats()
    assert (found.expired, len(found.snapshots)) == (1, 1)
    assert found.distinct_bytes == len("small now")
    with pytest.raises(SnapshotExpired):
        repo.stats(first)


def test_a_repository_without_snapshots_takes_little(repo: Repository) -> None:
    found = repo.stats()
    assert (found.distinct_bytes, found.contents, found.snapshots, found.largest) == (0, 0, [], [])
    assert found.total_bytes < MEGABYTE


@pytest.mark.on_each
def test_the_estimate_is_near_what_the_disk_says(
    loop_filesystem: FileSystem, make_workdir: Callable[[FileSystem], Path]
) -> None:
    repo = Repository.init(make_workdir(loop_filesystem) / "repo")
    for number in range(8):
        write(repo, f"data/{number}", os.urandom(600_000))
    take(repo)
    for number in range(4):
        write(repo, f"data/{number}", os.urandom(500_000))
        write(repo, "small", f"{number}" * 9000)
        take(repo)
    write(repo, "not yet", os.urandom(700_000))
    (repo.root / "main" / "data" / "7").unlink()
    trial = repo.restore("HEAD~3", name="trial")
    (Path(trial.path) / "data" / "6").write_bytes(os.urandom(400_000))
    found, on_disk = repo.stats(), disk_bytes(repo.root)
    assert found.total_bytes == pytest.approx(on_disk, rel=0.05)


@pytest.mark.on_each
def test_deleting_a_snapshot_frees_about_what_it_says(
    loop_filesystem: FileSystem, make_workdir: Callable[[FileSystem], Path]
) -> None:
    repo = Repository.init(make_workdir(loop_filesystem) / "repo")
    for name in "abc":
        write(repo, name, os.urandom(900_000))
    first = take(repo)
    write(repo, "a", os.urandom(900_000))
    (repo.root / "main" / "b").unlink()
    take(repo)
    expected, plan = unique(repo)[first], repo.gc.plan(keep_last=1)
    assert expected == 1_800_000
    before = disk_bytes(repo.root)
    assert repo.gc.run(plan.plan_id).deleted == [first]
    assert before - disk_bytes(repo.root) == pytest.approx(expected, rel=0.05)


def test_an_index_that_lies_makes_no_more_than_a_wrong_estimate(repo: Repository) -> None:
    write(repo, "f", "x" * 100)
    take(repo)
    repo.stats()
    path = repo.settings.cache_dir / "changes" / f"{repo.repo_id}.sqlite"
    for lie in (
        "UPDATE sums SET data = '[1, 2'",
        "UPDATE sums SET data = '[1, 2, 3, 4, [5], {}]'",
        "UPDATE sums SET data = '{}'",
        "DELETE FROM sums; UPDATE changes SET size = 'large'",
        "DELETE FROM sums; UPDATE changes SET size = -5, sha256 = 'text'",
        "DELETE FROM sums; UPDATE changes SET sha256 = x'00', snapshot = 'nobody''s'",
        "DELETE FROM sums; UPDATE paths SET path = 7",
        "DROP TABLE sums",
    ):
        with sqlite3.connect(path) as database:
            database.executescript(lie)
        database.close()
        assert len(repo.stats().snapshots) == 1
        assert len(repo.stats("HEAD").largest) == 1


def test_an_index_with_damaged_pages_is_an_error_once_and_made_again(repo: Repository) -> None:
    for number in range(300):
        write(repo, f"{number:03d}" * 20, f"{number}")
    take(repo)
    expected = repo.stats()
    path = repo.settings.cache_dir / "changes" / f"{repo.repo_id}.sqlite"
    for call in (repo.stats, lambda: repo.find("*"), lambda: repo.stats("HEAD")):
        data = path.read_bytes()
        path.write_bytes(data[:12288] + b"\xa5" * (len(data) - 12288))
        for _ in range(2):
            with suppress(EngineFailed):
                call()
        assert repo.stats().distinct_bytes == expected.distinct_bytes


def test_hostile_records_are_named_and_not_counted(repo: Repository, tmp_path: Path) -> None:
    write(repo, "f", "x" * 100)
    first = take(repo)
    write(repo, "f", "y" * 100)
    second = take(repo)
    layout = Layout(repo.root)
    overwrite(layout.manifest(first), b"nonsense")
    (repo.root / ".jvs" / "refs" / "bad.json").write_text("{")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "huge").write_bytes(bytes(MEGABYTE))
    shutil.rmtree(layout.trash())
    layout.trash().symlink_to(outside)
    deep = repo.root / ".jvs" / "runs"
    inner = os.open(deep, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=inner)
        following = os.open("d", os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = following
    os.close(inner)
    found = repo.stats()
    assert [each.snapshot_id for each in found.snapshots] == [second]
    assert len(found.unreadable) == 2
    assert found.by_use["trash"] == 0
    assert found.total_bytes < 20 * MEGABYTE


def test_what_the_caller_may_not_read_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to have what another one may not read")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    repo = Repository.init(tmp_path / "repo", engine="copy")
    write(repo, "closed/f", "x")
    take(repo)
    assert repo.stats().unreadable == []
    os.chmod(repo.root / "main" / "closed", 0o700)
    for folder in (repo.root, repo.root / ".jvs"):
        folder.chmod(0o755)
    with as_user(SOMEBODY):
        found = repo.stats()
    assert any("worktree main" in line for line in found.unreadable), found.unreadable
    assert found.total_bytes > 0
