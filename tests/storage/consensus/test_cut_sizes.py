"""How many records a cut takes: as a machine folds in time, and never fewer than f + 1 show."""

from __future__ import annotations

import pytest

from commonweal.protocol.ledger.governance import proposals
from commonweal.protocol.seal.cut import FULL_CUT_RECORDS, new_records
from commonweal.protocol.seal.have_frontiers import sign_have
from commonweal.protocol.seal.witnesses import witness_devices
from tests.builders.sealing_nodes import proposal, seal_once
from tests.protocol.ledger.workshop import Workshop, paying
from tests.storage.consensus.test_proposals import MINUTE, four, node_of, seal, signers_of

WRITTEN = 12


def test_a_witness_shows_and_takes_no_more_than_its_machine_folds_in_time() -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(WRITTEN):
        shop.work("Jun", number + 1)
    signers, first = signers_of(shop), nodes[0]
    for node in nodes:
        node.take(shop.records)
        node.assessor.cut_records = 5
    last, seated = first.kept.last.logs, witness_devices(first.assessor.outlook().witnesses)
    outlook = first.assessor.outlook()
    assert (outlook.unsealed, outlook.cut_records) == (WRITTEN, 5)
    haves = [first.have(signers[one]) for one in seated]
    shown = [sum(length - last[author].length for author, length in one.logs) for one in haves]
    assert shown == [5] * len(nodes)
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None and new_records(last, draft.delta) == 5
    for node in nodes:
        made = proposal(signers[seated[0]], draft, haves)
        verdict = node.assessor.judge(made, shop.now_ms + MINUTE).verdict
        assert verdict.sound and verdict.timely, "all agree that nothing is left out"


@pytest.mark.parametrize(("large", "taken"), [(0, 5), (1, 5), (2, WRITTEN), (4, WRITTEN)])
def test_what_f_plus_1_witnesses_show_is_taken_by_a_slow_machine_too(
    large: int, taken: int
) -> None:
    shop, nodes = four()
    seal(nodes, shop)
    for number in range(WRITTEN):
        shop.work("Jun", number + 1)
    signers, first = signers_of(shop), nodes[0]
    for node in nodes:
        node.take(shop.records)
    seated = witness_devices(first.assessor.outlook().witnesses)
    outlook, haves = first.assessor.outlook(), []
    for number, device in enumerate(seated):
        first.assessor.cut_records = FULL_CUT_RECORDS if number < large else 5
        place = (shop.community, outlook.height + 1, outlook.seal)
        haves.append(sign_have(signers[device], *place, first.assessor.shown()))
    first.assessor.cut_records = 5
    draft = first.assessor.build(tuple(haves), shop.now_ms + MINUTE)
    assert draft is not None and new_records(first.kept.last.logs, draft.delta) == taken
    verdict = (
        nodes[1]
        .assessor.judge(proposal(signers[seated[0]], draft, haves), shop.now_ms + MINUTE)
        .verdict
    )
    assert verdict.sound and verdict.timely


@pytest.mark.parametrize("before_ms", [0, 4 * MINUTE])
def test_no_vote_ends_in_a_small_cut_while_votes_wait_outside_it(before_ms: int) -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    node, signers = node_of(shop), signers_of(shop)
    proposed = shop.decide("Jun")
    node.take(shop.records)
    seal_once([node], signers, shop.now_ms)
    node.assessor.outlook()
    row = proposals.proposal_row(node.kept.final, proposed.id)
    assert row is not None and row.status == proposals.VOTING
    for number in range(WRITTEN):
        shop.work("Jun", number + 1)
    shop.say(proposed, "yes", "Mei Jun Ana")
    node.take(shop.records)
    node.assessor.cut_records = 5
    shown = node.assessor.shown(row.deadline_ms - before_ms)
    last = node.kept.last.logs
    assert sum(log.length - last[log.author].length for log in shown) == WRITTEN + 3
    assert sum(log.length - last[log.author].length for log in node.assessor.shown(1)) == 5
    seal_once([node], signers, row.deadline_ms + 1)
    node.assessor.outlook()
    row = proposals.proposal_row(node.kept.final, proposed.id)
    assert row is not None and (row.status, row.yes) == (proposals.PASSED, 3)
