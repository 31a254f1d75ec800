"""The assessor: what the ledger says of seals, and what it refuses to call one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from commonweal.protocol.keys import DeviceKey, Signer
from commonweal.protocol.ledger.finality import seal_contents
from commonweal.protocol.ledger.state.advance import FOLD
from commonweal.protocol.merkle import update
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.protocol.seal.cut import Delta, cut_root, tree_changes
from commonweal.protocol.seal.formats import Seal
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.witnesses import witness_devices
from commonweal.storage.consensus.proposals import PreparedProposal, SealApplication
from commonweal.storage.ledger import ledger
from commonweal.storage.ledger.state import finalizer
from commonweal.storage.ledger.state.state_db import TreePages
from commonweal.storage.records.seal_store import KeptSeal
from tests.builders.sealing_nodes import Node, proposal, seal_once, sealed_height
from tests.protocol.ledger.workshop import Workshop, paying

MINUTE = 60_000


def node_of(shop: Workshop) -> Node:
    node = Node(shop.community, shop.documents)
    node.take(shop.records)
    return node


def signers_of(shop: Workshop) -> dict[DeviceKey, Signer]:
    return {pen.key: pen.signer for pen in shop.pens.values()}


def offering(shop: Workshop, *names: str) -> list[DeviceKey]:
    """Let members offer their devices as witnesses; return the devices."""
    return shop.offer(*names)


def test_the_founder_alone_seals_what_he_holds() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Jun", 3, by="Mei")
    node = node_of(shop)
    before = node.assessor.outlook()
    assert (before.height, bytes(before.seal)) == (0, shop.community)
    assert [one.device for one in before.witnesses] == [shop.mei.key]
    assert (before.unsealed, before.is_urgent) == (len(shop.records), True)
    kept = seal_once([node], signers_of(shop), shop.now_ms)
    after = node.assessor.outlook()
    assert (after.height, after.seal) == (1, kept.sealed.seal.id)
    assert (after.unsealed, after.is_urgent, after.alarm) == (0, False, "")
    assert node.assessor.shown() == ()
    assert node.assessor.build((node.have(shop.mei.signer),), shop.now_ms + MINUTE) is None


def test_contributions_alone_are_not_urgent() -> None:
    shop = Workshop(paying(), "Jun")
    node = node_of(shop)
    seal_once([node], signers_of(shop), shop.now_ms)
    shop.work("Jun", 3, by="Mei")
    node.take(shop.records)
    outlook = node.assessor.outlook()
    assert (outlook.unsealed, outlook.is_urgent) == (2, False)
    shop.decide("Jun")
    node.take(shop.records)
    assert node.assessor.outlook().is_urgent


def test_who_cites_a_seal_as_if_it_were_a_record_keeps_nobody_from_being_sealed() -> None:
    shop = Workshop(paying(), "Jun")
    node = node_of(shop)
    kept = seal_once([node], signers_of(shop), shop.now_ms)
    cited = SimpleNamespace(id=kept.sealed.seal.id, clock=kept.sealed.seal.clock)
    odd = shop.pens["Jun"].write("event", {}, deps=[cited])  # type: ignore[list-item]
    shop.mei.write("attest", {"event": odd.id, "say": "yes"}, deps=[odd])
    node.take(shop.records)
    seal_once([node], signers_of(shop), shop.now_ms + MINUTE)
    assert node.assessor.outlook().unsealed == 0


def test_who_offers_and_is_heard_from_gets_a_seat() -> None:
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    offered = offering(shop, "Jun", "Ana", "Bo")
    node = node_of(shop)
    signers = signers_of(shop)
    seal_once([node], signers, shop.now_ms)
    outlook = node.assessor.outlook()
    assert witness_devices(outlook.witnesses) == (shop.mei.key,)
    assert outlook.candidates == tuple(sorted(offered))
    shop.work("Jun", 1)
    node.take(shop.records)
    seal_once([node], signers, shop.now_ms + MINUTE, showing=offered)
    outlook = node.assessor.outlook()
    assert witness_devices(outlook.witnesses) == tuple(sorted([shop.mei.key, *offered]))
    assert outlook.candidates == ()


def four() -> tuple[Workshop, list[Node]]:
    """Return a community whose four members witness, and a node of each."""
    shop = Workshop(paying(), "Jun", "Ana", "Bo")
    offering(shop, "Jun", "Ana", "Bo")
    nodes = [node_of(shop) for _ in range(4)]
    signers = signers_of(shop)
    for number in range(3):
        seal_once(nodes, signers, shop.now_ms, nodes[0].assessor.outlook().candidates)
        shop.work("Jun", number + 1, by="Ana")
        for node in nodes:
            node.take(shop.records)
    assert len(nodes[0].assessor.outlook().witnesses) == 4
    return shop, nodes


def seal(nodes: list[Node], shop: Workshop, *showing: DeviceKey) -> KeptSeal:
    shop.now_ms += MINUTE
    kept = seal_once(nodes, signers_of(shop), shop.now_ms, showing)
    assert {node.assessor.outlook().height for node in nodes} == {kept.sealed.seal.height}
    return kept


Spoil = Callable[[PreparedProposal, Node], tuple[Seal, Delta]]


def rooted(seal: Seal, delta: Delta, node: Node) -> tuple[Seal, Delta]:
    """Return a seal whose cut is that of `delta`."""
    top = update(TreePages(node.layers, 0), tree_changes(delta.logs)).root
    return replace(seal, cut_root=cut_root(top, delta.present)), delta


def shorter(draft: PreparedProposal, node: Node) -> tuple[Seal, Delta]:
    """Leave out the log that is cited."""
    cited = {dep for log in draft.delta.logs for dep in node.store.record(log.head).deps}  # type: ignore[union-attr]
    logs = tuple(one for one in draft.delta.logs if one.head not in cited)
    assert len(logs) < len(draft.delta.logs)
    return rooted(draft.seal, Delta(logs, draft.delta.present), node)


def longer(draft: PreparedProposal, node: Node) -> tuple[Seal, Delta]:
    first, *rest = draft.delta.logs
    logs = (first._replace(length=first.length + 1), *rest)
    return rooted(draft.seal, Delta(logs, draft.delta.present), node)


def backward(draft: PreparedProposal, node: Node) -> tuple[Seal, Delta]:
    first, *rest = draft.delta.logs
    logs = (first._replace(length=1), *rest)
    return rooted(draft.seal, Delta(logs, draft.delta.present), node)


def swapped(draft: PreparedProposal, node: Node) -> tuple[Seal, Delta]:
    one, two, *rest = draft.delta.logs
    logs = (one._replace(head=two.head), two, *rest)
    return rooted(draft.seal, Delta(logs, draft.delta.present), node)


def field(**over: object) -> Spoil:
    return lambda draft, _: (replace(draft.seal, **over), draft.delta)  # type: ignore[arg-type]


BAD: dict[str, tuple[Spoil, str]] = {
    "another state": (field(state_root=b"s" * 32), "another state root"),
    "other members": (field(members_root=b"m" * 32), "another members root"),
    "other payouts": (field(distribution_root=b"d" * 32), "another distribution root"),
    "other witnesses": (field(witnesses=b"w" * 32), "another witnesses"),
    "other rules": (field(ruleset=b"r" * 32), "another ruleset"),
    "a later clock": (field(clock=10_000), "another clock"),
    "another cut": (field(cut_root=b"c" * 32), "not that of its logs"),
    "a newer fold": (field(fold=FOLD + 1), "upgrade"),
    "an older fold": (field(fold=FOLD - 1), "older"),
    "another past": (field(prev=b"p" * 32), "does not follow"),
    "the last height": (field(height=3), "does not follow"),
    "an earlier time": (field(time_ms=1), "not later than the last"),
    "not closed": (shorter, "cites a record that no cut covers"),
    "a log that does not grow": (backward, "does not grow"),
    "another length": (longer, "is not #"),
    "the head of another log": (swapped, "is not #"),
}


@pytest.fixture(scope="module")
def scene() -> tuple[Workshop, list[Node]]:
    return four()


@pytest.mark.parametrize("name", BAD)
def test_a_proposal_that_is_not_what_the_ledger_computes_is_not_sound(
    name: str, scene: tuple[Workshop, list[Node]]
) -> None:
    shop, (first, judge, *_) = scene
    signers = signers_of(shop)
    seated = witness_devices(first.assessor.outlook().witnesses)
    haves = [first.have(signers[one]) for one in seated]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    spoil, reason = BAD[name]
    seal, delta = spoil(draft, first)
    bad = replace(draft, seal=seal, delta=delta)
    made = proposal(signers[seated[0]], bad, haves)
    found = judge.assessor.judge(made, shop.now_ms + MINUTE)
    assert not found.verdict.sound
    assert reason in found.verdict.reason
    assert not found.verdict.missing
    good = judge.assessor.judge(proposal(signers[seated[0]], draft, haves), shop.now_ms + MINUTE)
    assert good.verdict.sound and good.verdict.timely


def test_a_proposal_is_timely_while_clocks_agree_and_fair_to_what_is_shown(
    scene: tuple[Workshop, list[Node]],
) -> None:
    shop, (first, judge, *_) = scene
    signers = signers_of(shop)
    seated = witness_devices(first.assessor.outlook().witnesses)
    haves = [first.have(signers[one]) for one in seated]
    now_ms = shop.now_ms + MINUTE
    draft = first.assessor.build(tuple(haves), now_ms)
    assert draft is not None
    made = proposal(signers[seated[0]], draft, haves)
    late = judge.assessor.judge(made, now_ms + 3 * MINUTE)
    assert late.verdict.sound and not late.verdict.timely
    few = proposal(signers[seated[0]], draft, haves[:2])
    assert not judge.assessor.judge(few, now_ms).verdict.timely
    assert judge.assessor.judge(made, now_ms).verdict.timely


def test_who_lacks_what_a_proposal_covers_says_what() -> None:
    shop, (first, judge, *_) = four()
    signers = signers_of(shop)
    new = shop.work("Bo", 5, by="Jun")
    first.take(shop.records)
    seated = witness_devices(first.assessor.outlook().witnesses)
    haves = [first.have(signers[one]) for one in seated]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    made = proposal(signers[seated[0]], draft, haves)
    found = judge.assessor.judge(made, shop.now_ms + MINUTE)
    assert not found.verdict.sound
    assert set(found.verdict.missing) == {new.id, shop.records[-1].id}
    judge.take(shop.records)
    assert judge.assessor.judge(made, shop.now_ms + MINUTE).verdict.sound


def test_who_lacks_what_is_sealed_waits_for_it_and_then_follows() -> None:
    shop, nodes = four()
    signers = signers_of(shop)
    away = nodes[3]
    new = shop.work("Bo", 5)
    for node in nodes[:3]:
        node.take(shop.records)
    for minute in (1, 2):
        kept = seal_once(nodes[:3], signers, shop.now_ms + minute * MINUTE)
        away.put(kept.sealed, kept)
        shop.work("Ana", minute)
        for node in nodes[:3]:
            node.take(shop.records)
    before = away.assessor.outlook()
    assert (before.height, [*away.assessor.lacks]) == (3, [new.id])
    away.take(shop.records)
    assert away.assessor.outlook().height == 5
    assert not away.assessor.lacks
    assert away.assessor.outlook() == nodes[0].assessor.outlook()


def test_a_certified_seal_with_another_root_is_an_alarm_and_nothing_is_followed() -> None:
    shop, nodes = four()
    signers = signers_of(shop)
    outlook = nodes[0].assessor.outlook()
    haves = [nodes[0].have(signers[one]) for one in witness_devices(outlook.witnesses)]
    draft = nodes[0].assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    bad = replace(draft, seal=replace(draft.seal, state_root=b"s" * 32))
    kept = sealed_height(shop.community, bad, outlook.witnesses, signers)
    nodes[1].put(kept.sealed, kept)
    after = nodes[1].assessor.outlook()
    assert after.height == outlook.height
    assert "another state root" in after.alarm
    assert nodes[1].assessor.build(tuple(haves), shop.now_ms + MINUTE) is None
    made = proposal(signers[shop.mei.key], draft, haves)
    assert not nodes[1].assessor.judge(made, shop.now_ms).verdict.sound
    assert nodes[1].kept.state.get(b"F") is not None


def test_a_seal_of_a_newer_fold_asks_for_an_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    shop, nodes = four()
    signers = signers_of(shop)
    outlook = nodes[0].assessor.outlook()
    haves = [nodes[0].have(signers[one]) for one in witness_devices(outlook.witnesses)]
    draft = nodes[0].assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    newer = replace(draft, seal=replace(draft.seal, fold=FOLD + 1))
    kept = sealed_height(shop.community, newer, outlook.witnesses, signers)
    nodes[1].put(kept.sealed, kept)
    assert nodes[1].assessor.outlook().alarm.startswith("upgrade")
    for module in (ledger, finalizer, seal_contents):
        monkeypatch.setattr(module, "FOLD", FOLD + 1)
    after = nodes[1].assessor.outlook()
    assert (after.height, after.alarm) == (outlook.height + 1, "")


def test_who_lacks_what_others_show_proposes_nothing_yet() -> None:
    shop, (behind, *others) = four()
    seal([behind, *others], shop)
    signers = signers_of(shop)
    shop.work("Bo", 5)
    for node in others:
        node.take(shop.records)
    first, *rest = [signers[one] for one in witness_devices(behind.assessor.outlook().witnesses)]
    haves = [behind.have(first), *(others[0].have(one) for one in rest)]
    shop.mei.write("unit.define", {"unit": "cup"})
    behind.take(shop.mei.log)
    assert behind.assessor.build(tuple(haves), shop.now_ms + MINUTE) is None
    behind.take(shop.records)
    assert behind.assessor.build(tuple(haves), shop.now_ms + MINUTE) is not None


def test_who_lags_behind_the_chain_says_what_he_lacks_and_refuses_nothing() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    new = shop.work("Bo", 5)
    for node in nodes[:3]:
        node.take(shop.records)
    kept = seal(nodes[:3], shop)
    nodes[3].put(kept.sealed, kept)
    shop.work("Mei", 1)
    nodes[0].take(shop.records)
    signers = signers_of(shop)
    seated = witness_devices(nodes[0].assessor.outlook().witnesses)
    haves = [nodes[0].have(signers[one]) for one in seated]
    draft = nodes[0].assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    made = proposal(signers[seated[0]], draft, haves)
    found = nodes[3].assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert (found.sound, [*found.missing]) == (False, [new.id])


def unsigned(shop: Workshop, name: str) -> Record:
    """Let a member vouch, by the next record of their log, for a record that they did not sign."""
    pen = shop.pens[name]
    good = shop.work(name, 1)
    wire = good.wire[:-64] + bytes(64)
    bad = from_bytes_unchecked(wire)
    pen.log[-1] = shop.records[-1] = bad
    shop.work(name, 2)
    return bad


def test_a_record_that_its_author_did_not_sign_is_neither_proposed_nor_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, (first, judge, *_) = four()
    seal([first, judge], shop)
    other = shop.work("Jun", 4)
    bad = unsigned(shop, "Ana")
    for node in (first, judge):
        node.take(shop.records)
    signers = signers_of(shop)
    seated = witness_devices(first.assessor.outlook().witnesses)
    prev = first.assessor.outlook().seal
    haves = [sign_have(signers[one], shop.community, 5, prev, ()) for one in seated]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    assert {log.author: log.length for log in draft.delta.logs} == {other.author: other.seq + 1}
    with monkeypatch.context() as blind:
        blind.setattr(SealApplication, "_unsigned", lambda *_: None)
        draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    assert {log.author: log.length for log in draft.delta.logs}[bad.author] > bad.seq
    made = proposal(signers[seated[0]], draft, haves)
    found = judge.assessor.judge(made, shop.now_ms + MINUTE).verdict
    assert not found.sound and "not signed by its author" in found.reason
