"""Evidence: what the assessor finds of forks and double votes, and what a seal makes of them."""

from __future__ import annotations

from dataclasses import replace

from commonweal.protocol.ledger.members.registry import FROZEN
from commonweal.protocol.ledger.state.evidence import equivocation_id, log_end_id
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import EVENT
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.consensus.events import VALID_PROPOSAL
from commonweal.protocol.seal.cut import Delta
from commonweal.protocol.seal.votes import SealId, Step, sign_vote
from commonweal.protocol.seal.votes import prove_double_vote as convict_votes
from commonweal.protocol.seal.witnesses import witness_devices
from tests.builders.sealing_nodes import Node, proposal
from tests.protocol.ledger.workshop import Workshop, hours
from tests.storage.consensus.test_proposals import MINUTE, four, rooted, seal, signers_of
from tests.storage.ledger.test_ledger import everything


def fork(shop: Workshop, name: str) -> tuple[Record, Record]:
    """Let a member write two records at one place; the second is in no list of the shop."""
    pen = shop.pens[name]
    one = shop.work(name, 1)
    pen.log.pop()
    data = {"action": "work", "provider": shop.id(name), "effortQuantity": hours(2)}
    two = pen.write("event", data, [], None, 1)
    shop.records.pop()
    pen.log[-1] = one
    return one, two


def convict(node: Node, one: Record, two: Record) -> None:
    node.store.freeze(fork_proof.check(one, two, node.community))
    node.store.commit()


def test_a_fork_takes_effect_with_the_seal_whose_evidence_names_it() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    ana = shop.pens["Ana"].key
    one, two = fork(shop, "Ana")
    late = shop.work("Ana", 7)
    for node in nodes:
        node.take(shop.records)
        convict(node, one, two)
    assert nodes[0].assessor.outlook().is_urgent
    kept = seal(nodes, shop)
    assert kept.sealed.seal.evidence == (log_end_id(shop.community, ana, one.seq),)
    assert ana not in [log.author for log in kept.delta.logs]
    for node in nodes:
        outlook = node.assessor.outlook()
        assert ana not in (*witness_devices(outlook.witnesses), *outlook.candidates)
        assert node.kept.final.get(FROZEN + ana) == one.seq
        assert node.kept.verdict(late) == Reason.LOG_FROZEN
    assert nodes[0].assessor.build((nodes[0].have(shop.mei.signer),), shop.now_ms) is None


def test_evidence_that_nobody_here_holds_is_asked_for() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    for node in nodes:
        node.take(shop.records)
    convict(nodes[0], one, two)
    signers, first = signers_of(shop), nodes[0]
    haves = [
        first.have(signers[key]) for key in witness_devices(first.assessor.outlook().witnesses)
    ]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    made = proposal(signers[shop.mei.key], draft, haves)
    found = nodes[1].assessor.judge(made, shop.now_ms + MINUTE)
    assert found.verdict.missing == draft.seal.evidence
    convict(nodes[1], one, two)
    assert nodes[1].assessor.judge(made, shop.now_ms + MINUTE).verdict == VALID_PROPOSAL


def test_a_fork_below_a_cut_changes_nothing_there() -> None:
    shop, nodes = four()
    one, two = fork(shop, "Ana")
    shop.attest(one, "Jun")
    for node in nodes:
        node.take(shop.records)
    seal(nodes, shop)
    before = everything(nodes[0].kept.final)
    for node in nodes:
        convict(node, one, two)
    after = shop.work("Ana", 2)
    for node in nodes:
        assert node.assessor.outlook().height == 4
        assert node.kept.verdict(one) is None
        assert node.kept.is_final(one)
    seal(nodes, shop)
    final = everything(nodes[0].kept.final)
    assert final[EVENT + one.id] == before[EVENT + one.id]
    assert final[b"Z" + one.author] == one.seq
    assert nodes[0].kept.verdict(one) is None
    assert after.seq > one.seq


def test_a_branch_that_is_sealed_stays_though_another_one_is_held() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    other = nodes[3]
    other.store.append(two.author, [two])
    other.store.commit()
    for node in nodes[:3]:
        node.take(shop.records)
    kept = seal(nodes[:3], shop)
    other.put(kept.sealed, kept)
    assert other.assessor.outlook().height == 4
    assert other.assessor.lacks == (one.id,)
    convict(other, one, two)
    other.store.append_branch([one])
    other.store.commit()
    assert other.assessor.outlook().height == 5
    other.kept.refresh()
    assert other.kept.verdict(one) is None and other.kept.is_final(one)
    assert other.kept.verdict(two) == Reason.LOG_FROZEN and not other.kept.is_final(two)
    for node in nodes[:3]:
        convict(node, one, two)
        node.store.append_branch([two])
    seal(nodes, shop)
    assert other.kept.final.get(FROZEN + one.author) == one.seq


def test_who_cites_a_void_record_is_covered_once_the_evidence_is_sealed() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    cites = shop.attest(one, "Bo")
    for node in nodes:
        node.take(shop.records)
        convict(node, one, two)
    kept = seal(nodes, shop)
    assert (cites.author, cites.seq + 1, cites.id) in kept.delta.logs
    assert nodes[1].kept.verdict(cites) is not None


def test_who_voted_twice_has_no_seat_from_the_seal_on_that_says_so() -> None:
    shop, nodes = four()
    jun = shop.pens["Jun"]
    votes = [
        sign_vote(jun.signer, shop.community, 9, 0, Step.PREVOTE, SealId(bytes([n]) * 32))
        for n in range(3)
    ]
    proofs = [convict_votes(votes[0], votes[1]), convict_votes(votes[1], votes[2])]
    for number, node in enumerate(nodes):
        node.seals.put_double_vote(proofs[number % 2])
        node.store.commit()
    kept = seal(nodes, shop)
    assert kept.sealed.seal.evidence == (equivocation_id(shop.community, jun.key),)
    for node in nodes:
        outlook = node.assessor.outlook()
        assert jun.key not in (*witness_devices(outlook.witnesses), *outlook.candidates)
    again = shop.write("Jun", "role.claim", {"role": "witness"})
    for node in nodes:
        node.take(shop.records)
    assert seal(nodes, shop).sealed.seal.evidence == ()
    assert nodes[0].kept.verdict(again) == Reason.NOTHING_NEW


def test_evidence_that_took_effect_before_is_not_named_again() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    for node in nodes:
        node.take(shop.records)
        convict(node, one, two)
    named = seal(nodes, shop).sealed.seal.evidence
    shop.work("Bo", 1)
    for node in nodes:
        node.take(shop.records)
    signers, first = signers_of(shop), nodes[0]
    haves = [
        first.have(signers[key]) for key in witness_devices(first.assessor.outlook().witnesses)
    ]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None and draft.seal.evidence == ()
    bad = replace(draft.seal, evidence=named)
    made = proposal(signers[shop.mei.key], draft, haves, bad)
    found = nodes[1].assessor.judge(made, shop.now_ms + MINUTE)
    assert "has ended before" in found.verdict.reason


def resolve(shop: Workshop, one: Record, two: Record, keep: Record) -> Record:
    """Propose which of two records counts, and let all vote for it."""
    data = {
        "subject": "fork",
        "device": one.author,
        "seq": one.seq,
        "pair": sorted([one.id, two.id]),
        "keep": keep.id,
    }
    proposal = shop.pens["Mei"].write("rules.propose", data, [keep, shop.records[-1]])
    shop.say(proposal, "yes", "Mei Jun Bo")
    return proposal


def test_a_vote_keeps_one_record_of_a_fork_and_no_other() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    for number, node in enumerate(nodes):
        node.take(shop.records if number else [*shop.records[:-1], two])
        convict(node, one, two)
        node.store.append_branch([two, one])
    seal(nodes, shop)
    shop.history.freeze(one.author, one.seq)
    proposal = resolve(shop, one, two, two)
    after = shop.attest(two, "Bo")
    for node in nodes:
        node.take(shop.records)
    seal(nodes, shop)
    shop.now_ms += 25 * 60 * MINUTE
    seal(nodes, shop)
    assert nodes[0].kept.verdict(proposal) is None
    outlook = nodes[0].assessor.outlook()
    assert outlook.unsealed == 1
    kept = seal(nodes, shop)
    assert kept.delta.logs == ((two.author, two.seq + 1, two.id),)
    assert kept.sealed.seal.evidence == ()
    for node in nodes:
        assert node.assessor.outlook().unsealed == 0
        assert node.kept.is_final(two) and node.kept.verdict(two) is None
        assert not node.kept.is_final(one)
        assert node.kept.final.get(FROZEN + two.author) == two.seq + 1
    assert two in list(nodes[0].kept.records()) and one not in list(nodes[0].kept.records())
    assert after.seq


def test_the_other_record_of_a_decided_fork_is_not_sealed() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    one, two = fork(shop, "Ana")
    for node in nodes:
        node.take(shop.records)
        convict(node, one, two)
        node.store.append_branch([two])
    seal(nodes, shop)
    resolve(shop, one, two, two)
    for node in nodes:
        node.take(shop.records)
    seal(nodes, shop)
    shop.now_ms += 25 * 60 * MINUTE
    seal(nodes, shop)
    signers, first = signers_of(shop), nodes[0]
    haves = [
        first.have(signers[key]) for key in witness_devices(first.assessor.outlook().witnesses)
    ]
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None
    (log,) = draft.delta.logs
    seal_, delta = rooted(
        draft.seal, Delta((log._replace(head=one.id),), draft.delta.present), first
    )
    made = proposal(signers[shop.mei.key], replace(draft, delta=delta), haves, seal_)
    found = nodes[1].assessor.judge(made, shop.now_ms + MINUTE)
    assert "not the one of its fork that a vote keeps" in found.verdict.reason
