"""Join codes that are open: which link the running node gives to who knows a code.

They are in memory alone: a node that ends forgets them. Wrong questions are few, for each network
and in all; beyond that nothing is answered for a while. Called in the trio thread, by the local
API and by the network; it never waits.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from commonweal.node.network.addresses import parse
from commonweal.node.network.connections.accept_limit import network_of
from commonweal.node.token_bucket import TokenBucket
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.join_code import CodeKeys
from commonweal.protocol.keys import PeerKey

CODES_MAX: Final = 64
"""Open codes; one more ends the oldest."""
NONCE_BYTES: Final = 24
WRONG_BURST: Final = 5
WRONG_PER_S: Final = 1 / 60
"""Wrong questions from one network (/24, or /48 of IPv6)."""
WRONG_BURST_OF_ALL: Final = 50
WRONG_PER_S_OF_ALL: Final = 1.0
NETWORKS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class OpenCode:
    """The keys of a code, the link that it stands for, and when it ends."""

    keys: CodeKeys
    link: str
    until_ms: int


class JoinCodes:
    """The open codes of one node, and who asked wrongly of late."""

    def __init__(self, now_ms: Callable[[], int], now_s: Callable[[], float]) -> None:
        """now_ms: wall clock, by which codes end. now_s: a clock that does not go back."""
        self._now_ms, self._now_s = now_ms, now_s
        self._open: dict[bytes, OpenCode] = {}
        self._wrong = TokenBucket(WRONG_PER_S_OF_ALL, WRONG_BURST_OF_ALL, now_s)
        self._networks: dict[str, TokenBucket] = {}

    def hold(self, code: OpenCode) -> None:
        """Answer who knows the keys of a code, until it ends."""
        self._open[code.keys.ask] = code
        if len(self._open) > CODES_MAX:
            del self._open[next(iter(self._open))]

    def answer(self, question: bytes, asker: PeerKey, host: PeerKey, address: str) -> bytes:
        """Return the answer to a question from `address`; b"" when it shows no open code."""
        wrong = self._bucket(network_of(parse(address).host))
        if not (wrong.has(1) and self._wrong.has(1)):
            return b""
        now_ms = self._now_ms()
        for code in list(self._open.values()):
            if code.until_ms < now_ms:
                del self._open[code.keys.ask]
            elif hmac.compare_digest(question, join_code.question(code.keys, asker, host)):
                nonce = os.urandom(NONCE_BYTES)
                return join_code.answer(code.keys, code.link, asker, host, nonce)
        wrong.spend(1)
        self._wrong.spend(1)
        return b""

    def _bucket(self, network: str) -> TokenBucket:
        bucket = self._networks.pop(network, None)
        if bucket is None:
            bucket = TokenBucket(WRONG_PER_S, WRONG_BURST, self._now_s)
        self._networks[network] = bucket
        if len(self._networks) > NETWORKS_MAX:
            del self._networks[next(iter(self._networks))]
        return bucket
