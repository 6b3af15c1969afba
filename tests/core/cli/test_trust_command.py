"""``jvs trust``, and root's command in the repository of somebody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.cli.conftest import Jvs
from tests.support.others import Others, done, needs_root
from tests.support.users import SOMEBODY

OTHER = 12346


def test_the_list_in_words_and_as_json(repo: Path, jvs: Jvs) -> None:
    assert jvs("trust", "--list", "--json").json == []
    made = jvs("trust", str(repo), "--json").json
    assert made == {"path": str(repo), "uid": os.geteuid()}
    assert jvs("trust", "--list", "--json").json == [made]
    assert jvs("trust", "--list").first.startswith(f"{repo}  ")
    assert jvs("trust", "..").first.startswith(f"Trusted {repo} of ")
    assert jvs("trust", "--remove", str(repo)).first == f"You no longer trust {repo}"
    assert jvs("trust", "--remove", str(repo), "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("trust", "--list").out == ""


def test_what_trust_does_not_take(repo: Path, jvs: Jvs) -> None:
    for words in ([], [str(repo), "--list"], ["--remove", ""], [""], ["--repo", str(repo), "--list"]):
        assert jvs("trust", *words, "--json", status=2).error["code"] == "E_USAGE"
    assert jvs("trust", str(repo / "main"), "--json", status=3).error["code"] == "E_NOT_A_REPOSITORY"


@pytest.mark.slow
@needs_root
def test_root_goes_on_with_the_owners_rights_and_the_owner_goes_on_after_it(
    theirs: Path, command: Others, place: Path
) -> None:
    main = theirs / "main"
    said = done(command("snapshot", "by root", "--lock", uid=0, cwd=main))
    assert f"jvs: {theirs} belongs to uid {SOMEBODY}: continuing with that user's rights" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    asked = done(
        command("-q", "--repo", str(theirs), "restore", "HEAD", "--name", "look", uid=0, cwd=Path("/"))
    )
    assert asked.stderr == ""
    assert {path.lstat().st_uid for path in (theirs, *theirs.rglob("*"))} == {SOMEBODY}
    owners = place / "owners"
    assert (owners.stat().st_uid, owners.stat().st_mode & 0o777) == (0, 0o711)
    assert (owners / str(SOMEBODY)).stat().st_uid == SOMEBODY
    assert (owners / str(SOMEBODY)).stat().st_mode & 0o777 == 0o700
    (main / "a").write_text("three")
    for words in (["status"], ["snapshot", "three", "--lock"], ["verify", "--all"], ["doctor", "--strict"]):
        done(command(*words, uid=SOMEBODY, cwd=main))


@needs_root
def test_root_is_refused_where_only_the_control_folder_is_somebody_elses(
    theirs: Path, command: Others
) -> None:
    os.chown(theirs, 0, 0)
    ran = command("status", uid=0, cwd=theirs)
    assert ran.returncode == 2
    assert ran.stderr.startswith("jvs: E_UNTRUSTED_REPOSITORY: ")


@needs_root
def test_a_folder_for_owners_that_somebody_else_can_write_to_is_refused(
    theirs: Path, command: Others, place: Path
) -> None:
    (place / "owners").mkdir()
    (place / "owners").chmod(0o777)
    ran = command("status", uid=0, cwd=theirs)
    assert (ran.returncode, ran.stderr.splitlines()[0][:13]) == (2, "jvs: E_USAGE:")


@needs_root
def test_another_user_is_refused_until_they_trust_it(theirs: Path, command: Others) -> None:
    refused = command("history", uid=OTHER, cwd=theirs)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"jvs: E_UNTRUSTED_REPOSITORY: {theirs}/.jvs belongs to uid {SOMEBODY}, not to you",
        f"hint: if you trust what is in it: jvs trust {theirs}",
    ]
    done(command("trust", str(theirs), uid=OTHER, cwd=theirs))
    assert "one" in done(command("history", uid=OTHER, cwd=theirs)).stdout
    listed = done(command("trust", "--list", uid=OTHER, cwd=theirs)).stdout
    assert listed == f"{theirs}  uid {SOMEBODY}\n"
