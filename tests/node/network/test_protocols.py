"""Stream protocols: who may open which, how long they may take; and which of two links is kept."""

from __future__ import annotations

import pytest
import trio

from commonweal.node.network.channel.multistream import NoAgreement
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.connections.links import SIMULTANEOUS_S
from commonweal.node.network.connections.protocols import StreamProtocol, open_stream
from commonweal.node.transport import PeerKey, TrustLevel
from tests.builders.link_pairs import PATIENCE_S, End, running

NAMES = {trust: f"/test/{trust.value}/1" for trust in TrustLevel}
CIRCUIT = "/ip4/127.0.0.1/tcp/9/p2p/X/p2p-circuit"
DIRECT = "/ip4/127.0.0.1/tcp/9"


async def test_a_protocol_is_offered_from_its_trust_level_on() -> None:
    a, b = End(1, admits=False), End(2, admits=False)
    for trust, name in NAMES.items():
        a.network.protocols.add(StreamProtocol(name, trust, _close))
    async with running(a, b):
        await b.dial(a)
        mux = b.network._links.linked[a.key].mux
        assert mux is not None
        for trust, expected in (
            (TrustLevel.STRANGER, [TrustLevel.STRANGER]),
            (TrustLevel.GUEST, [TrustLevel.STRANGER, TrustLevel.GUEST]),
            (TrustLevel.MEMBER, list(TrustLevel)),
        ):
            if trust is TrustLevel.GUEST:
                a.network.guest(b.key)
            elif trust is TrustLevel.MEMBER:
                a.network.admit(b.key)
            opened = []
            for each, name in NAMES.items():
                try:
                    stream = await open_stream(mux, name)
                except NoAgreement:
                    continue
                stream.cut()
                opened.append(each)
            assert opened == expected


async def test_a_handler_that_takes_too_long_ends_its_stream_and_nothing_else() -> None:
    a, b = End(1), End(2)

    async def wait(_connection: Connection, _stream: Stream) -> None:
        await trio.sleep_forever()

    a.network.protocols.add(StreamProtocol("/test/1", TrustLevel.MEMBER, wait, seconds=0.05))
    async with running(a, b):
        await b.dial(a)
        mux = b.network._links.linked[a.key].mux
        assert mux is not None
        stream = await open_stream(mux, "/test/1")
        with trio.fail_after(PATIENCE_S):
            while not stream.is_reset:
                await trio.sleep(0.01)
        assert a.has(b.key)


@pytest.mark.parametrize(
    ("new", "old", "later_s", "stays"),
    [
        (DIRECT, CIRCUIT, 0.0, True),
        (DIRECT, CIRCUIT, SIMULTANEOUS_S + 1, True),
        (CIRCUIT, DIRECT, SIMULTANEOUS_S, False),
        (CIRCUIT, DIRECT, SIMULTANEOUS_S + 1, True),
        (CIRCUIT, CIRCUIT, 0.0, True),
        (DIRECT, DIRECT, 0.0, True),
    ],
)
async def test_a_direct_link_is_kept_before_a_relayed_one(
    new: str, old: str, later_s: float, stays: bool
) -> None:
    links = End(1).network._links
    newer, older = _connection(new, outbound=True), _connection(old, outbound=True)
    newer.since = older.since + later_s
    assert links._prevails(newer, older) is stays


def _connection(address: str, *, outbound: bool) -> Connection:
    peer = PeerKey(bytes([2]) * 32)
    ignore = lambda *_: None  # noqa: E731  three callbacks that nobody calls
    return Connection(
        *(peer, address, trio.CancelScope()),
        outbound=outbound,
        received=ignore,
        coming=ignore,
        failed=ignore,
    )


async def _close(_connection: Connection, stream: Stream) -> None:
    await stream.close()
