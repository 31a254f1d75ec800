"""A page of another site, in the same browser, and another user of the same computer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commonweal.web.serving.page_file import PageAddress
from tests.builders import chromium
from tests.builders.weal import founder, good

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOBODY = 65_534

ATTACK = Path(__file__).with_name("attack.html").read_text("utf-8")
"""What a hostile page tries."""


@contextmanager
def site(page: str) -> Iterator[str]:
    """Serve a page of another site on loopback, which is another port and so another origin."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = founder(tmp_path_factory.mktemp("hostile") / "ann")
    good("record", "work", "3", "hours", "--note", "SECRET-NOTE", "--home", home)
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[PageAddress]:
    with chromium.served(home) as served:
        yield served


def test_another_site_reads_nothing_and_does_nothing(
    browser: Browser, address: PageAddress
) -> None:
    mine = chromium.window(browser, address)
    with site(ATTACK.replace("TARGET", address.url)) as there:
        other = mine.context.new_page()
        other.goto(there)
        other.wait_for_function("window.outcome !== undefined")
        seen = other.evaluate("window.outcome")
    assert seen
    assert all(text.startswith("error") for text in seen.values()), seen
    mine.reload()
    assert mine.locator("html").get_attribute("lang") == "en"
    mine.context.close()


def test_a_form_of_another_site_is_refused(browser: Browser, address: PageAddress) -> None:
    mine = chromium.window(browser, address)
    action = f"{address.url}/settings/look"
    form = f'<form method=post action="{action}"><input name=language value=zh></form>'
    with site(f"{form}<script>document.forms[0].submit()</script>") as there:
        other = mine.context.new_page()
        with other.expect_response(lambda answer: "/settings/look" in answer.url) as answer:
            other.goto(there)
        assert answer.value.status == 403
    mine.reload()
    assert mine.locator("html").get_attribute("lang") == "en"
    mine.context.close()


def test_no_other_site_frames_the_page(browser: Browser, address: PageAddress) -> None:
    mine = chromium.window(browser, address)
    with site(f'<iframe src="{address.url}/"></iframe>') as there:
        other = mine.context.new_page()
        other.goto(there)
        other.wait_for_load_state("networkidle")
        texts = [frame.content() for frame in other.frames[1:]]
    assert not any("SECRET-NOTE" in text or 'id="main"' in text for text in texts)
    mine.context.close()


def test_a_window_that_another_site_opens_stays_closed_to_it(
    browser: Browser, address: PageAddress
) -> None:
    mine = chromium.window(browser, address)
    with site("<title>Cats</title>") as there:
        other = mine.context.new_page()
        other.goto(there)
        with other.expect_popup() as opened:
            other.evaluate(f"window.theirs = window.open({json.dumps(address.url + '/settings')})")
        opened.value.wait_for_load_state()
        assert opened.value.locator("form").count() == 0  # it says that another site sent them
        assert (
            other.evaluate("(() => { try { return theirs.document.title } catch { return '' } })()")
            == ""
        )
    mine.context.close()


def test_a_name_that_was_rebound_to_this_machine_is_refused(
    browser: Browser, address: PageAddress
) -> None:
    page = browser.new_page()
    answer = page.goto(f"http://evil.example:{address.port}/enter")
    assert answer is not None
    assert answer.status == 421
    assert page.locator("form").count() == 0
    page.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_of_the_computer_reads_nothing(home: Path, address: PageAddress) -> None:
    script = f"""
import encodings.idna, http.client, json, os
os.setgid({NOBODY}); os.setuid({NOBODY})
place, told = {json.dumps(str(home))}, {{}}
for name in ("page.json", "page-sessions.json", "page.log", "keystore", "ledger.db"):
    try:
        open(os.path.join(place, name), "rb").read(); told[name] = "read"
    except OSError as error:
        told[name] = type(error).__name__
for path in ("/", "/settings", "/live", "/api/v1/status"):
    line = http.client.HTTPConnection("127.0.0.1", {address.port}, timeout=10)
    line.request("GET", path)
    told[path] = line.getresponse().status
print(json.dumps(told))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert not ran.stderr
    told = json.loads(ran.stdout)
    assert {told[path] for path in told if path.startswith("/")} <= {401, 403, 404}
    assert {told[name] for name in told if not name.startswith("/")} == {"PermissionError"}
