"""What the browser shows: a spawn that somebody's lock refuses, and the admin's page."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jvs_core import Repository, Settings
from jvs_jupyter.hub.names import Person, worktree_name
from tests.browser.conftest import browser as browser  # noqa: PLC0414 - fixtures of another folder
from tests.browser.conftest import page as page  # noqa: PLC0414
from tests.jupyter.hub.conftest import make_team, need_proxy
from tests.jupyter.hub.hub import PASSWORD, Hub, running

pytestmark = pytest.mark.timeout(900)


def log_in(hub: Hub, page: Page, user: str, then: str) -> None:
    """Log in with the hub's form, and go on to a page."""
    page.goto(f"{hub.url}hub/login?next={then}")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def photograph(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_the_spawn_page_says_who_holds_the_workspace(hub: Hub, repo: Repository, page: Page) -> None:
    person = Person("gina")
    repo.worktrees.create(worktree_name(person), from_="template-1", labels=person.labels)
    repo.locks.acquire(worktree_name(person), purpose="marking")
    try:
        log_in(hub, page, "gina", "%2Fhub%2Fspawn")
        expect(page.get_by_text("is locked: held by ann@")).to_be_visible(timeout=240_000)
        expect(page.get_by_text("(marking)")).to_be_visible()
        photograph(page, "spawn-page")
    finally:
        repo.locks.release(worktree_name(person))


def test_an_admin_resets_and_restores_on_the_page(hub: Hub, repo: Repository, page: Page) -> None:
    person = Person("<b>ivy</b>")
    name = worktree_name(person)
    repo.worktrees.create(name, from_="template-1", labels=person.labels)
    (repo.worktrees.path(name) / "mine.txt").write_text("mine")
    saved = repo.snapshot("before", worktree=name, lock=True)

    (repo.worktrees.path(name) / "mine.txt").unlink()
    log_in(hub, page, "admin", "%2Fservices%2Fjvs%2F")
    row = page.get_by_role("row").filter(has_text="<b>ivy</b>")
    expect(page.get_by_role("heading", name="Worktrees")).to_be_visible(timeout=240_000)
    hub.until(lambda: page.reload() is not None and row.is_visible(), "the service asked again")
    expect(row).to_contain_text("just now")
    photograph(page, "admin-everybody")
    row.get_by_role("link", name="<b>ivy</b>").click()
    page.get_by_role("link", name="Snapshots and lost files").click()
    saved_row = page.get_by_role("row").filter(has_text="before")
    saved_row.get_by_role("button", name="Pin").click()
    expect(page.get_by_role("status")).to_contain_text("is kept", timeout=60_000)
    photograph(page, "admin-snapshots")
    saved_row.get_by_role("link", name="Files").click()
    page.get_by_role("row").filter(has_text="mine.txt").get_by_role("button", name="Put back").click()
    expect(page.get_by_role("status")).to_contain_text("mine.txt is back", timeout=60_000)
    photograph(page, "admin-files")
    assert (repo.worktrees.path(name) / "mine.txt").read_text() == "mine"
    page.get_by_role("link", name=name).click()
    saved_row.get_by_role("button", name="Restore beside").click()
    expect(page.get_by_role("status")).to_contain_text(f"-restored-{saved.snapshot_id[-8:]}", timeout=60_000)

    page.get_by_role("link", name="<b>ivy</b>").click()
    start_over = page.locator("details").filter(has_text="Start over")
    start_over.locator("summary").click()
    start_over.get_by_label("Type the user's name").fill("somebody")
    start_over.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("alert")).to_contain_text("another name than this user's", timeout=60_000)
    start_over.locator("summary").click()
    photograph(page, "admin-person")
    start_over.get_by_label("Type the user's name").fill(person.user)
    start_over.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("status")).to_contain_text(
        "starts again from the newest snapshot", timeout=60_000
    )
    assert not (repo.worktrees.path(name) / "mine.txt").exists()
    record = next(record for record in repo.audit.log() if record.operation == "worktree_create")
    assert (record.worktree, record.actor.split("@")[0]) == (name, "admin")

    page.set_viewport_size({"width": 400, "height": 900})
    photograph(page, "admin-person-narrow")
    page.get_by_role("link", name="Everybody").click()
    expect(row).to_be_visible()
    photograph(page, "admin-everybody-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_the_admins_page_is_for_admins(hub: Hub, page: Page) -> None:
    log_in(hub, page, "jo", "%2Fservices%2Fjvs%2F")
    expect(page.get_by_text("403")).to_be_visible(timeout=240_000)


def test_an_admin_without_a_server_arrives_at_the_page_on_a_host_of_its_own(
    tmp_path: Path, page: Page
) -> None:
    need_proxy()
    make_team(tmp_path)
    subdomains = 'c.JupyterHub.subdomain_host = "http://hub.localhost:{port}"\n'
    with running(Hub(tmp_path, host="hub.localhost", more=subdomains)) as hub:
        page.goto(f"{hub.url}hub/login")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("Welcome. Nobody has a worktree yet")).to_be_visible(timeout=240_000)
        assert page.url == f"http://jvs--service.hub.localhost:{hub.port}/services/jvs/"
        photograph(page, "admin-greeted")

        repo = Repository(tmp_path / "team", settings=replace(Settings.from_environment(), user="ann"))
        name = worktree_name(Person("kim"))
        repo.worktrees.create(name, from_="template-1", labels=Person("kim").labels)
        page.goto(f"{page.url}snapshots?name=kim&worktree={name}")
        page.get_by_role("button", name="Pin").click()
        expect(page.get_by_role("status")).to_contain_text("is kept", timeout=60_000)
        expect(page.get_by_role("img", name="JupyterHub")).to_have_js_property("complete", value=True)
        assert page.evaluate("document.images[0].naturalWidth") > 0
