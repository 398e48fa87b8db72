"""Loads pages in a real Chromium without a network, and records what they print and request."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.command import PATIENCE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DESKTOP, PHONE = (1280, 900), (390, 844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Context with a new browser; skips the test if none is installed."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS, timeout=1000 * PATIENCE)
        yield browser
        browser.close()


class Seen:
    """A page that has loaded a file.

    said: its console messages, errors and dialogs, and the URLs of its requests other than for the file itself.
    """

    def __init__(self, browser: Browser, file: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        self.url = file.as_uri()
        width, height = size
        viewport = {"width": width, "height": height}
        self.page: Page = browser.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.said.append(request.url) if request.url != self.url else None)
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.goto(self.url)

    def calm(self) -> None:
        """Assert that there was no console message, no error, no dialog, and no request other than for the file."""
        assert self.said == []

    def accessible(self) -> None:
        """Assert that axe-core finds no violation."""
        found = Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()

    def fits(self) -> None:
        """Assert that the page is not wider than the screen, and that its screenshot is not empty."""
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert len(set(self.page.screenshot())) > 100
