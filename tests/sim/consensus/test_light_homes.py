"""A light home drops what older seals cover, and has the same state, tips and rights as others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from commonweal.node.service.consensus import state_sync
from commonweal.node.service.events import Action, Asked, Event, Send, Text, Ticket, Wish
from commonweal.node.service.service import Service
from commonweal.protocol import keys
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import NobodyGives, UsageError
from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.members import registry
from commonweal.protocol.records.record import RecordId, from_bytes
from commonweal.protocol.wire import frame_codec
from commonweal.protocol.wire.lookup import GivenRecord
from commonweal.protocol.wire.messages import Runs
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.records import light_home
from tests.sim.consensus.test_seals import SEALED_MS_MAX, chain, seal_soon, until
from tests.sim.consensus.test_state_sync import height, sealed, state_root
from tests.sim.world.node import Node
from tests.sim.world.world import World

KEPT = 2
"""Heights of which the light homes of these tests keep all records."""

LOOKUP = Ticket(9_000)


@pytest.fixture(autouse=True)
def _states_are_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_sync, "RECORDS_MIN", 5_000)


def lighten(node: Node, heights: int | None = KEPT) -> None:
    """Let a home be light from now on, as its member says while the node rests."""
    node.crash()
    light_home.keep_heights(node.store, heights)
    node.store.commit()
    node.start()


def give(world: World, node: Node, hours: int, note: str = "") -> RecordId:
    """Let a member record work that counts; return its id."""
    quantity: dict[str, Value] = {"n": hours, "scale": 0, "unit": "hour"}
    provider = bytes(node.person.inception.member)
    data: dict[str, Value] = {"action": "work", "effortQuantity": quantity, "provider": provider}
    text = Text("text/plain", note.encode()) if note else None
    ticket = node.submit(Wish("event", data, (), text))
    until(world, lambda: ticket in node.answers, 5_000, "nothing is written")
    id: RecordId = node.answers[ticket]["records"][0]["id"]
    return id


def seal(world: World, times: int = 1) -> None:
    """Let the founder seal something, alone, so many times."""
    founder = world.nodes[0]
    for _ in range(times):
        before = chain(founder).height
        give(world, founder, 1)
        seal_soon(founder)
        until(world, partial(_is_above, founder, before), SEALED_MS_MAX, "no seal")


def community(seed: int) -> tuple[World, RecordId, Node]:
    """Four full homes, and a light one that has dropped an old record of the second."""
    world = sealed(seed, 1, members=4)
    old = give(world, world.nodes[1], 7, "an old note")
    give(world, world.nodes[1], 2)
    world.run(2_000)
    seal(world, 2)
    light = world.join(world.invited(world.nodes[0]), world.nodes[:4])
    lighten(light)
    until(world, lambda: is_member(light), 30_000, "the light home is no member")
    seal(world, 5)
    author = world.nodes[1].person.device
    until(world, lambda: light.store.log(author).base > 0, 60_000, "no base rises")
    until(world, lambda: light.store.wire(old) is None, 60_000, "nothing is dropped")
    return world, old, light


def _is_above(node: Node, height: int) -> bool:
    return chain(node).height > height


def is_member(node: Node) -> bool:
    return node.service.core.replica.is_member(node.person.device)


def look_up(world: World, node: Node, id: RecordId) -> Any:
    """Ask a node for a record; return the answer."""
    node.answers.pop(LOOKUP, None)
    node.emit(Asked(LOOKUP, "fetch-record", {"id": id}))
    until(world, lambda: LOOKUP in node.answers, 30_000, "no answer")
    return node.answers[LOOKUP]


def test_a_light_home_keeps_the_last_heights_and_agrees_with_full_ones() -> None:
    world, _, light = community(1)
    founder = world.nodes[0]
    bases = {row.author: row.base for row in light.store.logs() if row.base}
    assert bases.keys() >= {founder.person.device, world.nodes[1].person.device}
    for author, base in bases.items():
        row = light.store.log(author)
        assert not light.store.wires(author, 0, row.length, 1 << 20), "a range below is not whole"
        assert light.store.wires(author, base, row.length, 1 << 20)
        assert light.store.id_at(author, row.length - 1) == row.head
    replicas = [node.service.core.replica for node in (founder, light)]
    assert replicas[0].frontier.digest() == replicas[1].frontier.digest()
    world.run(5_000)
    assert state_root(light) == state_root(founder)
    assert light.store.counts().bytes < founder.store.counts().bytes
    kept = {record.id for record in light.store.rare()}
    assert kept == {record.id for record in founder.store.rare()}, "what rights rest on stays"


def test_its_own_log_stays_whole_and_what_it_writes_is_sealed() -> None:
    world, _, light = community(2)
    first = give(world, light, 3, "of a light home")
    world.run(2_000)
    seal(world, KEPT + 4)
    world.run(10_000)
    row = light.store.log(light.person.device)
    assert (
        row.base == 0 and len(light.store.wires(row.author, 0, row.length, 1 << 20)) == row.length
    )
    assert light.store.wire(first) is not None
    assert chain(world.nodes[0]).logs[light.person.device].length == row.length
    assert state_root(light) == state_root(world.nodes[0])


def test_an_old_record_comes_back_with_its_text_and_is_proven() -> None:
    world, old, light = community(3)
    wire = world.nodes[1].store.wire(old)
    assert wire is not None and look_up(world, light, old) == {}
    assert light.store.wire(old) == wire
    record, fetched = from_bytes(wire), light.store.fetched(old)
    assert record.body is not None and light.store.body(record.body.hash) is not None
    assert fetched is not None and fetched.following is not None
    end = fetched.following[-1] if fetched.following else wire
    kept = [chain(light).seals.at(at) for at in chain(light).seals.heights]
    heads = [log.head for one in kept if one is not None for log in one.delta.logs]
    assert keys.hash32(keys.RECORD, end) in heads


def test_nobody_gives_a_record_that_no_seal_covers_or_that_nobody_has() -> None:
    world, _, light = community(4)
    assert isinstance(look_up(world, light, RecordId(b"\7" * 32)), NobodyGives)
    for node in world.nodes[:4]:
        node.crash()
    world.run(1_000)
    assert isinstance(look_up(world, light, RecordId(b"\7" * 32)), NobodyGives)


class Forger(Service):
    """Gives the newest record of a log, whichever is asked for."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        return [self._spoiled(action) for action in super().handle(event, now_ms)]

    def _spoiled(self, action: Action) -> Action:
        if isinstance(action, Send):
            message = frame_codec.decode(action.frame)
            if isinstance(message, GivenRecord) and message.wires:
                row = self.core.replica.row(self.core.me.device)
                wires = self.core.replica.store.wires(row.author, 0, 1, 0)
                given = GivenRecord(message.id, message.skip, tuple(wires), None)
                return Send(action.peer, frame_codec.encode(given))
        return action


def test_who_gives_another_record_is_dropped_and_the_next_home_is_asked() -> None:
    world, old, light = community(5)
    forger = world.join(world.invited(world.nodes[0]), world.nodes[:1], Forger)
    forger.knows(light.contact)
    until(world, lambda: forger.key in light.ends, 60_000, "they do not meet")
    light.service.core.rng.choice = partial(_first, forger)  # type: ignore[method-assign]
    assert look_up(world, light, old) == {}
    ends = light.service.core.ends[forger.key]
    assert ends.dropped is not None and "another record" in ends.dropped


def _first(liked: Node, peers: Any) -> Any:
    """Choose a peer before all others."""
    return next((peer for peer in peers if getattr(peer, "key", b"") == liked.key), peers[0])


def test_who_confirms_an_old_record_does_not_stop_a_light_home() -> None:
    world, old, light = community(6)
    attester = world.nodes[2]
    ticket = attester.submit(Wish("attest", {"event": bytes(old), "answer": "yes"}, (old,)))
    until(world, lambda: ticket in attester.answers, 5_000, "nothing is written")
    id = attester.answers[ticket]["records"][0]["id"]
    until(world, lambda: light.store.wire(id) is not None, 60_000, "its log stops there")
    assert light.store.fetched(old) is not None, "the clock of what it cites is known by its proof"
    digest = light.service.core.replica.frontier.digest
    others = world.nodes[0].service.core.replica.frontier.digest
    until(world, lambda: digest() == others(), 30_000, "they stay apart")
    light.store.change("DELETE FROM fetched")
    light.store.commit()
    seal(world, 2)
    top = chain(world.nodes[0]).height
    until(world, lambda: height(light) == top, 30_000, "what it does not keep stops the fold")
    assert state_root(light) == state_root(world.nodes[0])


def test_light_homes_are_no_holders_and_give_no_ranges_below_their_bases() -> None:
    world, old, light = community(7)
    founder, author = world.nodes[0], world.nodes[1].person.device
    until(world, lambda: light.key in founder.ends, 60_000, "they do not meet")
    world.run(5_000)
    founder.emit(Asked(LOOKUP, "holders", {"id": old}))
    until(world, lambda: LOOKUP in founder.answers, 5_000, "no answer")
    answer = founder.answers[LOOKUP]
    assert light.person.device not in answer["holders"]
    assert 0 < len(answer["holders"]) <= answer["connected"] < len(founder.ends)
    peer = founder.service.core.peers[light.key]
    assert peer.is_light and peer not in founder.service.core.keepers()
    late = world.join(world.invited(founder), [light])
    until(world, lambda: is_member(late), 60_000, "who met a light home first does not get in")
    until(world, lambda: late.store.wire(old) is not None, 60_000, "nor has the old records")
    assert len(late.store.wires(DeviceKey(author), 0, 10, 1 << 20)) > 1


def test_a_light_home_is_no_witness() -> None:
    world, _, light = community(8)
    start, logs = light.service.reactor.start, light.service.core.replica.light
    until(world, lambda: start.outlook is not None and len(light.ends) > 0, 30_000, "it is alone")
    assert start.outlook is not None
    stands = replace(start.outlook, candidates=(light.person.device,))
    start.outlook = replace(stands, height=start.chain.height, seal=start.chain.seal)
    assert not start.may_begin(has_request=True)
    logs.heights = None
    assert not start.may_begin(has_request=True), "nor while it lacks what it dropped"
    logs.has_bases = False
    assert start.may_begin(has_request=True), "a full home may"


def test_a_restart_and_the_death_of_a_peer_change_nothing() -> None:
    world, old, light = community(9)
    light.crash()
    light.start()
    world.nodes[1].crash()
    world.nodes[2].crash()
    seal(world, 1)
    until(world, lambda: height(light) == chain(world.nodes[0]).height, 60_000, "it is behind")
    assert look_up(world, light, old) == {}
    assert state_root(light) == state_root(world.nodes[0])


def test_a_light_home_that_lost_its_state_takes_it_from_peers() -> None:
    world, _, light = community(10)
    light.crash()
    light.layers, light.assessor = None, None
    light.start()
    until(world, lambda: height(light) == chain(light).height, 90_000, "it has no state")
    world.run(5_000)
    assert state_root(light) == state_root(world.nodes[0])
    assert light.assessor is not None and not light.assessor.outlook().alarm
    alone = LedgerState(light.store, StateDb(":memory:"), light.community)
    assert not list(alone.state.items(registry.MEMBER)), "nothing is folded from what is left"


def test_a_light_home_whose_disk_changed_its_state_takes_it_again_while_it_runs() -> None:
    world, _, light = community(15)
    until(world, lambda: height(light) == chain(light).height, 90_000, "it has no state")
    world.run(5_000)
    light.layers, light.assessor = None, None
    seal(world, 1)
    top = chain(world.nodes[0]).height
    until(world, lambda: height(light) == top, 90_000, "it waits for a restart")
    assert state_root(light) == state_root(world.nodes[0])


def test_a_home_that_is_full_again_fetches_all_that_it_dropped() -> None:
    world, old, light = community(11)
    lighten(light, None)
    assert light.service.core.replica.light.is_light, "it lacks what it dropped"
    until(world, lambda: not light.service.core.replica.light.has_bases, 60_000, "it stays light")
    for node in world.nodes[:4]:
        for row in node.store.logs():
            whole = node.store.wires(row.author, 0, row.length, 1 << 20)
            assert light.store.wires(row.author, 0, row.length, 1 << 20) == whole
    record = light.store.record(old)
    assert record is not None and record.body is not None
    text = record.body.hash
    until(world, lambda: light.store.body(text) is not None, 60_000, "its text stays away")
    rows = {row.author: row for row in world.nodes[0].store.logs()}
    for row in light.store.logs():
        assert (row.bytes, row.texts) == (rows[row.author].bytes, rows[row.author].texts)


class Rewriter(Service):
    """Gives older records of a log than it is asked for."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        return [_moved(action) for action in super().handle(event, now_ms)]


def _moved(action: Action) -> Action:
    if isinstance(action, Send):
        message = frame_codec.decode(action.frame)
        if isinstance(message, Runs) and message.asked and message.runs:
            runs = tuple(
                replace(run, wires=(run.wires[0],) * len(run.wires)) for run in message.runs
            )
            return Send(action.peer, frame_codec.encode(replace(message, runs=runs)))
    return action


def test_who_gives_other_records_than_are_linked_is_dropped_and_nothing_of_it_is_kept() -> None:
    world, _, light = community(12)
    liar = world.join(world.invited(world.nodes[0]), world.nodes[:1], Rewriter)
    until(world, lambda: is_member(liar), 60_000, "it is no member")
    lighten(light, None)
    light.knows(liar.contact)
    until(world, lambda: liar.key in light.ends, 60_000, "they do not meet")
    light.service.core.rng.choice = partial(_first, liar)  # type: ignore[method-assign]
    until(world, lambda: not light.service.core.replica.light.has_bases, 90_000, "it stays light")
    assert "linked here" in str(light.service.core.ends[liar.key].dropped)
    row = light.store.log(world.nodes[1].person.device)
    whole = world.nodes[1].store.wires(row.author, 0, row.length, 1 << 20)
    assert light.store.wires(row.author, 0, row.length, 1 << 20) == whole


class Inventor(Service):
    """Gives the record that is asked for, and an invented one in the place of the next."""

    def handle(self, event: Event, now_ms: int) -> list[Action]:
        return [_invented(action) for action in super().handle(event, now_ms)]


def _invented(action: Action) -> Action:
    if isinstance(action, Send):
        message = frame_codec.decode(action.frame)
        if isinstance(message, GivenRecord) and len(message.wires) > 1:
            wires = (message.wires[0], *message.wires[:-1])
            return Send(action.peer, frame_codec.encode(replace(message, wires=wires)))
    return action


def test_a_record_that_is_not_linked_to_the_seal_is_no_proof() -> None:
    world, old, light = community(13)
    inventor = world.join(world.invited(world.nodes[0]), world.nodes[:1], Inventor)
    inventor.knows(light.contact)
    until(world, lambda: inventor.key in light.ends, 60_000, "they do not meet")
    light.service.core.rng.choice = partial(_first, inventor)  # type: ignore[method-assign]
    assert look_up(world, light, old) == {}
    assert "does not follow" in str(light.service.core.ends[inventor.key].dropped)


def test_so_many_records_are_looked_up_at_once_and_no_more() -> None:
    world, _, light = community(14)
    tickets = [Ticket(10_000 + n) for n in range(65)]
    for n, ticket in enumerate(tickets):
        light.emit(Asked(ticket, "fetch-record", {"id": n.to_bytes(32)}))
    until(world, lambda: tickets[-1] in light.answers, 1_000, "no answer")
    assert isinstance(light.answers[tickets[-1]], UsageError)
    until(world, lambda: tickets[0] in light.answers, 30_000, "no answer")
    assert isinstance(light.answers[tickets[0]], NobodyGives)
    light.emit(Asked(LOOKUP, "fetch-record", {"id": b"short"}))
    until(world, lambda: LOOKUP in light.answers, 1_000, "no answer")
    assert isinstance(light.answers[LOOKUP], UsageError)
