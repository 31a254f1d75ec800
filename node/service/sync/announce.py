"""Announcements: gossip that logs grew, and new records about rules.

Announcements are coalesced to a few a second, so that distant neighbours notice a gap. A record
about rules travels whole, besides its way in the log. Both are only hints: a node that hears of
more than it holds compares, and comparing repairs what gossip loses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from commonweal.node.service.core import Core
from commonweal.protocol import codec
from commonweal.protocol.errors import Malformed
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import RECORD_BYTES_MAX, from_bytes_unchecked

HEADS, RULES, SEALS = "heads", "rules", "seals"
"""The topics of a community, by the last part of their names."""

HEADS_PAUSE_MS = 500
HEADS_SPREAD_MS = 4_000
"""Jitter before relaying an announcement; dropped if a peer announced it first."""
HEADS_MAX = 64
HEADS_BYTES_MAX = 4096
RULES_MAX = 16
"""Records of one commit that are looked at for rule updates; comparing brings the others."""
RULES_BYTES_MAX = 64 * 1024


def topic(community: bytes, name: str) -> str:
    """Return the gossip topic `name` of a community."""
    return f"/commonweal/1/{community.hex()}/{name}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """How far the publisher holds some logs."""

    lengths: tuple[tuple[DeviceKey, int], ...]


def read(data: bytes) -> list[tuple[DeviceKey, int]]:
    """Return the (log, length) pairs of an announcement, or raise `Malformed`."""
    if len(data) > HEADS_BYTES_MAX:
        raise Malformed("an announcement that is too large")
    match codec.decode(data):
        case ["heads", list(pairs)] if len(pairs) <= HEADS_MAX:
            lengths = []
            for pair in pairs:
                match pair:
                    case [bytes(author), int(length)] if (
                        len(author) == 32 and type(length) is int and length >= 0
                    ):
                        lengths.append((DeviceKey(author), length))
                    case _:
                        raise Malformed("not a log and its length")
            return lengths
        case _:
            raise Malformed("not an announcement of heads")


def read_rule(data: bytes) -> bytes:
    """Return the bytes of the record about rules in an announcement, or raise `Malformed`."""
    if len(data) > RECORD_BYTES_MAX + 16:
        raise Malformed("an announcement that is too large")
    match codec.decode(data, values_max=codec.FEW_VALUES_MAX):
        case ["rule", bytes(wire)]:
            return wire
        case _:
            raise Malformed("not a record about rules")


class Announcements:
    """The announcements that are due, and those that are heard."""

    def __init__(self, core: Core, fetching: Callable[[], set[DeviceKey]]) -> None:
        """fetching: returns the logs that are being fetched."""
        self.core, self._fetching = core, fetching
        self.topic = topic(core.replica.community, HEADS)
        self.rules_topic = topic(core.replica.community, RULES)
        self.due_ms = 0
        """When the next announcement is due; 0 when nothing is to be announced."""
        self._waiting: dict[DeviceKey, None] = {}
        self._last_ms = 0
        self._deciding = 0

    def note(self, grown: dict[DeviceKey, int]) -> None:
        """Note which logs grew."""
        if grown:
            self._waiting.update(dict.fromkeys(grown))
            now_ms = self.core.now_ms
            due_ms = max(self._last_ms + HEADS_PAUSE_MS, now_ms)
            if self.core.me.device not in grown:
                due_ms = now_ms + self.core.rng.randint(HEADS_PAUSE_MS, HEADS_SPREAD_MS)
            self.due_ms = min(self.due_ms or due_ms, due_ms)

    def due(self) -> list[bytes]:
        """Return the announcement when it is time for one, else nothing.

        Newcomers' logs are not compared, and announcements that name them are not relayed.
        """
        if not self.due_ms or self.core.now_ms < self.due_ms:
            return []
        admitted = [author for author in self._waiting if self.core.replica.was_admitted(author)]
        latest = admitted[-HEADS_MAX:]
        self._waiting.clear()
        self.due_ms, self._last_ms = 0, self.core.now_ms
        if not latest or not self.core.members():
            return []
        row = self.core.replica.row
        return [codec.encode(["heads", [[author, row(author).length] for author in latest]])]

    def rules(self, grown: dict[DeviceKey, int]) -> list[bytes]:
        """Return announcements of our own new records about rules."""
        me, before = self.core.me.device, self._deciding
        self._deciding = self.core.replica.deciding
        if me not in grown or before == self._deciding or not self.core.members():
            return []
        store, length = self.core.replica.store, self.core.replica.row(me).length
        wires = store.wires(me, grown[me], length, RULES_BYTES_MAX)
        return [
            codec.encode(["rule", data])
            for data in wires[:RULES_MAX]
            if from_bytes_unchecked(data).kind.startswith("rules.")
        ]

    def heard(self, announcement: Announcement) -> bool:
        """Say whether an announcement names more than we hold and are fetching."""
        replica = self.core.replica
        fetching = self._fetching()
        news = False
        for author, length in announcement.lengths:
            held = replica.row(author).length
            if length >= held:
                self._waiting.pop(author, None)
            if length > held and author not in fetching and replica.takes(author):
                news = True
        return news
