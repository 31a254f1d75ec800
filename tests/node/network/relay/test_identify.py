"""A relay says from which address a peer comes; what it says is read within bounds."""

from __future__ import annotations

from typing import cast

import pytest
import trio
from libp2p.identity.identify.pb.identify_pb2 import Identify
from multiaddr import Multiaddr

from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.member_relay import SEEN_MAX
from commonweal.node.network.relay import identify
from commonweal.node.network.relay.messages import BadRelayMessage
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import PATIENCE_S, End
from tests.builders.relays import reserved, running_relay, users, way_of


async def test_a_peer_learns_from_its_relay_where_it_comes_from() -> None:
    seen: list[str] = []
    async with running_relay() as relay, users(1) as (mei,):
        mei.links._seen = lambda _, address: seen.append(address)
        async with reserved(mei, way_of(relay)) as held:
            with trio.fail_after(PATIENCE_S):
                while not seen:
                    await trio.sleep(0.005)
                again = await identify.seen_at(held.mux)
    assert seen == [again]
    assert again.startswith("/ip4/127.0.0.1/tcp/")
    assert again != str(way_of(relay)).partition("/p2p/")[0]


@pytest.mark.parametrize("address", [b"", b"junk", Multiaddr("/ip4/127.0.0.1/udp/4001").to_bytes()])
async def test_an_address_that_cannot_be_read_is_refused(
    address: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    async def answer(*_: object) -> Identify:
        return Identify(observed_addr=address)

    monkeypatch.setattr(identify, "offer", nothing)
    monkeypatch.setattr(identify, "read_message", answer)
    with pytest.raises(BadRelayMessage, match="cannot be read"):
        await identify.seen_at(cast(Mux, _Streams()))


def test_the_sight_of_so_many_relays_is_kept() -> None:
    relaying = End(1).network._relay
    for number in range(SEEN_MAX + 1):
        relaying._note(PeerKey(bytes([number]) * 32), f"/ip4/203.0.113.{number}/tcp/4001")
    assert len(relaying._seen) == SEEN_MAX
    assert "/ip4/203.0.113.0/tcp/4001" not in relaying.puncher._own()


class _Streams:
    """A link to a relay whose streams do nothing."""

    def open(self) -> Stream:
        return cast(Stream, self)

    def cut(self) -> None:
        """End the stream."""
