"""The join client: runs a newcomer's node for a moment, until its request has arrived.

A node of the community that answers keeps the request and passes it on; the founder's node admits
at once. When no node answers, the error says what each address answered. It never writes records.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import trio

from commonweal.node.control.server import LocalServer
from commonweal.node.runtime import process, process_life
from commonweal.node.runtime.config import Config
from commonweal.node.service.events import Event
from commonweal.node.service.peer import PeerState
from commonweal.node.transport import DialFailed
from commonweal.protocol.errors import NotPermitted, NotReachable
from commonweal.protocol.identity.invite import CommunityLink
from commonweal.storage.home.home import Home
from commonweal.storage.home.keystore import Secrets

MEMBER: Final = "member"
WAITING: Final = "waiting-for-admission"
LOOK_S: Final = 0.05
LINGER_S: Final = 1.5
"""How long to wait for an admission once the request is delivered."""
LISTEN: Final = ("/ip4/0.0.0.0/tcp/0",)


def request_admission(home: Home, secrets: Secrets, link: CommunityLink, seconds: float) -> str:
    """Bring the request of this home to a node that `link` names; return its state then.

    "member" when it was admitted at once, else "waiting-for-admission". Raises
    NotReachable when no node took the request within `seconds`, with what each address
    said, and NotPermitted when a node refused the invite.
    """
    said: dict[str, str] = {}

    def note(event: Event) -> None:
        if isinstance(event, DialFailed):
            said[event.address] = event.reason

    config = Config(listen=LISTEN, mdns=False)
    with process.opened(home, secrets, config, LocalServer, note) as node:
        outcome = process_life.run_trio(_run, node, seconds)
        if outcome:
            return outcome
        refusal = node.service.handshake.refusal
    if refusal is not None:
        raise NotPermitted(refusal[1])
    tried = [address for contact in link.contacts for address in contact.addresses]
    reasons = (f"{address}: {said.get(address, 'no answer in time')}" for address in tried)
    raise NotReachable("; ".join(reasons))


async def _run(node: process.Node, seconds: float) -> str:
    """Run the node until its request has arrived; return its state then, or "" when it has not."""
    outcome = ""

    async def watch() -> None:
        nonlocal outcome
        with trio.move_on_after(seconds) as patience:
            while outcome != MEMBER:
                await trio.sleep(LOOK_S)
                sessions = list(node.service.core.peers.values())
                if any(session.is_member for session in sessions):
                    if not outcome:
                        patience.deadline = trio.current_time() + LINGER_S
                    outcome = _sure(node.service.queries.state(), sessions)
                elif node.service.handshake.refusal is not None:
                    break
        node.scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(process.live, node, _nothing)
        nursery.start_soon(watch)
    return outcome


def _sure(state: str, sessions: Iterable[PeerState]) -> str:
    """Return how a newcomer stands, as far as a node of the community shows that it agrees.

    Who holds few records yet may take one member for the only one, whose word is enough. A node
    that compares its records with ours knows us as a member.
    """
    is_sure = state != MEMBER or any(session.compared for session in sessions)
    return state if is_sure else WAITING


def _nothing(_addresses: list[str]) -> None:
    """Ignore the addresses: a newcomer tells nobody where it listens."""
