"""What the loop needs of a service and of a network, as protocols without code.

Tests put their own in place of the real ones; the simulator has a loop of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from commonweal.node.reach_state import ReachState
from commonweal.node.service.events import Action, Event
from commonweal.node.transport import PeerKey


class StateMachine(Protocol):
    """What the loop needs of a Service."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        """Take in one event; return what is to be done once it is durable."""

    def reload(self, *, keeps: bool = True) -> None:
        """Forget what was not committed, and every link; write nothing while `keeps` is false."""


class Transport(Protocol):
    """What the loop needs of a network; `node.network.Network` is the libp2p one."""

    def send(self, peer: PeerKey, frame: bytes) -> None:
        """Queue one frame; never waits."""

    def publish(self, topic: str, data: bytes) -> None:
        """Gossip."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow exactly these topics."""

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try to reach a peer."""

    def admit(self, peer: PeerKey) -> None:
        """Lift the limits of strangers."""

    def guest(self, peer: PeerKey) -> None:
        """Let a peer stay, with a guest's limits."""

    def drop(self, peer: PeerKey, reason: str) -> None:
        """Close a link."""

    def done(self, peer: PeerKey, size: int) -> None:
        """A frame is taken in and counts no more."""


class ReachSource(Protocol):
    """What tells the local API of our own addresses."""

    def state(self) -> ReachState:
        """Return what is known now."""

    async def test(self) -> ReachState:
        """Let members dial our addresses now; return what is known then."""
