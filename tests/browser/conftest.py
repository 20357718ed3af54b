"""Pages in a real browser: the Chromium of the machine, headless."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


# Not for the session: Playwright runs an event loop in this thread until it is stopped, and other tests have loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: pages were not opened in a browser (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # Without its sandbox, which root may not use: it opens nothing but our own files.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the text of a page in a window of its own; what it fetched is in the list `fetched`."""
    contexts = []

    def open_page(text: str, *, scheme: str = "light", width: int = 1280, scripts: bool = True, fetched: list[str] | None = None) -> Page:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=scripts, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(120_000)  # a busy machine is no fault of the page
        page = context.new_page()
        if fetched is not None:
            page.on("request", lambda request: fetched.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
