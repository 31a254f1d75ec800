"""Circuits through a helper: who meets through it, and what it gives."""

from __future__ import annotations

import pytest
import trio
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from commonweal.node.network.channel.noise import SecureChannel, peer_key, secure
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.messages import BadRelayMessage, RelayRefused
from commonweal.node.network.relay.relay_limits import RelayLimits
from tests.builders.relays import (
    NOW_S,
    eventually,
    raw_client,
    reserved,
    running_relay,
    users,
    way_of,
)


async def test_two_peers_meet_through_a_relay_and_prove_their_keys() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way) as held:
            assert held.expires_s == NOW_S + 1_800
            near = await mei.reach(way, bo.key)
            peer, address, far = await bo.came()
            assert peer == mei.key
            assert address == str(way) == f"{relay.addresses[0]}/p2p-circuit"
            await near.write(b"to bo")
            await far.write(b"to mei")
            assert await far.read() == b"to bo"
            assert await near.read() == b"to mei"
            assert relay.counts().circuits == 1
            near.close()
            assert await far.read() == b""
            far.close()
            await eventually(lambda: relay.counts().circuits == 0)


async def test_much_goes_through_whole_and_in_order_both_ways() -> None:
    sent = bytes(range(256)) * 4 * 8_192  # 8 MiB
    limits = RelayLimits(circuit_bytes_per_s=1 << 30, bytes_per_s=1 << 30)
    async with running_relay(limits) as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way):
            near = await mei.reach(way, bo.key)
            _, _, far = await bo.came()

            async def write(channel: SecureChannel) -> None:
                for at in range(0, len(sent), 65_000):
                    await channel.write(sent[at : at + 65_000])

            async def read(channel: SecureChannel, into: bytearray) -> None:
                while len(into) < len(sent):
                    into += await channel.read()

            got_near, got_far = bytearray(), bytearray()
            with trio.fail_after(20):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(write, near)
                    nursery.start_soon(write, far)
                    nursery.start_soon(read, near, got_near)
                    nursery.start_soon(read, far, got_far)
            assert got_near == got_far == sent
            assert relay.counts().relayed_bytes > 2 * len(sent)


async def test_what_was_written_before_the_end_arrives() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way):
            near = await mei.reach(way, bo.key)
            _, _, far = await bo.came()
            for _ in range(8):
                await near.write(bytes(60_000))
            near.close()
            size = 0
            while data := await far.read():
                size += len(data)
            assert size == 480_000


async def test_nobody_is_reached_who_holds_no_reservation() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        with pytest.raises(RelayRefused, match="not at this relay"):
            await mei.links.circuit(way, bo.key)
        async with reserved(bo, way):
            (await mei.links.circuit(way, bo.key)).close()
        await eventually(lambda: relay.counts().reservations == 0)
        with pytest.raises(RelayRefused, match="not at this relay"):
            await mei.links.circuit(way, bo.key)
        with pytest.raises(RelayRefused, match="not at this relay"):
            await mei.links.circuit(way, mei.key)


async def test_a_circuit_from_a_relay_without_our_reservation_is_refused() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way):
            bo.links._reserved.clear()  # as after it ended here and before the relay knows
            with pytest.raises(RelayRefused, match="did not reach the peer"):
                await mei.links.circuit(way, bo.key)
            assert not bo.taken


async def test_the_end_of_a_link_ends_its_reservation_and_circuits() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way) as held:
            near = await mei.reach(way, bo.key)
            await bo.came()
            held.mux.close("the cable is cut")
            with pytest.raises(trio.BrokenResourceError):
                await near.read()
            await eventually(lambda: relay.counts().circuits == relay.counts().reservations == 0)


async def test_a_link_to_a_relay_that_nothing_uses_is_closed() -> None:
    async with running_relay() as relay, users(1, 2) as (mei, bo):
        way = way_of(relay)
        async with reserved(bo, way):
            near = await mei.reach(way, bo.key)
            _, _, far = await bo.came()
            assert relay.connections == 2
            near.close()
            far.close()
        await eventually(lambda: relay.connections == 0)


async def test_the_other_end_must_hold_the_key_that_was_dialled() -> None:
    async with running_relay() as relay, users(1, 2, 3) as (mei, bo, chen):
        way = way_of(relay)
        async with reserved(bo, way):
            carrier = await mei.links.circuit(way, bo.key)
            with pytest.raises(PeerIDMismatchesPubkey):
                await secure(carrier, mei.keys, chen.key)
            carrier.close()


async def test_a_voucher_is_the_relays_and_for_the_peer_that_reserved() -> None:
    async with running_relay() as relay, users(2) as (bo,), raw_client(relay, 1) as mei:
        relay_key = peer_key(ID.from_base58(relay.identity))
        granted = await mei.ask(messages.reserve_request())
        messages.check_voucher(granted, relay_key, mei.key)
        assert messages.addresses_in(granted) == (relay.addresses[0].partition("/p2p/")[0],)
        for signer, peer in ((relay_key, bo.key), (bo.key, mei.key)):
            with pytest.raises(BadRelayMessage, match="for another"):
                messages.check_voucher(granted, signer, peer)
        for at in (5, len(granted.reservation.voucher) - 1):
            voucher = bytearray(granted.reservation.voucher)
            voucher[at] ^= 1
            changed = HopMessage.FromString(granted.SerializeToString())
            changed.reservation.voucher = bytes(voucher)
            with pytest.raises(BadRelayMessage):
                messages.check_voucher(changed, relay_key, mei.key)
