"""What a user sees in the browser when the workspace is somebody else's at the moment."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from jvs_core import Repository
from jvs_jupyter.hub.names import Person, worktree_name
from tests.browser.conftest import browser as browser  # noqa: PLC0414 - fixtures of another folder
from tests.browser.conftest import page as page  # noqa: PLC0414
from tests.jupyter.hub.hub import PASSWORD, Hub

pytestmark = pytest.mark.timeout(900)


def test_the_spawn_page_says_who_holds_the_workspace(hub: Hub, repo: Repository, page: Page) -> None:
    person = Person("gina")
    repo.worktrees.create(worktree_name(person), from_="template-1", labels=person.labels)
    repo.locks.acquire(worktree_name(person), purpose="marking")
    try:
        page.goto(f"{hub.url}hub/login?next=%2Fhub%2Fspawn")
        page.get_by_label("Username").fill("gina")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("is locked: held by ann@")).to_be_visible(timeout=240_000)
        expect(page.get_by_text("(marking)")).to_be_visible()
        if shot := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{shot}/spawn-page.png")
    finally:
        repo.locks.release(worktree_name(person))
