"""Deals: who says yes, what the last yes decides, and how deals end."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange import commitments, open_records
from commonweal.protocol.ledger.exchange.deals import agreement_row, agreements
from commonweal.protocol.ledger.exchange.deals.agreement_row import (
    AGREED,
    ASKED,
    COUNTERED,
    DECLINED,
    ENDED,
    GIVEN_UP,
    LOST,
    OPEN_DEAL,
    VOID,
    WITHDRAWN,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR
from tests.protocol.ledger.exchange.trading import Trading, amount
from tests.protocol.ledger.village import TEXT


@pytest.fixture
def town() -> Trading:
    return Trading()


def asked_of(town: Trading, name: str) -> list[bytes]:
    """Return the agreements that are asked of a member, or by them."""
    prefix = OPEN_DEAL + town.id(name)
    return [key[len(prefix) :] for key, _ in town.history.state.items(prefix)]


def two(town: Trading, **over: Any) -> Record:
    """Let Ana propose 2 h to Bo."""
    return town.proposes("Ana", town.clause("Ana", 2, "Ana", "Bo"), **over)


def ring(town: Trading) -> tuple[Record, list[Record]]:
    """Let Ana propose a ring of three: each helps the next."""
    names = ("Ana", "Bo", "Jun")
    clauses = [
        town.clause("Ana", 2, giver, taker)
        for giver, taker in zip(names, (*names[1:], names[0]), strict=True)
    ]
    return town.proposes("Ana", *clauses), clauses


def test_a_ring_is_in_force_with_three_signatures(town: Trading) -> None:
    """Valueflows, exchanges: apples, lodging and tutoring; "three parties, two yes" is not yet."""
    deal, clauses = ring(town)
    assert town.deal(deal).parties == sorted(map(town.id, ("Ana", "Bo", "Jun")))
    town.answer("Bo", deal)
    assert (town.standing(deal), town.deal(deal).yes) == ((ASKED, None), 2)
    assert town.verdict(town.done(clauses[0], 1)) is Reason.NOT_AGREED
    assert [asked_of(town, name) for name in ("Ana", "Bo", "Jun")] == [[deal.id]] * 3
    assert town.verdict(town.answer("Mei", deal)) is Reason.NOT_YOURS
    town.answer("Jun", deal)
    assert (town.standing(deal), town.deal(deal).yes) == ((AGREED, None), 3)
    assert [town.commitment(clause).agreement for clause in clauses] == [deal.id] * 3
    assert [asked_of(town, name) for name in ("Ana", "Bo", "Jun")] == [[]] * 3
    for clause in clauses:
        assert town.verdict(town.done(clause, 2)) is None
        assert town.commitment(clause).open.n == 0


def test_apples_are_given_for_cider(town: Trading) -> None:
    """Valueflows, agreements: 50 kg apples against 10 l cider, one clause each way."""
    apples = {"action": "deliverService"} | amount(50, "kilogram")
    cider = {"action": "deliverService"} | amount(10, "litre")
    given = town.clause("Ana", 0, "Ana", "Bo", **apples)
    back = town.clause("Ana", 0, "Bo", "Ana", **cider)
    deal = town.proposes("Ana", given, back=(back,))
    assert town.commitment(given).status == town.commitment(back).status == commitments.ASKED
    town.answer("Bo", deal)
    assert town.commitment(given).status == town.commitment(back).status == commitments.AGREED


def test_whoever_writes_a_deal_is_a_party_and_says_yes_once(town: Trading) -> None:
    clause = town.clause("Jun", 2, "Ana", "Bo")
    assert town.verdict(town.proposes("Jun", clause)) is Reason.NOT_YOURS
    deal = town.proposes("Ana", clause)
    assert town.verdict(town.answer("Ana", deal)) is Reason.NOTHING_NEW
    assert town.deal(deal).yes == 1
    assert town.verdict(town.answer("Bo", deal)) is None
    for say in ("yes", "no", "withdraw"):
        assert town.verdict(town.answer("Bo", deal, say)) is Reason.ALREADY_AGREED


def test_a_no_is_for_good(town: Trading) -> None:
    deal = two(town)
    town.answer("Bo", deal, "no")
    assert town.standing(deal) == (DECLINED, town.id("Bo"))
    assert town.verdict(town.answer("Bo", deal)) is Reason.NOT_OPEN
    assert asked_of(town, "Ana") == asked_of(town, "Bo") == []


@pytest.mark.parametrize("is_first", [True, False])
def test_a_yes_is_taken_back_before_the_last_yes_and_not_after(
    town: Trading, *, is_first: bool
) -> None:
    """A's withdraw and B's last yes: the order decides."""
    deal = two(town)
    assert town.verdict(town.answer("Bo", deal, "withdraw")) is Reason.NO_YES
    acts = [("Ana", "withdraw"), ("Bo", "yes")]
    first, second = acts if is_first else acts[::-1]
    assert town.verdict(town.answer(first[0], deal, first[1])) is None
    late = town.verdict(town.answer(second[0], deal, second[1]))
    assert late is (Reason.NOT_OPEN if is_first else Reason.ALREADY_AGREED)
    expected = (WITHDRAWN, town.id("Ana")) if is_first else (AGREED, None)
    assert town.standing(deal) == expected


def test_withdraw_and_last_yes_apart_are_decided_by_the_order_of_the_seal(town: Trading) -> None:
    deal = two(town)
    ana, bo = town.pens["Ana"], town.pens["Bo"]
    outcomes = []
    for _ in range(6):
        taken = ana.write("agreement.sign", {"agreement": deal.id, "say": "withdraw"}, [deal])
        yes = bo.write("agreement.sign", {"agreement": deal.id, "say": "yes"}, [deal])
        town.learn()
        town.cut()
        status, _ = town.standing(deal)
        verdicts = town.verdict(taken), town.verdict(yes)
        assert verdicts in ((None, Reason.NOT_OPEN), (Reason.ALREADY_AGREED, None))
        assert (status == WITHDRAWN) is (verdicts[0] is None)
        outcomes.append(status)
        deal = two(town)
    assert {*outcomes} == {AGREED, WITHDRAWN}, "both happen: neither side always wins"


@pytest.mark.parametrize(("late_ms", "reason"), [(0, None), (1, Reason.TOO_LATE)])
def test_a_yes_counts_until_the_time_to_answer_by_the_time_of_its_seal(
    town: Trading, late_ms: int, reason: Reason | None
) -> None:
    """A yes 1 ms after answerBy is refused; its author's clock decides nothing."""
    answer_by = town.now_ms + HOUR
    deal = two(town, answerBy=answer_by)
    town.seal_at(answer_by - 1)
    yes = town.answer("Bo", deal)
    assert town.verdict(yes) is None, "as of the last seal"
    town.seal_at(answer_by + late_ms)
    assert town.verdict(yes) is reason
    assert town.standing(deal) == ((AGREED, None) if reason is None else (ASKED, None))


def test_a_deal_whose_time_is_over_is_not_even_proposed(town: Trading) -> None:
    town.cut()
    assert town.verdict(two(town, answerBy=town.now_ms - 1)) is Reason.TOO_LATE
    assert town.verdict(two(town, answerBy=town.now_ms)) is None
    for answer_by in (-1, "soon", True):
        assert town.verdict(two(town, answerBy=answer_by)) is Reason.SHAPE


@pytest.mark.parametrize("is_accepted_first", [True, False])
def test_counter_and_accept_cross(town: Trading, *, is_accepted_first: bool) -> None:
    """The accept wins when it stands before; else the counter takes the place of the first."""
    first = two(town)
    other = town.clause("Bo", 3, "Ana", "Bo")
    if is_accepted_first:
        town.answer("Bo", first)
        counter = town.proposes("Bo", other, counters=first.id)
        assert town.verdict(counter) is Reason.ALREADY_AGREED
        assert town.standing(first) == (AGREED, None)
        return
    counter = town.proposes("Bo", other, counters=first.id)
    assert town.verdict(counter) is None
    assert town.verdict(town.answer("Bo", first)) is Reason.NOT_OPEN
    assert town.standing(first) == (COUNTERED, counter.id)
    town.answer("Ana", counter)
    assert town.standing(counter) == (AGREED, None)


def test_only_a_party_counters_and_only_what_is_asked(town: Trading) -> None:
    first = two(town)
    mine = town.clause("Jun", 1, "Jun", "Bo")
    assert town.verdict(town.proposes("Jun", mine, counters=first.id)) is Reason.NOT_YOURS
    assert town.verdict(town.proposes("Jun", mine, counters=bytes(32))) is Reason.UNKNOWN_PLAN
    assert town.verdict(town.proposes("Jun", mine, counters="x")) is Reason.SHAPE
    town.answer("Bo", first, "no")
    again = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo"), counters=first.id)
    assert town.verdict(again) is Reason.NOT_OPEN


def test_a_clause_is_in_force_by_one_deal_only(town: Trading) -> None:
    clause = town.clause("Ana", 2, "Ana", "Bo")
    first, second = town.proposes("Ana", clause), town.proposes("Bo", clause)
    town.answer("Bo", first)
    assert town.verdict(town.proposes("Ana", clause)) is Reason.ALREADY_AGREED
    town.answer("Ana", second)
    assert town.standing(second) == (LOST, first.id)
    replaced = town.clause("Ana", 2, "Ana", "Bo")
    deal = town.proposes("Ana", replaced)
    assert town.verdict(town.clause("Bo", 1, "Ana", "Bo", replaces=replaced.id)) is Reason.NOT_YOURS
    town.clause("Ana", 1, "Ana", "Bo", replaces=replaced.id)
    town.answer("Bo", deal)
    assert town.standing(deal) == (VOID, replaced.id)
    assert town.verdict(town.proposes("Ana", replaced)) is Reason.NOT_OPEN
    assert town.verdict(town.clause("Ana", 1, "Ana", "Bo", replaces=clause.id)) is (
        Reason.ALREADY_AGREED
    )


def test_a_lost_deal_leaves_nothing_behind(town: Trading) -> None:
    plenty, scarce = town.offers("Ana", 9), town.offers("Ana", 2)
    town.agreed(2, "Ana", "Bo", scarce)
    clauses = [
        town.clause("Jun", 1, "Ana", "Jun", plenty),
        town.clause("Jun", 1, "Ana", "Jun", scarce),
    ]
    deal = town.proposes("Jun", *clauses)
    town.answer("Ana", deal)
    assert town.deal(deal).status == LOST
    assert [town.commitment(clause).status for clause in clauses] == [commitments.ASKED] * 2
    assert town.intent(plenty).taken == [0, 0, "hour"]


def test_a_deal_has_sixteen_clauses_and_sixteen_in_return(town: Trading) -> None:
    clauses = [town.clause("Ana", 1, "Ana", "Bo") for _ in range(17)]
    back = [town.clause("Ana", 1, "Bo", "Ana") for _ in range(17)]
    assert town.verdict(town.proposes("Ana", *clauses)) is Reason.SHAPE
    assert town.verdict(town.proposes("Ana", clauses[0], back=tuple(back))) is Reason.SHAPE
    deal = town.proposes("Ana", *clauses[:16], back=tuple(back[:16]))
    town.answer("Bo", deal)
    assert town.standing(deal) == (AGREED, None)


def test_all_parties_end_a_deal_and_what_is_open_is_promised_no_more(town: Trading) -> None:
    need = town.needs("Bo", 8)
    promise = town.agreed(8, "Ana", "Bo", need)
    deal = next(record for record in town.records if record.kind == "agreement")
    given = town.done(promise, 3)
    assert town.verdict(town.ends("Jun", deal)) is Reason.NOT_YOURS
    town.ends("Ana", deal, "given up")
    assert town.standing(deal) == (AGREED, None)
    assert town.verdict(town.ends("Ana", deal)) is Reason.NOTHING_NEW
    town.ends("Bo", deal, "done")
    assert town.deal(deal).status == GIVEN_UP, "one of them gave it up"
    row = town.intent(need)
    assert (row.taken, row.met) == ([3, 0, "hour"], [3, 0, "hour"])
    assert town.commitment(promise).status == commitments.ENDED
    assert town.verdict(town.done(promise, 1)) is Reason.NOT_AGREED
    assert town.verdict(town.ends("Bo", deal)) is Reason.NOT_OPEN
    less = town.write("Ana", "event", {"action": "work", "corrects": given.id} | amount(-1))
    town.write("Bo", "attest", {"event": less.id, "say": "yes"})
    row = town.intent(need)
    assert (row.taken, row.met) == ([2, 0, "hour"], [2, 0, "hour"]), "it keeps what was given"


def test_a_deal_that_is_done_has_ended(town: Trading) -> None:
    deal = two(town)
    assert town.verdict(town.ends("Ana", deal)) is Reason.NOT_AGREED
    town.answer("Bo", deal)
    town.ends("Ana", deal)
    town.ends("Bo", deal)
    assert town.standing(deal) == (ENDED, None)
    late = town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo"), counters=deal.id)
    assert town.verdict(late) is Reason.ALREADY_AGREED


def test_parties_comment_and_nobody_else(town: Trading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreements, "COMMENTS_MAX", 2)
    deal = two(town)

    def comment(by: str) -> Reason | None:
        return town.verdict(town.write(by, "agreement.comment", {"agreement": deal.id}, TEXT))

    assert comment("Jun") is Reason.NOT_YOURS
    assert [comment("Ana"), comment("Bo"), comment("Bo")] == [None, None, Reason.TOO_MANY_COMMENTS]
    rows = [value for _, value in town.history.state.items(agreements.COMMENT + deal.id)]
    assert sorted(member for member, _ in rows) == sorted((town.id("Ana"), town.id("Bo")))


def test_a_member_has_so_many_proposals_that_wait(
    town: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_records, "OPEN_AGREEMENTS_MAX", 2)
    deals = [two(town) for _ in range(3)]
    assert [town.verdict(deal) for deal in deals] == [None, None, Reason.TOO_MANY_AGREEMENTS]
    assert town.verdict(town.proposes("Bo", town.clause("Bo", 1, "Ana", "Bo"))) is None
    town.answer("Bo", deals[0], "no")
    assert town.verdict(two(town)) is None


def test_a_claim_of_140_of_which_70_are_paid_leaves_70(town: Trading) -> None:
    """Valueflows, claims: owed 140, paid 70, open 70."""
    price = {"action": "transfer"} | amount(140, "EUR")
    owed = town.agreed(0, "Bo", "Ana", **price)
    purse: dict[str, Any] = {
        "action": "raise",
        "provider": town.id("Bo"),
        "newInventoriedResource": {},
    }
    mine = town.write("Bo", "event", purse | amount(200, "EUR"))
    sides: dict[str, Any] = {"provider": town.id("Bo"), "receiver": town.id("Ana")}
    paid = {"action": "transfer"} | sides
    paid |= {"resourceInventoriedAs": mine.id, "newInventoriedResource": {}, "fulfills": owed.id}
    assert town.verdict(town.write("Bo", "event", paid | amount(70, "EUR"))) is None
    row = town.commitment(owed)
    assert (row.met, row.open) == ([70, 0, "EUR"], (70, 0, "EUR"))


def test_two_shifts_of_four_hours_meet_a_promise_of_eight(town: Trading) -> None:
    """Valueflows, flows, "Bob": 4 h and 4 h; and then a correction opens an hour again."""
    promise = town.agreed(8, "Bo", "Ana")
    town.done(promise, 4)
    second = town.done(promise, 4)
    assert town.commitment(promise).open.n == 0
    less = town.write("Bo", "event", {"action": "work", "corrects": second.id} | amount(-1))
    town.write("Ana", "attest", {"event": less.id, "say": "yes"})
    row = town.commitment(promise)
    assert (row.met, row.open.n) == ([7, 0, "hour"], 1)


def test_what_a_deal_cannot_hold_is_refused(town: Trading) -> None:
    most = 2**63 - 1
    promise = town.agreed(most, "Ana", "Bo")
    assert town.verdict(town.done(promise, most)) is None
    assert town.verdict(town.done(promise, 1)) is Reason.TOO_LARGE
    offer = town.offers("Ana", most, **amount(most))
    fine = [town.clause("Bo", 1, "Ana", "Bo", offer, **amount(1, scale=9)) for _ in range(2)]
    first = town.proposes("Bo", town.clause("Bo", most - 1, "Ana", "Bo", offer))
    town.answer("Ana", first)
    assert town.standing(first) == (AGREED, None)
    second = town.proposes("Bo", *fine)
    assert town.verdict(town.answer("Ana", second)) is Reason.TOO_LARGE
    assert town.standing(second) == (ASKED, None)


def test_nobody_promises_something_to_themselves(town: Trading) -> None:
    assert town.verdict(town.clause("Ana", 1, "Ana", "Ana")) is Reason.SAME_SIDE
    agent = b"a" * 16
    town.attest(town.write("Ana", "agent.claim", {"agent": agent}), "Jun")
    assert town.verdict(town.clause("Ana", 1, agent, "Ana")) is Reason.SAME_SIDE
    deal = town.proposes("Bo", town.clause("Bo", 1, agent, "Bo"))
    assert town.deal(deal).parties == sorted((town.id("Ana"), town.id("Bo")))
    assert agreement_row.in_force(town.history.state, deal.id) is False
    town.answer("Ana", deal)
    assert agreement_row.in_force(town.history.state, deal.id)
