"""Every question of the local API is served by a running node, and is on the page about it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import trio

from commonweal.node.control.client import LocalClient
from commonweal.node.control.message_codec import from_map, to_map
from commonweal.node.control.messages.all_questions import QUESTIONS, AnyQuestion
from commonweal.node.control.messages.changes import Watch
from commonweal.node.control.messages.control import HoldCode, Meet, SealNow, Stop
from commonweal.node.control.messages.held_records import CountHolders, FetchRecord, Holders, Wait
from commonweal.node.control.messages.node_status import Health, Peers, Status
from commonweal.node.control.messages.reach import Reach, TryReach
from commonweal.node.control.messages.submission import NewRecords, Submit
from commonweal.node.control.server import LocalServer
from commonweal.node.runtime import process
from commonweal.node.service.events import Wish
from commonweal.protocol.errors import BadLink, Malformed
from commonweal.protocol.identity import invite
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from tests.builders import homes

PAGE = Path(__file__).parents[3] / "docs/internals/runtime.md"
PATIENCE_S = 20.0


def asked(home: Home, link: str) -> list[tuple[AnyQuestion, Any]]:
    """Ask a running node everything that can be asked; return each question and its answer."""
    wish = Wish("event", {"action": "work", "provider": bytes(32)})
    answers: list[tuple[AnyQuestion, Any]] = []
    with LocalClient(home.socket, patience_s=PATIENCE_S) as client:

        def ask(question: Any) -> Any:
            answers.append((question, client.ask(question)))
            return answers[-1][1]

        written = ask(Submit((wish,)))
        assert isinstance(written, NewRecords)
        id = written.records[0].id
        device = ask(Status()).device
        for question in (Peers(), Health(), Reach(), TryReach(), Holders(id), Meet(link)):
            ask(question)
        ask(Wait((id,), 0))
        ask(Watch(b"", 0))
        ask(CountHolders(((device, written.records[0].seq),)))
        ask(FetchRecord(id))
        ask(HoldCode(bytes(32), bytes(32), link, 1))
        with pytest.raises(BadLink):
            client.ask(HoldCode(bytes(32), bytes(32), "weal://x", 1))
        with pytest.raises(Malformed):
            client.ask(HoldCode(bytes(31), bytes(32), link, 1))
        ask(SealNow())
        ask(Stop())
    return answers


async def test_a_running_node_serves_every_question(tmp_path: Path) -> None:
    home = homes.founder(tmp_path / "home")
    secrets = keystore.unlock(home.keystore, None)
    answers: list[tuple[AnyQuestion, Any]] = []
    link = invite.to_text(homes.invited(home))
    with process.opened(home, secrets, homes.LOOPBACK, LocalServer) as node:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process.live, node, lambda _addresses: None)
            with trio.fail_after(2 * PATIENCE_S):
                while not home.socket.exists():
                    await trio.sleep(0.01)
                answers = await trio.to_thread.run_sync(asked, home, link)
    assert {type(question) for question, _answer in answers} == set(QUESTIONS.values())
    for question, answer in answers:
        assert type(answer) is question.ANSWER
        assert from_map(type(answer), to_map(answer)) == answer


@pytest.mark.parametrize("kind", QUESTIONS.values())
def test_every_question_is_on_the_page(kind: type[AnyQuestion]) -> None:
    (row,) = [
        line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{kind.NAME}` |")
    ]
    for field in (*fields(kind), *fields(kind.ANSWER)):
        assert f"`{field.name}`" in row
    for other in (kind.ANSWER, kind.PROGRESS):
        assert other is None or f"`{other.__name__}`" in row
