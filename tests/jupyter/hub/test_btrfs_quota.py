"""A quota on btrfs: all that a user has counts together, whoever makes it; its user sees it without root's rights."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jvs_core import JvsError, Repository
from jvs_jupyter.hub import btrfs_quota, homes, shelf
from jvs_jupyter.hub.command import ask
from jvs_jupyter.hub.homes import find_home, make_home, reset_home
from jvs_jupyter.hub.names import Person
from jvs_jupyter.hub.ownership import Owner
from jvs_jupyter.hub.quota import Quota
from jvs_jupyter.hub.subvolumes import is_subvolume, make
from jvs_jupyter.quotas import left, used_and_limit
from tests.jupyter.hub.conftest import make_team
from tests.jupyter.hub.test_homes_of_users import ANN, BOB, HERS, PERSON, TEAM
from tests.support.filesystems import FileSystem, Unavailable, count_quotas, loop_filesystem
from tests.support.machine import Machine, machine
from tests.support.users import as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")

MIB = 1 << 20


@pytest.fixture
def place(btrfs: FileSystem, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a btrfs of the test's own, with a folder for homes; without btrfs this is skipped, or fails on CI."""
    with loop_filesystem(btrfs.kind) as own:
        (own.mount / "homes").mkdir(mode=0o711)
        monkeypatch.setenv("JVS_OWNERS_DIR", str(own.mount / "owners"))
        yield own.mount


@pytest.fixture
def counted(place: Path) -> Path:
    """Return one that counts simple quotas."""
    try:
        count_quotas(FileSystem("btrfs", place))
    except Unavailable as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
    return place


@pytest.fixture
def templates(place: Path) -> Repository:
    """Return root's repository of templates, 8 MiB of them in a file."""
    made = make_team(place, engine=None)
    (made.root / "main" / "large.bin").write_bytes(os.urandom(8 * MIB))
    made.snapshot("large", lock=True)
    return made


@pytest.fixture
def there(place: Path) -> Iterator[Machine]:
    """Return a machine with Ann and Bob."""
    with machine(place, (ANN, BOB), team=TEAM) as made:
        yield made


def made_for(there: Machine, place: Path, templates: Repository) -> Path:
    return there.run(lambda: make_home(place / "homes", templates, PERSON, template=None, owner=HERS))


def limit(home: Path, most: int) -> None:
    btrfs_quota.limit(home, ANN.uid, most)
    settle(home)


def settle(home: Path) -> None:
    subprocess.run(["sync", "-f", str(home)], check=True)


def write(path: Path, size: int) -> int | None:
    """Write a file as Ann and return why that stopped."""
    with as_user(ANN.uid):
        try:
            with path.open("wb") as file:
                for _ in range(size // MIB):
                    file.write(os.urandom(MIB))
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            return error.errno
    return None


def test_a_home_is_a_subvolume_and_what_comes_from_the_template_is_free(
    there: Machine, counted: Path, templates: Repository
) -> None:
    home = made_for(there, counted, templates)
    assert is_subvolume(home)
    assert [path.name for path in (counted / "homes").iterdir() if path != home] == [".people"]
    assert used_and_limit(home) is None
    limit(home, 64 * MIB)
    with as_user(ANN.uid):
        seen = used_and_limit(home / "main")
    assert seen is not None
    assert seen[1] == 64 * MIB
    assert seen[0] < 4 * MIB  # of the template's 8 MiB nothing
    assert there.run(ask, home, "verify", "--all")


def test_snapshots_count_with_the_worktree_and_what_is_raised_counts_at_once(
    there: Machine, counted: Path, templates: Repository
) -> None:
    home = made_for(there, counted, templates)
    limit(home, 32 * MIB)
    mine = home / "main" / "mine.bin"
    assert write(mine, 12 * MIB) is None
    there.run(ask, home, "snapshot", "first", "--lock", owner=HERS)
    assert write(mine, 12 * MIB) is None  # the snapshot has the first ones
    there.run(ask, home, "snapshot", "second", "--lock", owner=HERS)
    assert write(mine, 12 * MIB) == errno.EDQUOT
    settle(home)
    with as_user(ANN.uid):
        used, most = used_and_limit(home / "main") or (0, 0)
        assert most - 4 * MIB < used <= most
        assert (left(home / "main") or 0) < 4 * MIB
    elsewhere = counted / "home" / "ann"
    make(elsewhere / "sub")  # somewhere else on the same file system, as a worktree in a team's repository is
    os.chown(elsewhere / "sub", ANN.uid, ANN.uid)
    assert used_and_limit(elsewhere / "sub") is None
    row = there.run(ask, home, "hub", "report")[0]
    assert row["quota_bytes"] == most
    assert row["quota_used_bytes"] > 24 * MIB
    assert row["left_bytes"] < 4 * MIB

    limit(home, 128 * MIB)
    assert write(mine, 12 * MIB) is None
    limit(home, 0)
    assert used_and_limit(home) is None
    assert (left(home) or 0) > 128 * MIB


def test_who_is_full_to_the_last_byte_can_delete_and_drop_snapshots(
    there: Machine, counted: Path, templates: Repository
) -> None:
    home = made_for(there, counted, templates)
    limit(home, 24 * MIB)
    main = home / "main"
    for number in range(2):
        assert write(main / "mine.bin", 6 * MIB) is None
        there.run(ask, home, "snapshot", str(number), "--lock", owner=HERS)
    small = fill(main)
    done = there.run(ask, home, "hub", "gc", "--keep-last=1", owner=HERS)
    assert done[0]["snapshots"] >= 1
    with as_user(ANN.uid):
        for path in (main / "mine.bin", *small):
            path.unlink()
    settle(home)
    assert there.run(ask, home, "snapshot", "room again", "--lock", owner=HERS)


def fill(folder: Path) -> list[Path]:
    """Write small files as Ann until her quota refuses more, and return them."""
    made: list[Path] = []
    try:
        with as_user(ANN.uid):
            while len(made) < 100_000:
                made.append(folder / f"{len(made)}.txt")
                made[-1].write_bytes(os.urandom(3000))
    except OSError as refused:
        why = refused.errno
    assert why == errno.EDQUOT
    settle(folder)
    return [path for path in made if path.exists()]


def test_what_was_put_aside_counts_until_it_is_removed(
    there: Machine, counted: Path, templates: Repository
) -> None:
    home = made_for(there, counted, templates)
    limit(home, 32 * MIB)
    assert write(home / "main" / "mine.bin", 12 * MIB) is None
    aside = there.run(
        lambda: reset_home(counted / "homes", templates, PERSON, home, template=None, owner=HERS)
    )
    assert aside is not None
    settle(home)
    assert not (home / "main" / "mine.bin").exists()
    assert (used_and_limit(home) or (0, 0))[0] > 12 * MIB
    there.run(homes.remove, aside)
    settle(home)
    assert not aside.exists()
    kept = there.run(homes.archive_home, counted / "homes", home)
    assert is_subvolume(kept)
    assert there.run(shelf.put_back, counted / "homes", PERSON, kept, None) is None
    found = find_home(counted / "homes", PERSON)
    assert found is not None
    assert (used_and_limit(found) or (0, 0))[1] == 32 * MIB


def test_a_home_from_before_the_quotas_joins_when_one_is_set(
    there: Machine, place: Path, templates: Repository
) -> None:
    home = made_for(there, place, templates)
    there.run(ask, home, "snapshot", "before", "--lock", owner=HERS)
    with pytest.raises(JvsError, match="no quotas") as refused:
        Quota(gib=1).apply(home, HERS)
    assert "--simple" in str(refused.value.hint)
    count_quotas(FileSystem("btrfs", place))
    limit(home, 16 * MIB)
    assert write(home / "main" / "mine.bin", 24 * MIB) == errno.EDQUOT
    Quota(gib=1).apply(home, HERS)
    assert used_and_limit(home) is not None
    assert (used_and_limit(home) or (0, 0))[1] == 1 << 30


def test_quotas_of_the_other_kind_are_refused_and_stop_no_home(
    there: Machine, place: Path, templates: Repository
) -> None:
    subprocess.run(["btrfs", "quota", "enable", str(place)], check=True)
    home = made_for(there, place, templates)
    with pytest.raises(JvsError, match="of the kind 'qgroup'") as refused:
        Quota(gib=1).apply(home, HERS)
    assert "quota disable" in str(refused.value.hint)


def test_what_cannot_have_one_is_told(there: Machine, counted: Path, templates: Repository) -> None:
    listed = make_home(counted / "homes", templates, Person("ann"), template=None, owner=None)
    with pytest.raises(JvsError, match="is not a subvolume"):
        Quota(gib=1).apply(listed, HERS)
    with pytest.raises(JvsError, match="a home for each system user"):
        Quota(gib=1).apply(listed)
    with pytest.raises(JvsError, match="number of files"):
        Quota(files=7).apply(listed, HERS)
    with as_user(ANN.uid), pytest.raises(JvsError, match="could not set a quota on"):
        Quota(gib=1).apply(made_by_ann(counted), Owner(ANN.uid, ANN.uid))


def made_by_ann(place: Path) -> Path:
    folder = place / "home" / "ann" / "sub"
    make(folder)
    return folder
