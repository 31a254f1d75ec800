"""Messages of the next height that arrive before the present one is sealed here.

A witness that sealed a moment earlier is one height ahead. Its messages are stored until this
node is there, within fixed limits. Whether a sender is a witness is checked by the caller.
"""

from __future__ import annotations

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.seal.consensus.events import Message
from commonweal.protocol.seal.formats import Proposal
from commonweal.protocol.seal.have_frontiers import HaveFrontier
from commonweal.protocol.seal.quorum import WITNESSES_MAX
from commonweal.protocol.seal.votes import Certificate, Vote

EARLY_DEVICES_MAX = WITNESSES_MAX
EARLY_VOTES_MAX = 4
"""Votes of one device: two steps of two rounds."""
EARLY_PROPOSALS_MAX = 2
"""Proposals of all devices together, since one may have 1 MiB."""


class FutureMessages:
    """The stored messages, by device. The caller passes only messages of witnesses."""

    def __init__(self) -> None:
        self._height = 0
        self._votes: dict[DeviceKey, list[Vote]] = {}
        self._haves: dict[DeviceKey, HaveFrontier] = {}
        self._proposals: dict[DeviceKey, Proposal] = {}

    def keep(self, message: Message, height: int) -> bool:
        """Store a message of `height` + 1, where `height` is the present one; return whether."""
        of = message.seal.height if isinstance(message, Proposal) else message.height
        if of != height + 1:
            return False
        if of != self._height:
            self.take(self._height)
            self._height = of
        match message:
            case Certificate():
                return False
            case Vote():
                votes = self._votes.get(message.device, [])
                full = len(self._votes) >= EARLY_DEVICES_MAX and not votes
                if full or len(votes) >= EARLY_VOTES_MAX or message in votes:
                    return False
                self._votes.setdefault(message.device, votes).append(message)
            case HaveFrontier():
                if len(self._haves) >= EARLY_DEVICES_MAX and message.device not in self._haves:
                    return False
                self._haves[message.device] = message
            case Proposal():
                if len(self._proposals) >= EARLY_PROPOSALS_MAX:
                    return False
                self._proposals.setdefault(message.vote.device, message)
        return True

    def take(self, height: int) -> list[Message]:
        """Return the messages stored for `height`, which starts now, and drop them."""
        kept: list[Message] = []
        if height == self._height:
            kept += [self._haves[device] for device in sorted(self._haves)]
            kept += [self._proposals[device] for device in sorted(self._proposals)]
            kept += [vote for device in sorted(self._votes) for vote in self._votes[device]]
            self._votes, self._haves, self._proposals = {}, {}, {}
        return kept
