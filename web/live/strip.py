"""The strip at the top of every page: how the node stands, in a line and a tone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonweal.client.language.words import Words

if TYPE_CHECKING:
    from commonweal.node.control.messages.changes import NodeSummary
    from commonweal.node.control.messages.node_status import NodeStatus

GOOD, BUSY, BAD = "good", "busy", "bad"
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Strip:
    """How the node stands. tone: GOOD, BUSY or BAD. is_counting: totals are not whole yet."""

    tone: str
    text: str
    is_counting: bool = False


def lost_strip(words: Words) -> Strip:
    """Return what is said while no node answers."""
    return Strip(BAD, words("Your node does not run: you can read, not exchange."))


def status_strip(status: NodeStatus, words: Words) -> Strip:
    """Return how a node stands by its own answer, before the first change was told."""
    connected = sum(peer.standing == MEMBER for peer in status.peers)
    sealing = status.sealing
    return _strip(
        words,
        _Standing(
            status.state,
            status.writable,
            status.behind,
            connected,
            sealing.height,
            sealing.height,
            len(sealing.missing),
            sealing.alarm,
        ),
    )


def node_strip(now: NodeSummary, words: Words) -> Strip:
    """Return how a node stands by the change that it told last."""
    return _strip(
        words,
        _Standing(
            now.state,
            now.writable,
            now.behind,
            now.connected,
            now.height,
            now.folded,
            len(now.missing),
            now.alarm,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    state: str
    is_writable: bool
    behind: int
    connected: int
    height: int
    folded: int
    missing: int
    alarm: str


def _strip(words: Words, now: _Standing) -> Strip:
    if not now.is_writable:
        return Strip(BAD, words("The disk refuses changes: nothing can be recorded."))
    if now.alarm:
        return Strip(BAD, words("This ledger differs from the seals: look under Node."))
    if now.state != MEMBER:
        return Strip(BUSY, words("You are: {state}.").format(state=words(now.state)))
    if now.behind:
        text = words.plural(
            "catching up: {n:,} record to come", "catching up: {n:,} records to come", now.behind
        )
        return Strip(BUSY, text.format(n=now.behind), is_counting=True)
    if now.folded < now.height:
        text = words("counting: up to seal #{folded} of #{height}")
        return Strip(BUSY, text.format(folded=now.folded, height=now.height), is_counting=True)
    if now.missing:
        text = words.plural(
            "up to date · {n} witness is missing",
            "up to date · {n} witnesses are missing",
            now.missing,
        )
        return Strip(BUSY, text.format(n=now.missing))
    text = words.plural(
        "up to date · {n} member connected", "up to date · {n} members connected", now.connected
    )
    said = text.format(n=now.connected)
    if now.height:
        said += words(" · seal #{height}").format(height=now.height)
    return Strip(GOOD, said)
