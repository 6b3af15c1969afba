"""A repository that somebody else wrote: whatever its records name, nothing outside of it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jvs_core import Repository
from tests.hostile.victim import PROCESS, Victim
from tests.support.damage import overwrite

COMMANDS = (
    ("status",),
    ("snapshot", "x", "--lock"),
    ("doctor",),
    ("doctor", "--repair-runtime"),
    ("doctor", "--repair", "advance_head", "--repair", "audit_repair"),
    ("verify", "--all"),
    ("doctor", "--repair", "heal"),
    ("gc", "plan", "--keep-last", "1"),
    ("gc", "run", "--plan-id", "aaaaaaaaaaaa"),
    ("gc", "pins"),
    ("worktree", "list"),
    ("worktree", "remove", "trial", "--force"),
    ("ref", "list"),
    ("ref", "delete", "name"),
    ("lock", "acquire"),
    ("undo", "--reason", "x"),
    ("lock", "release"),
    ("restore", "HEAD", "--name", "back"),
    ("history", "--all"),
    ("history", "--tag", "good"),
    ("show", "name"),
    ("annotate", "name", "--note", "mine"),
    ("run", "list"),
    ("lock", "acquire"),
)


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.fixture
def victim(tmp_path: Path) -> Victim:
    return Victim.living_in(tmp_path / "home")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a repository with some of everything."""
    repo = Repository.init(tmp_path / "repo", engine="copy")
    (repo.root / "main/a").write_text("a")
    first = repo.snapshot("one", lock=True)
    (repo.root / "main/a").write_text("b")
    repo.snapshot("two", lock=True)
    repo.restore_inplace(first.snapshot_id, reason="back", lock=True)
    repo.annotate("HEAD", note="edited", add_tags=["good"])
    repo.refs.create("name", "HEAD")
    repo.pins.create("HEAD")
    repo.worktrees.create("trial")
    return repo.root


def intent(repo: Path, name: str, **fields: Any) -> None:
    whole = {
        "intent_id": name,
        "operation": "worktree_remove",
        "worktree": "trial",
        "worktree_id": json.loads((repo / ".jvs/worktrees/trial/config.json").read_text())["worktree_id"],
        "snapshot_id": None,
        "fencing_token": None,
        "holder_id": "a@b",
        "started_at": "2020-01-01T00:00:00.000Z",
        "details": {},
        **PROCESS,
    }
    (repo / ".jvs/intents" / f"{name}.json").write_text(json.dumps({**whole, **fields}))


def id_of_an_intent_is_a_path(repo: Path, home: Path) -> None:
    details = {"temporary": b".jvs-restore-00000000".hex(), "pre": None}
    intent(
        repo, "restore_path-x", intent_id=str(home / "settings"), operation="restore_path", details=details
    )


def id_of_a_worktree_is_a_path(repo: Path, home: Path) -> None:
    change(repo / ".jvs/worktrees/trial/config.json", worktree_id=str(home / "Documents"))
    details = {"temporary": ".trial.00000000.tmp"}
    intent(repo, f"worktree_remove-{0:032x}", worktree_id=str(home / "Documents"), details=details)


def id_of_main_is_a_database(repo: Path, home: Path) -> None:
    change(repo / ".jvs/worktrees/main/config.json", worktree_id=str(home / "catalogue"))


def id_of_main_is_a_private_folder_of_a_shared_repository(repo: Path, home: Path) -> None:
    (repo / ".jvs/config.toml").write_text("shared = true\n")
    change(repo / ".jvs/worktrees/main/config.json", worktree_id=str(home / ".ssh"))


def id_of_a_plan_is_a_path(repo: Path, home: Path) -> None:
    plan = {"plan_id": str(home / "settings"), "created_at": "2024-01-01T00:00:00.000Z", "created_by": "a"}
    more = {"policy": {}, "thinning": False, "candidates": [], "finished_at": None, "ServerApp": {"evil": 1}}
    (repo / ".jvs/gc/plans/aaaaaaaaaaaa.json").write_text(json.dumps({**plan, **more}))


def candidates_of_a_plan_are_paths(repo: Path, home: Path) -> None:
    plan = {"plan_id": "a" * 12, "created_at": "2024-01-01T00:00:00.000Z", "created_by": "a"}
    more = {"policy": {}, "thinning": True, "candidates": [str(home / "Documents")], "finished_at": None}
    (repo / ".jvs/gc/plans/aaaaaaaaaaaa.json").write_text(json.dumps({**plan, **more}))


def a_copy_is_a_file_of_the_worktree(repo: Path, home: Path) -> None:
    for number, name in enumerate((b"a", b"../../home/Documents", bytes(home / "settings.json"))):
        intent(
            repo,
            f"restore_path-{number:032x}",
            operation="restore_path",
            worktree="main",
            details={"temporary": name.hex(), "pre": None},
        )


def a_hidden_folder_is_elsewhere(repo: Path, home: Path) -> None:
    for number, name in enumerate((str(home / "Documents"), "../../home/Documents", "../main")):
        intent(repo, f"worktree_remove-{number:032x}", details={"temporary": name})
        intent(repo, f"restore-{number:032x}", operation="restore", details={"temporary": name})


def names_are_links(repo: Path, home: Path) -> None:
    (repo / ".jvs/refs/name.json").unlink()
    (repo / ".jvs/refs/name.json").symlink_to(home / "settings.json")
    head = max((repo / ".jvs/worktrees/trial/heads").iterdir())
    head.unlink()
    head.symlink_to(home / "settings.json")
    (repo / ".jvs/snapshots/1700000000000-00000000.tmp").symlink_to(home / "Documents")
    (repo / "worktrees/.trial.00000000.tmp").symlink_to(home / "Documents")


def heads_name_paths(repo: Path, home: Path) -> None:
    head = max((repo / ".jvs/worktrees/main/heads").iterdir(), key=lambda path: int(path.name))
    change(head, snapshot_id=str(home / "Documents"), undo=[{"snapshot_id": "../../x"}])


def edits(repo: Path) -> Path:
    (folder,) = (repo / ".jvs/annotations").iterdir()
    return folder


def edits_name_paths(repo: Path, home: Path) -> None:
    change(edits(repo) / "1", snapshot_id=str(home / "Documents"))
    for number, name in enumerate(("../../../home/Documents", "a\0b", "x" * 5000, "", "..", 7), 2):
        record = {**json.loads((edits(repo) / "1").read_text()), "number": number, "snapshot_id": name}
        (edits(repo) / str(number)).write_text(json.dumps(record))


def edits_have_numbers_that_are_none(repo: Path, home: Path) -> None:
    record = json.loads((edits(repo) / "1").read_text())
    for name, number in (("2", "2"), ("3", True), ("9007199254740991", 2**53 - 1), ("9" * 200, 1), ("02", 2)):
        (edits(repo) / name).write_text(json.dumps({**record, "number": number}))


def edits_are_links(repo: Path, home: Path) -> None:
    (edits(repo) / "2").symlink_to(home / "settings.json")
    (edits(repo) / ".2.00000000.tmp").symlink_to(home / "Documents")
    (repo / ".jvs/annotations/.x.00000000.tmp").symlink_to(home / "Documents")


def edits_are_somewhere_else(repo: Path, home: Path) -> None:
    edits(repo).rename(repo / "elsewhere")
    (repo / ".jvs/annotations" / (repo / "elsewhere").name).symlink_to(home / "Documents")
    for descriptor in (repo / ".jvs/descriptors").iterdir():
        (repo / ".jvs/annotations" / descriptor.stem).symlink_to(home / "Documents")


def edits_are_all_somewhere_else(repo: Path, home: Path) -> None:
    (repo / ".jvs/annotations").rename(repo / "elsewhere")
    (repo / ".jvs/annotations").symlink_to(home / "Documents")


def damage(repo: Path, name: str, **fields: Any) -> None:
    """Write that the snapshot ``name`` is damaged, which it need not be."""
    whole = {
        "snapshot_id": name,
        "found_at": "2020-01-01T00:00:00.000Z",
        "found_by": "a@b",
        "code": "E_PAYLOAD_HASH_MISMATCH",
        "paths": [],
        "complete": True,
        "unhealed": [],
    }
    (repo / ".jvs/damage" / f"{name}.json").write_text(json.dumps({**whole, **fields}))


def damage_is_elsewhere(repo: Path, home: Path) -> None:
    first, second, *_ = sorted(path.stem for path in (repo / ".jvs/descriptors").iterdir())
    names = (b"../../../../../home/settings.json", bytes(home / "settings.json"), b"", b"a\0b", b"a/../a")
    damage(repo, first, paths=[name.hex() for name in names])
    damage(repo, second, snapshot_id=str(home / "Documents"))
    (repo / ".jvs/damage" / f"{first}.tmp").symlink_to(home / "Documents")


def payload_is_damaged_and_leads_elsewhere(repo: Path, home: Path) -> None:
    for path in (repo / ".jvs/snapshots").iterdir():
        damage(repo, path.name, paths=[b"a".hex()])
        (path / "payload/a").unlink()
        (path / "payload/a").symlink_to(home / "settings.json")
        (path / "payload/b").symlink_to(home / "Documents")


def records_of_damage_are_links(repo: Path, home: Path) -> None:
    for descriptor in (repo / ".jvs/descriptors").iterdir():
        (repo / ".jvs/damage" / descriptor.name).symlink_to(home / "settings.json")


def damage_is_all_somewhere_else(repo: Path, home: Path) -> None:
    payload = next((repo / ".jvs/snapshots").iterdir()) / "payload"
    damage(repo, payload.parent.name)
    overwrite(payload / "a", "rot")
    (repo / ".jvs/damage").rename(repo / "elsewhere")
    (repo / ".jvs/damage").symlink_to(home / "Documents")


FORGERIES: list[Callable[[Path, Path], None]] = [
    id_of_an_intent_is_a_path,
    id_of_a_worktree_is_a_path,
    id_of_main_is_a_database,
    id_of_main_is_a_private_folder_of_a_shared_repository,
    id_of_a_plan_is_a_path,
    candidates_of_a_plan_are_paths,
    a_copy_is_a_file_of_the_worktree,
    a_hidden_folder_is_elsewhere,
    names_are_links,
    heads_name_paths,
    edits_name_paths,
    edits_have_numbers_that_are_none,
    edits_are_links,
    edits_are_somewhere_else,
    edits_are_all_somewhere_else,
    damage_is_elsewhere,
    payload_is_damaged_and_leads_elsewhere,
    records_of_damage_are_links,
    damage_is_all_somewhere_else,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_nothing_outside_of_the_repository_changes(
    repo: Path, victim: Victim, forge: Callable[[Path, Path], None]
) -> None:
    forge(repo, victim.home)
    before = victim.canaries()
    files = {path: path.read_bytes() for path in (repo / "main").iterdir()}
    said = victim.run("doctor", "--json", repo=repo)
    assert json.loads(said.stdout).get("findings") or said.returncode, said.stdout
    for command in COMMANDS:
        victim.run(*command, repo=repo)
        assert victim.canaries() == before, command
    assert set(files) <= set((repo / "main").iterdir())
