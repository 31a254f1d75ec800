"""A real browser without a screen: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from commonweal.web.security.entry import new_token
from commonweal.web.serving import background
from commonweal.web.serving.page_file import PageAddress

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 15_000
WIDTHS = {"narrow": 360, "middle": 768, "wide": 1280}


def program() -> str | None:
    """Return where Chromium is; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def running(*options: str) -> Iterator[Browser]:
    """Give a browser; it ends with the block. Tests run as root, where its sandbox cannot."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=program(), args=["--no-sandbox", "--disable-dev-shm-usage", *options]
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def served(home: Path) -> Iterator[PageAddress]:
    """Serve the page of a home by a process of its own, which ends with the block."""
    try:
        yield background.start(home)
    finally:
        background.stop(home)


def window(
    browser: Browser,
    address: PageAddress,
    *,
    language: str = "en",
    theme: str = "light",
    width: int = WIDTHS["wide"],
    scripts: bool = True,
) -> Page:
    """Return a window that was let in, as `weal open` does; close its context at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=scripts,
        locale="zh-CN" if language == "zh" else "en-GB",
    )
    context.set_default_timeout(WAIT_MS)
    chosen = {"weal_language": language, "weal_theme": theme}
    for name, value in chosen.items():
        context.add_cookies([{"name": name, "value": value, "url": address.url}])
    page = context.new_page()
    enter(page, address)
    return page


def enter(page: Page, address: PageAddress) -> None:
    """Let a window in: by the address that `weal open` opens, or by hand without scripts."""
    token = new_token(address.key)
    page.goto(f"{address.url}/enter#{token}")
    if page.locator("#token").count() and page.url.rstrip("/").endswith(f"/enter#{token}"):
        page.fill("#token", token)
        page.click("#enter button")
    page.wait_for_url(lambda url: "/enter" not in url)
