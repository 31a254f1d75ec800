"""History: the same in any order of arrival, final below a cut, and run again under other rules."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol.errors import InvalidSeal
from commonweal.protocol.ledger.claims import pools
from commonweal.protocol.ledger.finality.backtest import backtest, backtest_height
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.ledger.members.registry import FROZEN
from commonweal.protocol.ledger.sharing import valuation
from commonweal.protocol.ledger.state.advance import Advance
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.state.time_jumps import LAST
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal import validation
from commonweal.protocol.seal.cut import Delta, SealedLog
from tests.protocol.ledger.council import HOUR, Council, process, rules
from tests.protocol.ledger.governance.test_proposals import FIVE, VOUCHES
from tests.protocol.ledger.workshop import Workshop, busy, hours, paying, proposed


def outcome(history: History, records: list[Record]) -> tuple[Any, ...]:
    verdicts = [history.verdict(one.id) for one in records]
    return history.final.to_bytes(), history.state.to_bytes(), history.cut, verdicts


def catch_up(history: History, past: list[tuple[Advance, bytes]]) -> None:
    """Apply the seals that follow, as far as all that they cover is held."""
    for advance, id in past[history.cut.height :]:
        covered = history.covered(advance)
        if covered.missing:
            return
        history.apply(advance, covered.records, id)


@pytest.mark.parametrize("seed", range(40))
def test_the_order_of_arrival_changes_nothing_final_or_provisional(seed: int) -> None:
    shop = busy()
    expected = outcome(shop.history, shop.records)
    rng = random.Random(seed)
    records = [*shop.records]
    rng.shuffle(records)
    history = History(shop.community)
    places = sorted(rng.randint(0, len(records)) for _ in range(5))
    pieces = [records[a:b] for a, b in zip([0, *places], [*places, len(records)], strict=True)]
    documents = list(shop.documents.items())
    for piece in pieces:
        if rng.random() < 0.5 and documents:
            history.add_documents(dict([documents.pop()]))
        history.add(piece)
        if rng.random() < 0.5:
            catch_up(history, shop.history.past)
        if rng.random() < 0.5:
            _ = history.state
    history.add_documents(dict(documents))
    catch_up(history, shop.history.past)
    assert outcome(history, shop.records) == expected
    assert history.trees == shop.history.trees


def test_who_was_away_has_the_same_rules_and_shares() -> None:
    shop = busy()
    away = History(shop.community)
    away.add_documents(shop.documents)
    away.add(shop.records[:10])
    away.add(shop.records[10:])
    catch_up(away, shop.history.past)
    assert away.ruleset.id == shop.history.ruleset.id
    assert pools.shares(away.final) == pools.shares(shop.history.final)


def test_a_record_that_comes_after_a_cut_changes_nothing_final() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    early = shop.pens["Ana"].log[-1]
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    final = shop.history.final.to_bytes()
    data = {"action": "work", "provider": shop.id("Ana"), "effortQuantity": hours(1)}
    late = shop.pens["Ana"].write("event", data)
    assert late.clock == early.clock + 1
    shop.learn()
    assert shop.history.final.to_bytes() == final
    assert not shop.history.is_final(late.id)
    shop.cut()
    assert valuation.booked_at(shop.history.final, late.id) == (2, shop.now_ms)


def test_a_seal_is_later_than_the_last_and_has_something_to_seal() -> None:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    assert shop.history.next_advance(shop.now_ms + HOUR) is None
    shop.work("Jun", 1)
    advance = shop.history.next_advance(shop.now_ms - HOUR)
    assert advance is not None
    assert advance.cut.time_ms == shop.now_ms + 1


def only(advance: Advance, *keep: bytes) -> Advance:
    """Return an advance by some of its logs."""
    logs = tuple(one for one in advance.delta.logs if one.author in keep)
    return advance._replace(delta=Delta(logs, ()))


def test_a_cut_covers_what_it_covers_with_all_that_this_cites() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.cut()
    shop.work("Jun", 1, by="Ana")
    advance = shop.history.next_advance(shop.now_ms + 1)
    assert advance is not None
    with pytest.raises(InvalidSeal, match="cites a record that no cut covers"):
        shop.history.covered(only(advance, shop.pens["Ana"].key))
    assert not shop.history.covered(only(advance, shop.pens["Jun"].key)).missing


def test_a_cut_goes_on_where_the_last_one_ended_and_on_no_other_branch() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Jun", 1)
    shop.cut()
    jun = shop.pens["Jun"]
    jun.log.pop()
    shop.work("Jun", 2)
    other = shop.work("Jun", 3)
    delta = Delta((SealedLog(jun.key, len(jun.log), other.id),), ())
    with pytest.raises(InvalidSeal, match="goes on where it did not end"):
        shop.history.covered(shop.history.advance(delta, shop.now_ms + 1))


def test_a_cut_names_the_record_that_stands_at_its_end() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    last = shop.work("Jun", 1)
    jun, ana = shop.pens["Jun"], shop.pens["Ana"]
    for log in (
        SealedLog(jun.key, len(jun.log) - 1, last.id),
        SealedLog(ana.key, len(ana.log), last.id),
    ):
        with pytest.raises(InvalidSeal, match="is not #"):
            shop.history.covered(shop.history.advance(Delta((log,), ()), shop.now_ms))


def test_a_cut_waits_for_what_it_covers() -> None:
    shop = Workshop(paying(), "Jun")
    shop.work("Jun", 1)
    shop.cut()
    history = History(shop.community)
    history.add_documents(shop.documents)
    missing = shop.pens["Jun"].log[-1]
    history.add(one for one in shop.records if one.id != missing.id)
    advance, id = shop.history.past[0]
    assert history.covered(advance).missing == (missing.id,)
    history.add([missing])
    history.apply(advance, history.covered(advance).records, id)
    assert history.cut == shop.history.cut
    assert history.final.get(LAST)[0] == 1


def test_a_cut_waits_for_the_document_that_a_record_is_judged_by() -> None:
    shop = Workshop(paying(), "Jun")
    shop.cut()
    history = History(shop.community)
    history.add(shop.records)
    founding = shop.records[0].body
    assert founding is not None
    advance, _ = shop.history.past[0]
    assert history.covered(advance).missing == (founding.hash,)


def test_a_log_that_a_proof_ends_is_cut_where_it_ends() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    bad = shop.work("Jun", 1)
    shop.history.freeze(shop.pens["Jun"].key, bad.seq)
    assert shop.history.verdict(bad.id) == Reason.LOG_FROZEN
    shop.cut()
    assert not shop.history.is_final(bad.id)
    assert shop.history.final.get(FROZEN + shop.pens["Jun"].key) == bad.seq


def test_a_log_goes_no_further_than_where_evidence_ends_it() -> None:
    shop = Workshop(paying(), "Jun")
    jun = shop.pens["Jun"]
    last = shop.work("Jun", 1)
    shop.cut()
    shop.work("Jun", 2)
    head = shop.work("Jun", 3)
    delta = Delta((SealedLog(jun.key, head.seq + 1, head.id),), ())
    for end, allowed in ((last.seq, False), (head.seq, False), (head.seq + 1, True)):
        advance = shop.history.advance(delta, shop.now_ms + 1, ((jun.key, end),))
        if allowed:
            assert len(shop.history.covered(advance).records) == 2
        else:
            with pytest.raises(InvalidSeal, match="is frozen from"):
                shop.history.covered(advance)


def test_what_cites_a_record_that_is_not_held_waits_for_another_seal() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.cut()
    work = shop.work("Jun", 1, by="Ana")
    history = History(shop.community)
    history.add_documents(shop.documents)
    history.add(one for one in shop.records if one.id != work.id)
    catch_up(history, shop.history.past)
    assert history.cut.height == 1
    assert history.next_advance(shop.now_ms + HOUR) is None
    history.add([work])
    advance = history.next_advance(shop.now_ms + HOUR)
    assert advance is not None and len(advance.delta.logs) == 2


def test_a_pool_that_cannot_be_split_makes_no_seal_after_seal() -> None:
    document = paying()
    document["pools"]["income"]["buckets"][0]["where"] = "1 / 0 == 1"
    shop = Workshop(document, "Jun")
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    rows = pools.pools(shop.history.final).values()
    assert [(row.carried, bool(row.error)) for row in rows] == [(100, True)]
    assert shop.history.deadline() is None


def test_a_backtest_says_who_would_have_had_what() -> None:
    shop = Workshop(paying(), "Jun", "Ana")
    shop.write("Jun", "role.claim", {"role": "consumer"})
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.earn(4000)
    shop.cut()
    new = proposed("1000")
    found = backtest(shop.community, shop.records, shop.documents, shop.history.past, new)
    table = {one.who: (one.had, one.would) for one in found.members}
    assert table == {shop.id("Jun"): (3000, 2000), shop.id("Ana"): (1000, 2000)}
    assert [(one.who, one.had, one.would) for one in found.roles] == [("consumer", 3000, 2000)]
    same = backtest(
        shop.community, shop.records, shop.documents, shop.history.past, shop.history.ruleset
    )
    assert all(one.had == one.would for one in same.members)
    assert same.hash != found.hash


def test_any_voter_gets_the_same_backtest_at_its_height() -> None:
    shop = busy()
    new = proposed("event.effort * event.effort")
    height = shop.history.cut.height
    first = backtest(shop.community, shop.records, shop.documents, shop.history.past, new)
    shop.work("Jun", 50, by="Ana")
    shop.earn(10_000)
    shop.cut()
    random.Random(1).shuffle(shop.records)
    again = backtest(
        shop.community,
        shop.records,
        shop.documents,
        shop.history.past,
        new,
        backtest_height(first.name),
    )
    assert backtest_height(first.name) == height
    assert again == first
    later = backtest(shop.community, shop.records, shop.documents, shop.history.past, new)
    assert later.hash != first.hash


def test_a_proposal_carries_its_backtest() -> None:
    shop = busy()
    new = proposed("1")
    found = backtest(shop.community, shop.records, shop.documents, shop.history.past, new)
    proposal = shop.propose("Jun", new.document, backtest=found.name)
    assert shop.row(proposal).backtest == found.name


PRINT = """
from commonweal.protocol.merkle import update
from tests.protocol.ledger.workshop import busy
shop = busy()
print(shop.history.final.to_bytes().hex(), shop.history.state.to_bytes().hex())
print([update(tree, {}).root.hex() for tree in shop.history.trees])
"""


def test_every_process_computes_the_same() -> None:
    root = Path(__file__).parents[4]
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in (1, 2, 3, 4)
    }
    assert len(printed) == 1


def test_a_cut_without_room_for_all_votes_closes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member who fills a cut with anything could otherwise leave out votes they dislike."""
    document = rules()
    document["governance"]["membership"] = process(blocks=1)
    council = Council(document, *FIVE)
    proposal = council.patch("Jun", VOUCHES)
    council.cut()
    council.say(proposal, "yes", "Mei Jun Ana Bo")
    (block,) = council.say(proposal, "block", "Lin")
    council.now_ms += 25 * HOUR
    advance = council.history.next_advance(council.now_ms, barred={block.author: block.seq})
    assert advance is not None
    with monkeypatch.context() as small:
        small.setattr(validation, "FULL_CUT_RECORDS", 4)
        council.seal(advance)
    assert council.status(proposal) == "open"
    assert council.history.deadline() == council.now_ms + 1
    council.cut()
    assert council.status(proposal) == "failed"
    assert council.history.deadline() is None
