"""A JupyterLab server for the whole session, Chromium for one module at a time, a page for one test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import chromium, executable
from tests.browser.server import JupyterServer, jupyter_server


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """Return a JupyterLab server that serves an empty folder; tests put what they need below ``lab.root``."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter_server(
        folder, JVS_STATE_DIR=str(folder / "state"), JVS_CACHE_DIR=str(folder / "cache")
    ) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium. Playwright's loop runs in this thread until the end, so it must not outlive the module."""
    path = executable()
    if path is None:
        reason = "Chromium is not installed (on Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with chromium(path) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def browser_page_in_dark(browser: Browser) -> Iterator[Page]:
    """Return a page of a person who prefers dark colours."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion="reduce", color_scheme="dark"
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that photographs the page into ``$PICTURES``, for a person to look at; else does nothing."""
    folder = os.environ.get("PICTURES")

    def photograph(name: str) -> None:
        if folder:
            fixture = "page" if "page" in request.fixturenames else "browser_page_in_dark"
            shown: Page = request.getfixturevalue(fixture)
            shown.wait_for_timeout(500)
            shown.screenshot(path=os.path.join(folder, f"{name}.png"))

    return photograph
