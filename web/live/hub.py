"""What the page knows of the node at this moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from commonweal.client.home.node_client import ask_if_running
from commonweal.client.language.words import Words
from commonweal.storage.home.home import Home


@dataclass(frozen=True, slots=True)
class Strip:
    """How the node stands, in a line. tone: "good", "busy" or "bad"."""

    tone: str
    text: str


class LiveHub:
    """What the page knows of its node."""

    def __init__(self, home: Home) -> None:
        """home: whose node is asked."""
        self._home = home

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be told of changes inside."""
        yield

    def strip(self, words: Words) -> Strip:
        """Return how the node stands, as the top of every page says it."""
        from commonweal.node.control.messages import Status

        status = ask_if_running(self._home, Status())
        if status is None:
            return Strip("bad", words("Your node does not run: you can read, not exchange."))
        if status.state != "member":
            return Strip("busy", words("You are: {state}.").format(state=words(status.state)))
        if status.behind:
            text = words.plural(
                "catching up: {n:,} record to come",
                "catching up: {n:,} records to come",
                status.behind,
            )
            return Strip("busy", text.format(n=status.behind))
        connected = sum(peer.standing == "member" for peer in status.peers)
        text = words.plural(
            "up to date, {n} member connected", "up to date, {n} members connected", connected
        )
        return Strip("good", text.format(n=connected))
