"""Providing worktrees: one clone each, found the next time, whoever is called what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jvs_core import AlreadyExists, JvsError, LockConflict, Repository
from jvs_jupyter.hub import lifecycle
from jvs_jupyter.hub.names import Person, worktree_name
from jvs_jupyter.hub.provision import as_admin, by_name, provide, provide_all

ANN = Person("ann", "", "7@2026-01-01")


def test_the_first_time_makes_it_and_the_next_finds_it(team: Repository) -> None:
    first = provide(team, ANN, template="template-1")
    assert first.action == "created"
    assert first.path is not None
    (first.path / "mine.txt").write_text("mine")
    again = provide(team, ANN, template="template-1")
    assert (again.action, again.path) == ("exists", first.path)
    assert (first.path / "mine.txt").read_text() == "mine"
    assert (first.path / "data" / "a.csv").read_text() == "a,b\n1,2\n"
    assert first.base_snapshot_id == team.resolve("template-1")


def test_the_log_names_the_admin(team: Repository) -> None:
    provide(Repository(team.root, settings=as_admin("root of\nall")), ANN, template="template-1")
    record = team.audit.log()[0]
    assert record.operation == "worktree_create"
    assert record.actor.startswith("root of?all@")
    assert record.details["labels"] == ANN.labels


def test_a_listed_user_gets_what_was_provided_by_name(team: Repository) -> None:
    (made,) = provide_all(team, [Person("ann")], template="template-1")
    assert made.path is not None
    adopted = provide(team, ANN, template="template-1")
    assert (adopted.action, adopted.worktree) == ("adopted", worktree_name(ANN))
    assert not made.path.exists()
    assert provide(team, ANN, template="template-1").action == "exists"
    (again,) = provide_all(team, [Person("ann")], template="template-1")
    assert (again.action, again.worktree) == ("exists", worktree_name(ANN))


def test_a_renamed_user_keeps_the_worktree_and_a_new_user_of_the_old_name_gets_a_fresh_one(
    team: Repository,
) -> None:
    made = provide(team, ANN, template="template-1")
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")
    anna = Person("anna", "", ANN.identity)
    renamed = provide(team, anna, template="template-1")
    assert (renamed.action, renamed.worktree) == ("renamed", worktree_name(anna))
    assert renamed.path is not None
    assert (renamed.path / "mine.txt").read_text() == "mine"
    other = provide(team, Person("ann", "", "8@2026-02-02"), template="template-1")
    assert other.action == "created"
    assert other.path is not None
    assert not (other.path / "mine.txt").exists()


def test_of_two_worktrees_of_a_name_the_one_that_the_hub_gave_counts(team: Repository) -> None:
    for identity in (
        ANN.identity,
        None,
    ):  # the second: listed under the new name before the first spawn under it
        person = Person("ann", "", identity)
        team.worktrees.create(worktree_name(person), labels=person.labels)
    assert by_name(team)["ann", ""].name == worktree_name(ANN)


def test_a_name_between_label_and_new_name_goes_on_where_it_stopped(team: Repository) -> None:
    provide(team, Person("ann"), template="template-1")
    team.worktrees.label(worktree_name(Person("ann")), ANN.labels)
    (listed,) = provide_all(team, [Person("ann")], template="template-1")
    assert listed.action == "exists"
    assert provide(team, ANN, template="template-1").worktree == worktree_name(ANN)


def test_somebody_elses_worktree_is_never_handed_out(team: Repository) -> None:
    team.worktrees.create(worktree_name(ANN), labels=Person("bob", "", "1@2025").labels)
    with pytest.raises(AlreadyExists, match="somebody else"):
        provide(team, ANN, template="template-1")


def test_a_dry_run_changes_nothing_and_one_failure_stops_nobody_else(team: Repository) -> None:
    people = [Person("ann"), Person("bob"), Person("cid")]
    dry = list(provide_all(team, people, template="template-1", dry_run=True))
    assert {outcome.action for outcome in dry} == {"would_create"}
    assert team.worktrees.names() == ["main"]
    team.worktrees.create(worktree_name(Person("bob")))
    outcomes = list(provide_all(team, people, template="template-1"))
    assert [outcome.action for outcome in outcomes] == ["created", "failed", "created"]
    assert outcomes[1].to_json()["error"]["code"] == "E_ALREADY_EXISTS"
    with pytest.raises(JvsError):
        list(provide_all(team, people, template="no-such-ref"))


def test_reset_keeps_what_was_there_and_a_second_one_does_nothing(team: Repository) -> None:
    made = provide(team, ANN, template="template-1")
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")
    (team.root / "main" / "notes.txt").write_text("second edition")
    team.snapshot("second", lock=True)
    team.refs.create("template-2", "HEAD")
    done = lifecycle.reset(team, ANN, by_name(team)["ann", ""], template="template-2")
    assert done.action == "reset"
    assert (made.path / "notes.txt").read_text() == "second edition"
    assert not (made.path / "mine.txt").exists()
    assert done.kept_as is not None
    assert (team.worktrees.path(done.kept_as) / "mine.txt").read_text() == "mine"
    assert done.snapshot_id is not None
    assert any(entry.path == "mine.txt" for entry in team.ls(done.snapshot_id))
    again = lifecycle.reset(team, ANN, by_name(team)["ann", ""], template="template-2")
    assert again.action == "unchanged"
    assert provide(team, ANN, template="template-2").action == "exists"
    assert team.doctor(strict=True).healthy


def test_a_running_server_is_neither_reset_nor_archived(team: Repository) -> None:
    made = provide(team, ANN, template="template-1")
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")
    server = Repository(team.root, settings=as_admin("ann"))
    server.locks.acquire(made.worktree)
    info = by_name(team)["ann", ""]
    stranger = Repository(team.root, settings=as_admin("boss"))
    elsewhere = Repository(
        team.root, settings=stranger.settings.__class__(**{**vars(stranger.settings), "session": "admin"})
    )
    with pytest.raises(LockConflict, match="ann@"):
        lifecycle.reset(elsewhere, ANN, info, template="template-1")
    with pytest.raises(LockConflict, match="ann@"):
        lifecycle.archive(elsewhere, ANN, info, days=30)
    assert (made.path / "mine.txt").read_text() == "mine"


def test_an_archived_worktree_can_be_brought_back(team: Repository, tmp_path: Path) -> None:
    made = provide(team, ANN, template="template-1")
    assert made.path is not None
    (made.path / "mine.txt").write_text("mine")
    done = lifecycle.archive(team, ANN, by_name(team)["ann", ""], days=30)
    assert not made.path.exists()
    assert done.snapshot_id is not None
    (pin,) = [pin for pin in team.pins.all() if pin.snapshot_id == done.snapshot_id]
    assert pin.expires_at is not None
    back = team.restore(done.snapshot_id, name="back")
    assert (Path(back.path) / "mine.txt").read_text() == "mine"


def test_what_status_does_not_show_is_archived_too(team: Repository) -> None:
    made = provide(team, ANN, template="template-1")
    assert made.path is not None
    os.setxattr(made.path / "notes.txt", "user.mark", b"mine")
    done = lifecycle.archive(team, ANN, by_name(team)["ann", ""], days=30)
    assert not made.path.exists()
    assert done.snapshot_id is not None
    back = team.restore(done.snapshot_id, name="back")
    assert os.getxattr(Path(back.path) / "notes.txt", "user.mark") == b"mine"
