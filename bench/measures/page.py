"""Pages: the processor time of each at 1,000 and 10,000 contributions, and the server's memory."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from fastapi.testclient import TestClient

from bench import community as made
from bench.figures import ROUNDS, Figure
from bench.nodes import processes
from commonweal.client.member import Member
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from commonweal.storage.ledger.contributions.points_in_time import DAY_MS
from commonweal.storage.records.logs.log_store import Store
from commonweal.web.application import create_application
from commonweal.web.pages.navigation import MENU
from commonweal.web.security.entry import EntryTokens, new_token
from commonweal.web.serving import background
from commonweal.web.serving.page_file import PageFile

FEW, MANY = 1_000, 10_000
CPU_MS_MAX = 100
"""What a page may take at MANY contributions, once the server is warm."""

RSS_MIB_MAX = 90
MEMBERS, PROJECTS, RUN, LEFT = 10, 8, 20, 2
"""How many give, for what, how much of it one after another, and how many runs wait for a word."""

PORT, KEY = 4999, bytes(32)
URL = f"http://127.0.0.1:{PORT}"


def figures() -> list[Figure]:
    """Return the processor time of each page, and how it grows with the ledger."""
    few, _ = _pages(FEW)
    many, rss_mib = _pages(MANY)
    rows = [
        Figure(f"page {path}, CPU at {MANY:,}", ms, "ms", f"at {FEW:,}", few[path], ms / few[path])
        for path, ms in many.items()
    ]
    slowest = max(many, key=lambda path: many[path])
    value = many[slowest]
    rows.append(Figure(f"slowest page: {slowest}", value, "ms", "", 1, value, CPU_MS_MAX, low=True))
    rows.append(
        Figure("memory after all pages", rss_mib, "MiB", "", 1, rss_mib, RSS_MIB_MAX, low=True)
    )
    return rows


def _pages(records: int) -> tuple[dict[str, float], float]:
    """Return the median processor time (ms) of each page, and the memory of a server of all."""
    with TemporaryDirectory(prefix="weal-bench-") as name:
        home = _home(Path(name), records)
        paths = [*(entry.path for entry in MENU), f"/why/{_newest(home)}", "/ledger/sql"]
        application: Any = create_application(home.path, PORT, EntryTokens(KEY))
        with TestClient(application, base_url=URL) as client:
            _enter(client, URL, KEY)
            shown = [path for path in paths if _is_page(client, path)]
            times = {path.partition("/why/")[1] or path: _cpu_ms(client, path) for path in shown}
        return times, _rss_mib(home, shown)


def _enter(client: httpx2.Client, url: str, key: bytes) -> None:
    sent = {"sec-fetch-site": "same-origin", "origin": url}
    client.post("/enter", data={"token": new_token(key)}, headers=sent)


def _home(folder: Path, records: int) -> Home:
    store = Store(folder / "made.db")
    community = made.make(store, MEMBERS)
    first, *others = community.people
    for number in range(records // RUN):
        person = others[number % len(others)]
        data: made.Data = {
            "action": "work",
            "provider": bytes(person.inception.member),
            "effortQuantity": {"n": 250, "scale": 2, "unit": "hour"},
            "inScopeOf": f"project {number % PROJECTS}",
            "hasPointInTime": made.NOW_MS - number * DAY_MS,
        }
        given = made.write(community, person, [("event", data, ())] * RUN)
        if number < records // RUN - LEFT:
            made.write(community, first, [_attested(record.id) for record in given])
    store.tidy()  # as a node does when it is idle
    store.commit()
    store.checkpoint()
    return processes.make_home(folder / "home", community, community.people[0], whole=True)


def _attested(id: RecordId) -> tuple[str, made.Data, tuple[RecordId, ...]]:
    return "attest", {"event": bytes(id), "say": "yes"}, (id,)


def _newest(home: Home) -> str:
    with Member(home) as member:
        return member.contributions(limit=1).records[0].id.hex()


def _is_page(client: httpx2.Client, path: str) -> bool:
    return client.get(path, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def _cpu_ms(client: httpx2.Client, path: str) -> float:
    figures = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        client.get(path, headers={"sec-fetch-site": "same-origin"})
        figures.append(1e3 * (time.process_time() - begin))
    return median(figures)


def _rss_mib(home: Home, paths: list[str]) -> float:
    """Return the resident memory of a server of its own, after it showed some pages."""
    address = background.start(home.path)
    try:
        with httpx2.Client(base_url=address.url, follow_redirects=True, timeout=60) as client:
            _enter(client, address.url, address.key)
            for path in paths:
                assert _is_page(client, path), path
        text = Path(f"/proc/{PageFile(home.path).holder()}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    finally:
        background.stop(home.path)
