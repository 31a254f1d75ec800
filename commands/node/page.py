"""`weal web` and `weal open`: the member's page, in this terminal or beside the node."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.options import home_option
from commonweal.commands.terminal.output import flush, say
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.web.serving.page_file import PageAddress

PAGE_VARIABLE = "COMMONWEAL_PAGE"
"""In the environment, "no" keeps `weal start` from starting the page."""


@click.command("web")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Listen at this port of this computer; else at that of the last time, or a free one.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--detached", is_flag=True, hidden=True)
@home_option
def web(port: int, no_browser: bool, detached: bool, home: Home) -> None:
    """Serve your page in this terminal until Ctrl-C.

    Only this computer reaches it, and only browsers that `weal open` lets in.
    """
    from commonweal.web.serving import background, process

    def ready(address: PageAddress) -> None:
        if detached:
            background.tell_ready()
            return
        _tell(address, browser=not no_browser)
        say(_("The page runs. Ctrl-C ends it."))
        flush()

    process.run(home.path, port, ready)


@click.command("open")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@home_option
def open_(no_browser: bool, home: Home) -> None:
    """Open your page in the browser; start it first where it does not run."""
    open_page(home.path, browser=not no_browser)


def open_page(home: Path, *, browser: bool = True) -> None:
    """Start the page of a home unless it runs; show it, or print its address."""
    from commonweal.web.serving import background

    _tell(background.start(home), browser=browser)


def _tell(address: PageAddress, *, browser: bool) -> None:
    """Let a browser in: open it where there is one, else print an address for a minute."""
    from commonweal.web.security.entry import ANYBODY, new_token

    def entry(user: int) -> str:
        return f"{address.url}/enter#{new_token(address.key, user=user)}"

    if browser and _opened(entry(os.getuid())):
        say(_("Your page is open in the browser: {address}").format(address=address.url))
        return
    say(_("Your page, for one browser within a minute: {address}").format(address=entry(ANYBODY)))


def _opened(address: str) -> bool:
    """Whether a browser with a window took an address."""
    has_window = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_window:
        return False
    import webbrowser

    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
