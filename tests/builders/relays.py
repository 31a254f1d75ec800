"""Relays and those who use them over loopback, for the tests of relays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio
from libp2p.identity_utils import create_identity_from_seed
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Status, StopMessage

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.multistream import choose, offer
from commonweal.node.network.channel.noise import SecureChannel, peer_key, secure
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.circuit import RelayedCarrier
from commonweal.node.network.relay.messages import HOP, STOP, read_message, write_message
from commonweal.node.network.relay.relay_limits import RelayLimits
from commonweal.node.network.relay.relay_links import RelayLinks, Reserved
from commonweal.node.network.relay_node import RelayNode
from commonweal.node.transport import PeerKey

LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
NOW_S = 1_800_000_000.0


def relay_node(limits: RelayLimits | None = None, number: int = 200) -> RelayNode:
    """Return a helper on loopback, which does not run yet."""
    seed = bytes([number]) * 32
    return RelayNode(seed, LOOPBACK, limits or RelayLimits(), now_s=lambda: NOW_S)


@asynccontextmanager
async def running_relay(limits: RelayLimits | None = None) -> AsyncIterator[RelayNode]:
    """A helper runs inside."""
    node = relay_node(limits)
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run)
        yield node
        nursery.cancel_scope.cancel()


def way_of(node: RelayNode) -> Endpoint:
    """Return the endpoint of circuits through this helper."""
    return parse(f"{node.addresses[0]}/p2p-circuit")


async def _connect(endpoint: Endpoint) -> trio.SocketStream:
    return await trio.open_tcp_stream(endpoint.host, endpoint.port)


class RelayUser:
    """A peer that uses relays: the channels of circuits that came in, in order."""

    def __init__(self, number: int) -> None:
        self.keys = create_identity_from_seed(bytes([number]) * 32)
        self.key = peer_key(ID.from_pubkey(self.keys.public_key))
        self.links = RelayLinks(self.keys, find=lambda _: None, take=self._take, connect=_connect)
        self.taken: list[tuple[PeerKey, str, SecureChannel]] = []
        self.refused: list[Exception] = []
        self._came = trio.Event()

    async def came(self, count: int = 1) -> tuple[PeerKey, str, SecureChannel]:
        """Return the last of `count` circuits that came in, when it is there."""
        with trio.fail_after(10):
            while len(self.taken) < count:
                self._came = trio.Event()
                await self._came.wait()
        return self.taken[count - 1]

    async def reach(self, way: Endpoint, peer: PeerKey) -> SecureChannel:
        """Return a secured channel to a peer through a relay."""
        carrier = await self.links.circuit(way, peer)
        try:
            return (await secure(carrier, self.keys, peer))[1]
        except BaseException:
            carrier.close()
            raise

    async def _take(self, carrier: RelayedCarrier, _comes: PeerKey, address: str) -> None:
        try:
            peer, channel = await secure(carrier, self.keys, None)
        except Exception as error:  # noqa: BLE001  kept for the test to look at
            self.refused.append(error)
            return
        self.taken.append((peer, address, channel))
        self._came.set()
        await trio.sleep_forever()


@asynccontextmanager
async def users(*numbers: int) -> AsyncIterator[list[RelayUser]]:
    """These peers run inside."""
    made = [RelayUser(number) for number in numbers]
    async with trio.open_nursery() as nursery:
        for user in made:
            await nursery.start(user.links.run)
        yield made
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def reserved(user: RelayUser, way: Endpoint) -> AsyncIterator[Reserved]:
    """The peer holds a reservation inside."""
    with trio.fail_after(10):
        holding = user.links.reservation(way)
        held = await holding.__aenter__()
    try:
        yield held
    finally:
        await holding.__aexit__(None, None, None)


class RawClient:
    """A stranger of a relay who says what they like. mux: their link to it."""

    def __init__(self, mux: Mux, key: PeerKey) -> None:
        self.mux, self.key = mux, key
        self.opened: list[Stream] = []

    async def stream(self) -> Stream:
        """Return a new stream on which the relay waits for a message."""
        stream = self.mux.open()
        await offer(stream, HOP)
        return stream

    async def ask(self, message: HopMessage) -> HopMessage:
        """Return the answer to a message."""
        return await self.ask_bytes(message.SerializeToString())

    async def ask_bytes(self, body: bytes) -> HopMessage:
        """Return the answer to the bytes of a message, with their length before them."""
        stream = await self.stream()
        size = len(body)
        head = bytearray()
        while size >= 0x80:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        stream.push(bytes([*head, size]) + body)
        answer = await read_message(stream, HopMessage)
        stream.finish()
        return answer


def raw_client(node: RelayNode, number: int) -> AbstractAsyncContextManager[RawClient]:
    """A stranger is linked to the helper inside."""
    return raw_client_at(way_of(node), number)


@asynccontextmanager
async def raw_client_at(
    way: Endpoint, number: int, source: str | None = None
) -> AsyncIterator[RawClient]:
    """A stranger is linked to a relay inside. source: the address that they come from."""
    keys = create_identity_from_seed(number.to_bytes(2) * 16)
    socket = await trio.open_tcp_stream(way.host, way.port, local_address=source)
    async with socket, trio.open_nursery() as nursery:
        relay = peer_key(ID.from_base58(way.relay))
        _, channel = await secure(SocketCarrier(socket), keys, relay)
        opened: list[Stream] = []
        mux = Mux(channel, outbound=True, peer_id=0, opened=opened.append, streams_max=64)
        nursery.start_soon(mux.run)
        client = RawClient(mux, peer_key(ID.from_pubkey(keys.public_key)))
        client.opened = opened
        yield client
        mux.close("the test ends")
        nursery.cancel_scope.cancel()


async def joined(mei: RawClient, bo: RawClient) -> Stream:
    """Return the near end of a circuit between two who do not read what comes over it."""
    before = len(bo.opened)
    near = await mei.stream()
    write_message(near, messages.connect_request(bo.key))
    await eventually(lambda: len(bo.opened) > before)
    far = bo.opened[-1]
    await choose(far, lambda: (STOP,))
    assert messages.peer_named(await read_message(far, StopMessage)) == mei.key
    write_message(far, messages.stop_status(Status.OK))
    assert (await read_message(near, HopMessage)).status == Status.OK
    return near


@asynccontextmanager
async def a_relay_and_two(
    limits: RelayLimits | None = None,
) -> AsyncIterator[tuple[RelayNode, RawClient, RawClient]]:
    """A helper, and two strangers linked to it."""
    async with (
        running_relay(limits) as relay,
        raw_client(relay, 1) as mei,
        raw_client(relay, 2) as bo,
    ):
        yield relay, mei, bo


async def eventually(is_true: Callable[[], bool]) -> None:
    """Wait until a condition holds; fail after 10 s."""
    with trio.fail_after(10):
        while not is_true():
            await trio.sleep(0.01)
