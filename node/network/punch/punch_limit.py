"""How often peers can make this node dial: by peer, by host, and in all.

The addresses at which a peer wants to be dialled are what it says: they may be somebody else's, and
we would knock at a stranger's door. It only counts.
"""

from __future__ import annotations

from typing import Final, TypeVar

from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import PeerKey

PUNCHES_PER_MINUTE: Final = 6
"""Times that one peer may ask to be dialled."""
HOST_CONNECTS_PER_MINUTE: Final = 24
"""Connections tried to one host, whoever asked for them; each is up to 3 packets."""
CONNECTS_PER_MINUTE: Final = 240
"""Connections tried for all peers."""
COUNTED_MAX: Final = 512
"""Peers, and hosts, whose rate is known; more than CONNECTS_PER_MINUTE, so none is forgotten while
it has less than it may."""

K = TypeVar("K")


class PunchLimit:
    """The dials that were made because a peer asked for them."""

    def __init__(self) -> None:
        self._peers: dict[PeerKey, TokenBucket] = {}
        self._hosts: dict[str, TokenBucket] = {}
        self._all = TokenBucket(CONNECTS_PER_MINUTE / 60, CONNECTS_PER_MINUTE)

    def may_punch(self, peer: PeerKey) -> bool:
        """Return whether this peer may ask once more, and count it."""
        return _spend(self._peers, peer, PUNCHES_PER_MINUTE)

    def may_connect(self, host: str) -> bool:
        """Return whether this host may be tried once more, and count it."""
        may = self._all.has(1) and _spend(self._hosts, host, HOST_CONNECTS_PER_MINUTE)
        return may and self._all.spend(1)


def _spend(counted: dict[K, TokenBucket], key: K, per_minute: int) -> bool:
    bucket = counted.pop(key, None) or TokenBucket(per_minute / 60, per_minute)
    counted[key] = bucket
    if len(counted) > COUNTED_MAX:
        del counted[next(iter(counted))]
    return bucket.spend(1)
