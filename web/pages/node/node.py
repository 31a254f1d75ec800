"""Node: how it stands, who is connected, what would be lost with this computer."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from commonweal.client.community.homes import are_own_words
from commonweal.client.community.keepers import keeping_pairs, keeping_warnings
from commonweal.client.community.node import KnownPeers
from commonweal.client.home.reach_words import FROM_OUTSIDE, reach_advice, reach_words
from commonweal.client.home.reminders import read_reminders
from commonweal.client.home.router_words import PORT_MAPPING, mapping_advice, mapping_words
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.client.language.words import Words
from commonweal.client.sharing import finality
from commonweal.node.reach_state import ReachState
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home import keystore
from commonweal.web.live.hub import LiveHub
from commonweal.web.pages.request import Page, PageRequest
from commonweal.web.security.gate import now_ms

router = APIRouter()

NODE = "/node"
SEAL_SECONDS_MAX = 10.0
"""How long the page waits for one seal; the node goes on with it."""


@router.get(NODE)
def node(page: Page) -> Response:
    """Show the node and what depends on it."""
    return _show(page)


@router.post("/node/start")
def start(page: Page) -> Response:
    """Start the node; its keystore may need the passphrase."""
    try:
        page.act(lambda member: member.start_node(), passphrase=page.secret("passphrase") or None)
    except CommonwealError as error:
        return _show(page, page.sentence(error))
    return page.go(NODE, page.words("Your node runs."))


@router.post("/node/stop")
def stop(page: Page) -> Response:
    """End the node; the page stays."""
    page.act(lambda member: member.stop_node())
    return page.go(NODE, page.words("The node ended."))


@router.post("/node/seal")
def seal(page: Page) -> Response:
    """Make final what waits."""
    words = page.words
    try:
        sealed = page.act(lambda member: member.seal(wait_s=SEAL_SECONDS_MAX))
    except CommonwealError as error:
        return _show(page, page.sentence(error))
    if not sealed.heights:
        return page.go(NODE, words("Nothing waits for a seal."))
    text = words.plural("{n} record is final now.", "{n} records are final now.", sealed.records)
    return page.go(NODE, text.format(n=sealed.records))


@router.post("/node/backup")
def backup(page: Page) -> Response:
    """Give the backup as a file; it is written whole before the first byte of it is sent."""
    folder = TemporaryDirectory(prefix="commonweal-")
    try:
        file = Path(folder.name) / f"commonweal-{shown(now_ms())[:10]}.backup"
        page.act(lambda member: member.backup(file))
    except CommonwealError:
        folder.cleanup()
        raise
    return FileResponse(file, filename=file.name, background=BackgroundTask(folder.cleanup))


@router.post("/node/words")
def check_words(page: Page) -> Response:
    """Say whether the words that were typed are those of this member; they are kept nowhere."""
    passphrase = page.secret("passphrase") or None
    try:
        is_ours = are_own_words(
            page.home, page.field("phrase"), lambda home: keystore.unlock(home.keystore, passphrase)
        )
    except CommonwealError as error:
        return _show(page, words_error=page.sentence(error))
    if not is_ours:
        return _show(page, words_error=page.words("These are the words of somebody else."))
    return page.go(NODE, page.words("These are your words."))


def _show(page: PageRequest, error: str = "", words_error: str = "") -> Response:
    with page.member() as member:
        status = member.status()
        # Checking reads thousands of records, so it is done when it is asked for.
        findings = member.health() if page.query("check") else ()
        known = member.peers() if status.running else KnownPeers((), ())
        final = status.finality
        last_backup_ms = read_reminders(page.home).backup_ms
        return page.show(
            "node/node.html",
            422 if error or words_error else 200,
            standing=status,
            peers=known.peers,
            writers=known.writers,
            findings=findings,
            pairs=[] if final is None else finality.pairs(final, page.words),
            keeping=keeping_pairs(status, page.words),
            reach=_reach(status.reach, page.words),
            warnings=[
                *([] if final is None else finality.warnings(final, page.words)),
                *keeping_warnings(status, page.words),
            ],
            risks=[] if final is None else finality.risks(final, page.words),
            only_here=_only_here(page, len(final.witnesses) if final is not None else 0),
            backup_ms=last_backup_ms,
            is_protected=keystore.needs_passphrase(page.home.keystore),
            error=error,
            words_error=words_error,
        )


def _reach(reach: ReachState | None, words: Words) -> list[tuple[str, list[str]]]:
    """Return what is asked of reach, and the answers with what to do; nothing without a node."""
    if reach is None:
        return []
    asked = {
        FROM_OUTSIDE: (reach_words(reach, words), reach_advice(reach, words)),
        PORT_MAPPING: (mapping_words(reach.mapping, words), mapping_advice(reach, words)),
    }
    return [(words(name), [visible(text) for text in said if text]) for name, said in asked.items()]


def _only_here(page: PageRequest, witnesses: int) -> int | None:
    """Return how many records of this device no other node confirmed; None without a node.

    A seal confirms that others hold what it covers only where more than one witness signs it.
    """
    hub = page.request.app.state.live
    assert isinstance(hub, LiveHub)
    if (now := hub.now) is None:
        return None
    sealed = now.own.final if witnesses > 1 else 0
    return max(0, now.own.records - max(sealed, *now.own.held, 0))
