"""Whose repository may be opened by whom, the list of those that the caller trusts, and where a search ends."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jvs_core import Repository, Settings, distrust, trust, trusted
from jvs_core.control import discovery
from jvs_core.control import trust as control_trust
from jvs_core.control.discovery import find_root
from jvs_core.control.layout import Layout
from jvs_core.errors import InputError, JvsError, NotARepository, UntrustedRepository
from jvs_core.operations.context import Context
from tests.core.control.support import caller
from tests.support.users import SOMEBODY, as_user

OTHER = 12346
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="being another user needs root")


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Return a folder that everybody can reach."""
    place = Path(tempfile.mkdtemp(prefix="jvs-trust-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def of(place: Path, uid: int) -> Settings:
    """Return the settings of a user, whose folders exist."""
    state = place / f"state-{uid}"
    state.mkdir(mode=0o700, exist_ok=True)
    os.chown(state, uid, uid)
    return Settings("x", "here", "default", None, state / "state", state / "cache", state / "config" / "jvs")


def made(place: Path, uid: int, name: str = "repo") -> Path:
    """Return a repository of ``uid`` that everybody can read."""
    root = Repository.init(place / name, engine="copy", settings=caller(place / "maker")).root
    for path in (root, *root.rglob("*")):
        os.chown(path, uid, uid)
    return root


def test_a_link_or_a_file_is_no_control_folder(tmp_path: Path) -> None:
    real = Repository.init(tmp_path / "real", engine="copy").root
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / ".jvs").symlink_to(real / ".jvs")
    with pytest.raises(UntrustedRepository, match="symbolic link"):
        Repository.open(tmp_path / "fake")
    with pytest.raises(UntrustedRepository, match="symbolic link"):
        Repository(tmp_path / "fake")
    with pytest.raises(NotARepository):
        Repository(tmp_path)


@needs_root
def test_no_way_in_opens_what_is_somebody_elses(open_place: Path) -> None:
    root = made(open_place, SOMEBODY)
    (root / ".jvs" / "format_version").write_text("nobody reads this")
    settings = of(open_place, OTHER)
    with as_user(OTHER):
        for enter in (
            lambda: Repository.open(root / "main", settings=settings),
            lambda: Repository(root, settings=settings),
            lambda: Context.open(Layout(root), settings),
        ):
            with pytest.raises(UntrustedRepository, match=f"uid {SOMEBODY}") as refused:
                enter()
            assert refused.value.exit_status == 2
            assert refused.value.hint == f"if you trust what is in it: jvs trust {root}"


@needs_root
def test_ones_own_and_roots_are_opened(open_place: Path) -> None:
    own, roots = made(open_place, SOMEBODY, "own"), made(open_place, 0, "roots")
    with as_user():
        for root in (own, roots):
            assert Repository.open(root, settings=of_existing(open_place)).root == root


def of_existing(place: Path) -> Settings:
    """Return settings with folders that are made when they are needed."""
    return Settings("x", "here", "default", None, place / "none", place / "none", place / "none")


@needs_root
def test_what_is_trusted_is_opened_until_its_owner_changes(open_place: Path) -> None:
    root, settings = made(open_place, SOMEBODY), of(open_place, OTHER)
    with as_user(OTHER):
        assert trust(root, settings=settings).to_json() == {"path": str(root), "uid": SOMEBODY}
        assert trust(root, settings=settings) in trusted(settings=settings)
        assert Repository.open(root / "main", settings=settings).root == root
        file = settings.config_folder() / "trusted.json"
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert len(json.loads(file.read_text())["trusted"]) == 1
    os.chown(root / ".jvs", 777, 777)
    with as_user(OTHER), pytest.raises(UntrustedRepository, match="uid 777"):
        Repository.open(root, settings=settings)
    os.chown(root / ".jvs", SOMEBODY, SOMEBODY)
    with as_user(OTHER):
        assert [one.path for one in distrust(root, settings=settings)] == [str(root)]
        assert distrust(root, settings=settings) == trusted(settings=settings) == []
        with pytest.raises(UntrustedRepository):
            Repository.open(root, settings=settings)


@needs_root
def test_root_trusts_roots_own_only(open_place: Path) -> None:
    root, settings = made(open_place, SOMEBODY), of(open_place, 0)
    with pytest.raises(InputError, match="repositories of root"):
        trust(root, settings=settings)
    settings.config_folder().mkdir(parents=True)
    entry = {"path": str(root), "uid": SOMEBODY}
    (settings.config_folder() / "trusted.json").write_text(json.dumps({"trusted": [entry]}))
    with pytest.raises(UntrustedRepository) as refused:
        Repository.open(root, settings=settings)
    assert refused.value.hint is not None
    assert "run it as" in refused.value.hint


@needs_root
@pytest.mark.parametrize("spoil", ["others may write", "of somebody else", "a link", "damaged"])
def test_a_list_that_others_could_have_written_is_not_believed(open_place: Path, spoil: str) -> None:
    root, settings = made(open_place, SOMEBODY), of(open_place, OTHER)
    with as_user(OTHER):
        trust(root, settings=settings)
    file = settings.config_folder() / "trusted.json"
    if spoil == "others may write":
        file.chmod(0o620)
    elif spoil == "of somebody else":
        os.chown(file, SOMEBODY, SOMEBODY)
        file.chmod(0o644)
    elif spoil == "a link":
        file.rename(file.with_name("elsewhere"))
        file.symlink_to("elsewhere")
    else:
        file.write_text('{"trusted": [7]}')
    with as_user(OTHER):
        assert trusted(settings=settings) == []
        with pytest.raises(UntrustedRepository):
            Repository.open(root, settings=settings)


@needs_root
def test_a_repository_left_in_a_folder_of_all_is_refused(open_place: Path) -> None:
    shared = open_place / "scratch"
    shared.mkdir()
    shared.chmod(0o1777)
    planted = made(open_place, SOMEBODY, "planted")
    (planted / ".jvs").rename(shared / ".jvs")
    mine = shared / "mine"
    mine.mkdir()
    os.chown(mine, OTHER, OTHER)
    with as_user(OTHER), pytest.raises(UntrustedRepository):
        Repository.open(mine, settings=of_existing(open_place))


@needs_root
def test_the_search_ends_at_the_folder_of_a_stranger(open_place: Path) -> None:
    root, settings = made(open_place, SOMEBODY), of(open_place, OTHER)
    deep = root / "main" / "a"
    deep.mkdir()
    os.chown(deep, OTHER, OTHER)
    with as_user(OTHER):
        with pytest.raises(NotARepository) as none:
            find_root(deep, settings)
        assert none.value.hint is not None
        assert f"{root / 'main'}, which belongs to uid {SOMEBODY}" in none.value.hint
        trust(root, settings=settings)
        assert find_root(deep, settings) == root
    assert find_root(root / "main") == root  # one's way up from a folder of its owner


def test_the_search_ends_at_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Repository.init(tmp_path / "repo", engine="copy").root
    mounted = root / "main" / "mounted"
    mounted.mkdir()
    look = discovery._look
    monkeypatch.setattr(
        discovery, "_look", lambda folder: (look(folder)[0], "other") if folder == mounted else look(folder)
    )
    with pytest.raises(NotARepository) as none:
        find_root(mounted)
    assert none.value.hint is not None
    assert f"below {root / 'main'}, which is on another file system" in none.value.hint
    assert find_root(root / "main") == root


@needs_root
def test_a_process_of_another_user_is_refused_as_well(open_place: Path) -> None:
    root, settings = made(open_place, SOMEBODY), of(open_place, OTHER)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(OTHER, OTHER, OTHER)
            os.setresuid(OTHER, OTHER, OTHER)
            Repository.open(root, settings=settings)
        except JvsError as error:
            status = 0 if error.code == "E_UNTRUSTED_REPOSITORY" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@needs_root
@pytest.mark.parametrize(
    ("uid", "gid", "mode", "opened"),
    [
        (0, SOMEBODY, 0o2775, True),  # as init leaves it
        (0, 0, 0o755, True),
        (0, 0, 0o1777, False),
        (0, 0, 0o775, False),
        (OTHER, OTHER, 0o755, False),
        (SOMEBODY, SOMEBODY, 0o700, True),
    ],
)
def test_a_shared_control_folder_that_others_moved_is_not_opened(
    open_place: Path, uid: int, gid: int, mode: int, opened: bool
) -> None:
    """Who may write in ``.jvs`` may rename it, and it belongs to the same user wherever it lies."""
    made_at = Repository.init(
        open_place / "team", engine="copy", shared=True, settings=caller(open_place / "m")
    ).root
    for path in (made_at, *made_at.rglob("*")):
        os.chown(path, 0, SOMEBODY)
    place = open_place / "moved"
    place.mkdir()
    (made_at / ".jvs").rename(place / ".jvs")
    os.chown(place, uid, gid)
    place.chmod(mode)
    who = of(open_place, SOMEBODY)
    layout = Layout(place, True)
    with as_user(SOMEBODY):
        if opened:
            Context.open(layout, who)
            return
        with pytest.raises(UntrustedRepository, match="may have moved it"):
            Context.open(layout, who)
        trust(place, settings=who)
        Context.open(layout, who)
    with pytest.raises(UntrustedRepository, match="may have moved it"):
        Context.open(layout, of(open_place, 0))


def test_another_folder_in_the_place_of_one_that_is_open_is_not_worked_in(tmp_path: Path) -> None:
    first = Repository.init(tmp_path / "first", engine="copy")
    Repository.init(tmp_path / "second", engine="copy")
    first.root.rename(tmp_path / "away")
    (tmp_path / "second").rename(first.root)
    with pytest.raises(JvsError, match="not the folder") as refused:
        first.snapshot(lock=True)
    assert refused.value.code == "E_PATH_ESCAPE"
    assert len(Repository.open(first.root).history(every=True)) == 0
    first.snapshot(lock=True)  # opened again by then


def test_two_who_add_to_the_list_at_once_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = caller(tmp_path / "who")
    places = [Repository.init(tmp_path / name, engine="copy", settings=who).root for name in "abcd"]
    read = control_trust.listed

    def slowly(settings: Settings) -> list[control_trust.Trusted]:
        found = read(settings)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(control_trust, "listed", slowly)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda place: trust(place, settings=who), places))
    assert [one.path for one in trusted(settings=who)] == sorted(map(str, places))
