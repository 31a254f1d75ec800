"""The self-contained program, in a bare Debian: no Python, no compiler, no rights."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client

from commonweal import __version__
from tests.bundle.bare_system import HOME, BareSystem

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "dist" / f"commonweal-{__version__}-linux-x86_64.tar.gz"
PACKAGES = ("client", "commands", "deploy", "node", "protocol", "storage", "web")
END_SECONDS_MAX = 10.0
BROWSER = """#!/bin/sh
echo "$1" > address
env > environment
"""


def lacking() -> str:
    """Return why the bundle cannot be tried here, or nothing."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root may make a system in a folder"
    if not shutil.which("debootstrap"):
        return "debootstrap is not here: apt install debootstrap"
    if not BUNDLE.exists():
        return "no bundle: make bundle"
    sources = (path for name in PACKAGES for path in (ROOT / name).rglob("*.*"))
    newest = max(path.stat().st_mtime for path in sources if "__pycache__" not in path.parts)
    is_old = BUNDLE.stat().st_mtime < newest
    return "the bundle is older than its sources: make bundle" if is_old else ""


pytestmark = [pytest.mark.skipif(bool(lacking()), reason=lacking()), pytest.mark.timeout(400)]


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[BareSystem]:
    system = BareSystem(tmp_path / "debian")
    shutil.copy(BUNDLE, system.home / "bundle.tar.gz")
    yield system
    shutil.rmtree(system.root)


def test_a_member_without_python_founds_records_and_reads(debian: BareSystem) -> None:
    assert debian.typed("command -v python3 || command -v gcc || command -v cc").out == ""
    debian.good("tar -xzf bundle.tar.gz")
    said = debian.good(f"./{BUNDLE.name.removesuffix('.tar.gz')}/install.sh", LANG="zh_CN.UTF-8")
    assert "weal open" in said
    assert "已安装" in said
    assert debian.good("weal --version") == f"weal {__version__}\n"
    started = "weal start --no-mdns --no-page --rules open-source --listen /ip4/127.0.0.1/tcp/0"
    assert "weal://" in debian.good(started, answers="Mei\n\n\n\nLanxi\n")
    node = pid(debian, "lock")
    try:
        assert "Lanxi" in debian.good("weal status")
        debian.good("weal record work 3 hours --note beans")
        assert "beans" in debian.good("weal ledger")
        assert "用法" in debian.good("weal ledger --help", LANG="zh_CN.UTF-8")
        assert "height" in debian.good("weal seal -o json")
        look_at_the_page(debian)
        refused = debian.typed(f"./{BUNDLE.name.removesuffix('.tar.gz')}/install.sh")
        assert refused.code == 1
        assert "weal down" in refused.err
    finally:
        end(node)
    assert "not running" in debian.good("weal status")
    debian.good(f"./{BUNDLE.name.removesuffix('.tar.gz')}/install.sh --remove")
    assert debian.typed("weal --version").code == 127
    assert ledger(debian).exists()


def look_at_the_page(debian: BareSystem) -> None:
    """Open the page as its menu entry does, and read it as the browser would."""
    (debian.home / "browser").write_text(BROWSER)
    (debian.home / "browser").chmod(0o755)
    entry = (debian.home / ".local/share/applications/commonweal.desktop").read_text("utf-8")
    opened = re.search(r"^Exec=(.*)$", entry, re.MULTILINE)
    icon = re.search(rf"^Icon={HOME}/(.*)$", entry, re.MULTILINE)
    assert opened is not None
    assert icon is not None
    assert (debian.home / icon[1]).read_text().startswith("<svg")
    debian.good(opened[1], BROWSER=f"{HOME}/browser %s", DISPLAY=":0")
    page = pid(debian, "page.lock")
    try:
        assert "LD_LIBRARY_PATH" not in (debian.home / "environment").read_text()
        url, _, token = (debian.home / "address").read_text().strip().partition("#")
        origin = url.removesuffix("/enter")
        headers = {"origin": origin, "sec-fetch-site": "same-origin", "accept-language": "zh"}
        with Client(base_url=origin, headers=headers, follow_redirects=True) as browser:
            today = browser.post("/enter", data={"token": token})
            assert today.status_code == 200, today.text
            assert "<h1>今日</h1>" in today.text
            assert 'lang="zh"' in today.text
            for asset in re.findall(r'(?:src|href)="(/assets/[^"#]+)', today.text):
                assert browser.get(asset).status_code == 200, asset
    finally:
        end(page)


def ledger(debian: BareSystem) -> Path:
    """Return the folder of the member's home."""
    return debian.home / ".local/share/commonweal"


def pid(debian: BareSystem, lock: str) -> int:
    """Return the process that holds a lock of the member's home."""
    return int((ledger(debian) / lock).read_text().split()[0])


def end(process: int) -> None:
    """End a process by its id, and wait until it is gone."""
    watched = os.pidfd_open(process)
    try:
        signal.pidfd_send_signal(watched, signal.SIGTERM)
        assert select.select([watched], [], [], END_SECONDS_MAX)[0], "it did not end"
    finally:
        os.close(watched)
