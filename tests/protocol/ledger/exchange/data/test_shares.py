"""Shares of pools for data, consents that a vote ends, and another reader of the same story.

Source of the cases: the exchange economy, section 6 (data with consent that pays its owner).
"""

from __future__ import annotations

import random

from commonweal.protocol.ledger.exchange.data.consents import (
    GIVEN,
    INVALIDATED,
    STANDING,
    WITHDRAWN,
    consent_row,
)
from commonweal.protocol.ledger.exchange.data.uses import use_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.builders.data_story import DataStory, told
from tests.protocol.ledger.finality.test_history import catch_up
from tests.second_reader import fold, records

POOL = {"pool": "income"}


def used(story: DataStory, of_jun: int, of_ana: int) -> list[Record]:
    """Let Bo use data so often, and Cai attest it."""
    first = story.grant("Jun", story.jun, "Bo", benefit=POOL)
    second = story.grant("Ana", story.ana, "Bo", benefit=POOL)
    both = [first] * of_jun + [second] * of_ana
    return [story.use("Bo", consent, "Cai") for consent in both]


def status(story: DataStory, consent: Record) -> str:
    row = consent_row(story.history.state, consent.id)
    assert row is not None
    return row.status


def test_five_per_cent_of_a_pool_go_to_the_owners_by_uses() -> None:
    """EXCHANGE, section 6: 5 % of 100.01 is 5.00; with uses 2:1, 3.33 and 1.67."""
    story = DataStory()
    used(story, 2, 1)
    story.earn(10_001)
    story.cut()
    assert story.paid() == {"Jun": 333, "Ana": 167}


def test_a_use_shares_once_and_only_when_others_attested_it() -> None:
    story = DataStory()
    used(story, 1, 0)
    consent = story.grant("Ana", story.ana, "Cai", benefit=POOL)
    use = story.use("Cai", consent)
    story.earn(10_000)
    story.cut()
    assert story.paid() == {"Jun": 500}
    story.attest(use, "Bo")
    story.earn(10_000)
    story.cut()
    # 5 % of the 95.00 that stayed in the pool and of the 100.00 that came.
    assert story.paid() == {"Jun": 500, "Ana": 975}
    story.attest(use, "Mei")
    story.earn(10_000)
    story.cut()
    assert story.paid() == {"Jun": 500, "Ana": 975}, "no use waits: the share stays in the pool"


def test_a_use_for_a_fee_has_no_share() -> None:
    story = DataStory()
    per_use = {"perUse": {"n": 50, "scale": 2, "unit": "EUR"}}
    story.use("Bo", story.grant("Jun", story.jun, "Bo", benefit=per_use), "Cai")
    story.earn(10_000)
    story.cut()
    assert story.paid() == {}


def test_a_disputed_use_waits() -> None:
    story = DataStory()
    (use,) = used(story, 1, 0)
    story.write("Mei", "dispute", {"event": use.id})
    story.earn(10_000)
    story.cut()
    assert story.paid() == {}


def test_an_income_that_is_taken_back_leaves_the_uses_for_the_next() -> None:
    story = DataStory()
    used(story, 1, 0)
    came = story.earn(10_000)
    story.cut()
    less = {"n": -10_000, "scale": 2, "unit": "EUR"}
    story.write(
        "Mei", "event", {"action": "transfer", "corrects": came.id, "resourceQuantity": less}
    )
    story.write("Jun", "attest", {"event": came.id, "say": "yes", "corrections": 1})
    story.cut()
    assert story.paid() == {"Jun": 0}
    story.earn(20_000)
    story.cut()
    assert story.paid() == {"Jun": 1_000}


def test_a_vote_declares_a_consent_void() -> None:
    story = DataStory()
    consent = story.grant("Jun", story.jun, "Bo")
    story.cut()
    before = story.use("Bo", consent)
    vote = story.void("Cai", consent)
    story.say(vote, "yes", "Cai Mei Ana")
    story.cut()
    story.cut(25)
    assert status(story, consent) == INVALIDATED
    after = story.use("Bo", consent)
    assert story.history.verdict(after.id) == Reason.CONSENT_ENDED
    assert use_row(story.history.state, before.id) is not None
    assert story.history.verdict(story.revoke("Jun", consent).id) == Reason.NOT_OPEN


def test_a_vote_that_fails_leaves_it_and_one_that_was_withdrawn_stays_so() -> None:
    story = DataStory()
    kept, ended = (story.grant("Jun", story.jun, "Bo") for _ in range(2))
    story.cut()
    votes = [story.void("Cai", consent) for consent in (kept, ended)]
    story.say(votes[0], "no", "Mei Ana Jun")
    story.say(votes[1], "yes", "Mei Ana Cai")
    story.revoke("Jun", ended)
    story.cut()
    story.cut(25)
    assert status(story, kept) == GIVEN
    assert status(story, ended) == WITHDRAWN
    unknown = story.void("Cai", story.jun)
    assert story.history.verdict(unknown.id) == Reason.UNKNOWN_CONSENT
    over = story.void("Cai", ended)
    assert story.history.verdict(over.id) == Reason.NOT_OPEN


def test_another_reader_comes_to_the_same_roots_and_reasons() -> None:
    story = told()
    wires = [records.Record.read(one.wire) for one in story.records]
    reader = fold.Reader(bytes(story.community), wires, story.documents)
    for sealed, delta in story.sealed:
        height = reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
        assert height.state_root == sealed.seal.state_root, height.void
        assert height.distribution_root == sealed.seal.distribution_root
    standing = [consent for consent in story.records if consent.kind == "consent.grant"]
    rows = [consent_row(story.history.final, one.id) for one in standing]
    assert sum(row is not None and row.status in STANDING for row in rows) >= 1


def test_in_any_order_of_arrival_the_story_ends_alike() -> None:
    story = told()
    for number in range(3):
        other = type(story.history)(story.community)
        other.add_documents(story.documents)
        arrival = [*story.records]
        random.Random(number).shuffle(arrival)
        other.add(arrival)
        catch_up(other, story.history.past)
        final = dict(story.history.final.items(b"9"))
        assert dict(other.final.items(b"9")) == final
