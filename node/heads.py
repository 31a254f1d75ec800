"""Heads: announcements by gossip that logs grew, so that far neighbours notice a gap.

Coalesced to a few a second. A hint only: who hears of more than he holds compares.
"""

from __future__ import annotations

from commonweal.node.session import Desk
from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey

HEADS_PAUSE_MS = 500
HEADS_MAX = 64
HEADS_BYTES_MAX = 4096


def topic(community: bytes, name: str) -> str:
    """Return the gossip topic `name` of a community."""
    return f"/commonweal/1/{community.hex()}/{name}"


def read(data: bytes) -> list[tuple[DeviceKey, int]]:
    """Return the (log, length) pairs of an announcement, or raise `Malformed`."""
    if len(data) > HEADS_BYTES_MAX:
        raise Malformed("an announcement that is too large")
    match codec.decode(data):
        case ["heads", list(pairs)] if len(pairs) <= HEADS_MAX:
            found = []
            for pair in pairs:
                match pair:
                    case [bytes(author), int(length)] if len(author) == 32 and length >= 0:
                        found.append((DeviceKey(author), length))
                    case _:
                        raise Malformed("not a log and its length")
            return found
        case _:
            raise Malformed("not an announcement of heads")


class Heads:
    """What is to be announced, and what is heard."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.topic = topic(desk.replica.community, "heads")
        self.due_ms = 0
        """When the next announcement is due; 0 when nothing is to be announced."""
        self._waiting: dict[DeviceKey, None] = {}
        self._last_ms = 0

    def note(self, grown: dict[DeviceKey, int]) -> None:
        """Note which logs grew."""
        if grown:
            self._waiting.update(dict.fromkeys(grown))
            self.due_ms = self.due_ms or max(self._last_ms + HEADS_PAUSE_MS, self.desk.now_ms)

    def due(self) -> list[bytes]:
        """Return the announcement when it is time for one, else nothing."""
        if not self.due_ms or self.desk.now_ms < self.due_ms:
            return []
        latest = list(self._waiting)[-HEADS_MAX:]
        self._waiting.clear()
        self.due_ms, self._last_ms = 0, self.desk.now_ms
        if not self.desk.members():
            return []
        row = self.desk.replica.row
        return [codec.encode(["heads", [[author, row(author).length] for author in latest]])]

    def heard(self, data: bytes) -> bool:
        """Say whether an announcement names more than we hold and are fetching."""
        replica = self.desk.replica
        fetching = {
            author for session in self.desk.sessions.values() for author in session.fetching
        }
        return any(
            length > replica.row(author).length
            and author not in fetching
            and not replica.is_frozen(author)
            for author, length in read(data)
        )
