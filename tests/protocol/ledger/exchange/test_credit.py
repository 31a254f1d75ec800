"""Credit: payments move two balances within the limits, and all balances sum to zero.

The numbers of a floor that grows are those of Komunitin's tests (accounting service, "on-payment
credit"): a limit of 1,000 that grows to 1,300.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.exchange import credit
from commonweal.protocol.ledger.exchange.commitments import commitment_row
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.context import Verdict
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import CreditRule, RuleParams
from tests.protocol.ledger.exchange.time_bank import HOURS, TimeBank, rules
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.village import Pen, outcome

KOMUNITIN = CreditRule(0, -1000, 2000, -1000, 2000, -1300)


def test_a_payment_moves_two_balances_at_once() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.ana, bank.bo, 150, 2)
    assert bank.verdict(paid) is None
    assert bank.balance(bank.ana) == (-15, 1, 0)
    assert bank.balance(bank.bo) == (15, 1, 15)
    assert credit.is_payment(bank.ledger().state, paid.id)


def test_a_payment_stops_at_the_floor_of_the_payer() -> None:
    bank = TimeBank()
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 10)) is None
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 1, 2)) is Reason.BELOW_FLOOR
    assert bank.balance(bank.ana) == (-10, 0, 0)


def test_a_payment_stops_at_the_ceiling_of_the_payee() -> None:
    bank = TimeBank(rules(HOURS._replace(floor=-50, grows_to=-50)))
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 30)) is None
    assert bank.verdict(bank.pay(bank.cy, bank.bo, 2001, 2)) is Reason.ABOVE_CEILING
    assert bank.verdict(bank.pay(bank.cy, bank.bo, 20)) is None
    assert bank.balance(bank.bo) == (50, 0, 50)


def test_the_floor_grows_by_what_was_received_as_in_komunitin() -> None:
    bank = TimeBank(rules(KOMUNITIN))
    bank.pay(bank.bo, bank.ana, 200)
    assert bank.verdict(bank.pay(bank.ana, bank.cy, 1401)) is Reason.BELOW_FLOOR
    assert bank.verdict(bank.pay(bank.ana, bank.cy, 1400)) is None
    assert bank.balance(bank.ana) == (-1200, 0, 200)
    state = bank.ledger().state
    floors = [
        credit.lowest(KOMUNITIN, credit.balance_row(state, "hour", pen.owner.id))
        for pen in (bank.ana, bank.bo, bank.cy)
    ]
    assert floors == [-1200, -1000, -1300]


def test_what_was_taken_back_was_not_received() -> None:
    bank = TimeBank(rules(KOMUNITIN))
    paid = bank.pay(bank.bo, bank.ana, 200)
    back = bank.correct(bank.bo, paid, -150)
    bank.agree(bank.ana, back)
    assert bank.balance(bank.ana) == (50, 0, 50)
    assert bank.verdict(bank.pay(bank.ana, bank.cy, 1101)) is Reason.BELOW_FLOOR
    assert bank.verdict(bank.pay(bank.ana, bank.cy, 1100)) is None


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"provider": "bo"}, Reason.NOT_THE_PAYER),
        ({"receiver": "ana"}, Reason.PAID_TO_SELF),
        ({"settles": [bytes(32)]}, Reason.CREDIT_SETTLES),
        ({"resourceQuantity": quantity(0, "hour")}, Reason.NO_QUANTITY),
        ({"resourceQuantity": quantity(-1, "hour")}, Reason.NEGATIVE),
        ({"resourceQuantity": quantity(1, "hour", 3)}, Reason.TOO_MANY_DECIMALS),
        ({"resourceQuantity": quantity(INT_MAX, "hour", 0)}, Reason.BELOW_FLOOR),
        ({"receiver": bytes(32)}, Reason.UNKNOWN_AGENT),
        ({"receiver": "bo", "fulfills": bytes(32)}, Reason.UNKNOWN_PLAN),
    ],
)
def test_what_is_no_good_payment_moves_nothing(over: dict[str, Any], reason: Reason) -> None:
    bank = TimeBank()
    people = {"ana": bank.ana.owner.id, "bo": bank.bo.owner.id}
    told: dict[str, Any] = {
        key: people.get(v, v) if isinstance(v, str) else v for key, v in over.items()
    }
    assert bank.verdict(bank.pay(bank.ana, bank.cy, 1, **told)) is reason
    assert credit.units(bank.ledger().state) == []


def test_a_payment_keeps_a_promise_at_once() -> None:
    bank = TimeBank()
    sides = {"provider": bank.ana.owner.id, "receiver": bank.bo.owner.id}
    hours = {"resourceQuantity": quantity(2, "hour")}
    data = {"action": "transfer", "clause": True} | sides | hours
    asked = bank.bo.write("commitment", data, [bank.begun])
    early = bank.pay(bank.ana, bank.bo, 1, after=[asked], fulfills=asked.id)
    assert bank.verdict(early) is Reason.NOT_AGREED
    deal = bank.bo.write("agreement", {"stipulates": [asked.id]})
    bank.ana.write("agreement.sign", {"agreement": deal.id, "say": "yes"}, [deal])
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 2, fulfills=asked.id)) is None
    row = commitment_row(bank.ledger().state, asked.id)
    assert row is not None and row.open.n == 0
    assert bank.balance(bank.ana) == (-2, 0, 0)
    beyond = bank.pay(bank.ana, bank.bo, 9, fulfills=asked.id)
    assert bank.verdict(beyond) is Reason.BELOW_FLOOR
    row = commitment_row(bank.ledger().state, asked.id)
    assert row is not None and row.given == [2, 0, "hour"], "what does not count keeps nothing"


def test_decimals_that_are_zero_are_not_counted() -> None:
    bank = TimeBank()
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 1_000_000_000, 9)) is None
    assert bank.balance(bank.bo) == (1, 0, 1)


@pytest.mark.parametrize(
    "over",
    [
        {"resourceQuantity": quantity(5, "EUR")},
        {"action": "transferAllRights"},
        {"receiver": bytes(16)},
        {"receiver": "community"},
    ],
)
def test_other_transfers_move_no_balance(over: dict[str, Any]) -> None:
    bank = TimeBank()
    told: dict[str, Any] = {k: bank.community if v == "community" else v for k, v in over.items()}
    other = bank.pay(bank.ana, bank.bo, 5, **told)
    assert bank.verdict(other) is None
    state = bank.ledger().state
    assert credit.units(state) == []
    assert not credit.is_payment(state, other.id)


def test_a_thing_that_is_counted_in_hours_moves_no_balance() -> None:
    bank = TimeBank()
    spec = bank.ana.write("spec.resource", {"name": "voucher", "unit": "hour"}, [bank.begun])
    made: dict[str, Any] = {
        "action": "raise",
        "provider": bank.ana.owner.id,
        "resourceConformsTo": spec.id,
    }
    made = made | {"newInventoriedResource": {}, "resourceQuantity": quantity(5, "hour")}
    voucher = bank.ana.write("event", made, [spec])
    named: dict[str, Any] = {"resourceInventoriedAs": voucher.id, "newInventoriedResource": {}}
    given = bank.pay(bank.ana, bank.bo, 5, **named)
    assert bank.verdict(given) is None
    assert credit.units(bank.ledger().state) == []


def test_more_is_paid_by_a_correction_only_within_the_limits() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.ana, bank.bo, 4)
    assert bank.verdict(bank.correct(bank.ana, paid, 7)) is Reason.BELOW_FLOOR
    assert bank.verdict(bank.correct(bank.ana, paid, 1, 3)) is Reason.TOO_MANY_DECIMALS
    assert bank.verdict(bank.correct(bank.ana, paid, 6)) is None
    assert bank.balance(bank.ana) == (-10, 0, 0)


def test_what_is_taken_back_waits_for_the_payee_and_may_go_below_their_floor() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.ana, bank.bo, 8)
    spent = bank.pay(bank.bo, bank.cy, 18, after=[paid])
    assert bank.verdict(spent) is None
    back = bank.correct(bank.ana, paid, -8)
    assert bank.balance(bank.bo) == (-10, 0, 8), "it waits"
    assert bank.verdict(bank.agree(bank.bo, back)) is None
    assert bank.balance(bank.bo) == (-18, 0, 0), "below the floor of -10"
    assert bank.balance(bank.ana) == (0, 0, 0)
    assert bank.verdict(bank.pay(bank.bo, bank.cy, 1, 2)) is Reason.BELOW_FLOOR
    assert bank.verdict(bank.pay(bank.cy, bank.bo, 1)) is None


def test_nobody_takes_back_more_than_was_paid() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.ana, bank.bo, 3)
    assert bank.verdict(bank.correct(bank.ana, paid, -4)) is Reason.NEGATIVE
    assert bank.verdict(bank.correct(bank.bo, paid, -3)) is Reason.NOT_YOURS
    assert bank.balance(bank.bo) == (3, 0, 3)


def test_who_left_is_paid_only_what_they_owe() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.bo, bank.ana, 5)
    gone = bank.bo.write("member.leave", {}, [paid])
    assert bank.balance(bank.bo) == (-5, 0, 0), "the balance stays"
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 6, after=[gone])) is Reason.ABOVE_CEILING
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 5, after=[gone])) is None
    assert bank.balance(bank.bo) == (0, 0, 5)
    assert bank.verdict(bank.pay(bank.ana, bank.bo, 1, 2)) is Reason.ABOVE_CEILING


def test_balances_stand_still_where_the_rules_have_no_credit_any_more() -> None:
    bank = TimeBank()
    paid = bank.pay(bank.ana, bank.bo, 5)
    before = bank.ledger().state
    written = len(bank.records)
    without, again = RuleParams(), rules()

    def told(record: Record, params: RuleParams) -> tuple[Verdict, int]:
        ledger = Ledger(bank.community, before, rules=params)
        ledger.add(bank.records[written:])
        verdict = ledger.verdict(record.id)
        return verdict, credit.balance_row(ledger.state, "hour", bank.ana.owner.id).n

    later = bank.pay(bank.ana, bank.bo, 2)
    assert told(later, without) == (None, -5), "an event like any other"
    assert told(later, again) == (None, -7)
    more = bank.correct(bank.ana, paid, 1)
    assert told(more, without) == (Reason.NO_CREDIT, -5)
    bank.agree(bank.bo, bank.correct(bank.ana, paid, -3), more)
    assert told(later, without) == (None, -2), "what is taken back follows the money"


def test_a_transfer_from_before_the_credit_moves_nothing_when_it_is_corrected() -> None:
    bank = TimeBank(RuleParams())
    given = bank.pay(bank.ana, bank.bo, 5)
    before = bank.ledger().state
    more = bank.correct(bank.ana, given, 50)
    ledger = Ledger(bank.community, before, rules=rules())
    ledger.add([more])
    assert ledger.verdict(more.id) is None
    assert credit.units(ledger.state) == []


def test_a_former_limit_binds_nobody_and_a_new_one_binds_at_once() -> None:
    bank = TimeBank()
    bank.pay(bank.ana, bank.bo, 8)
    before = bank.ledger().state
    paid = bank.pay(bank.ana, bank.bo, 1)
    back = bank.pay(bank.bo, bank.ana, 1)
    ledger = Ledger(bank.community, before, rules=rules(HOURS._replace(floor=-5, grows_to=-5)))
    ledger.add([paid, back])
    assert ledger.verdict(paid.id) is Reason.BELOW_FLOOR
    assert ledger.verdict(back.id) is None, "who is below may still be paid"
    assert credit.balance_row(ledger.state, "hour", bank.ana.owner.id).n == -7


def _story(numbers: Random, acts: int, rule: CreditRule) -> TimeBank:
    """Return a time bank in which people pay, correct, agree and leave, well and badly."""
    bank = TimeBank(rules(rule))
    pens = [bank.mei, bank.ana, bank.bo, bank.cy]
    paid: list[tuple[Pen, Record]] = []
    back: list[Record] = []
    for _ in range(acts):
        pen, other = numbers.choice(pens), numbers.choice(pens)
        seen = [numbers.choice(bank.records)]
        match numbers.randrange(8):
            case 0 | 1 | 2 | 3:
                n, scale = numbers.randrange(0, 900), numbers.choice((0, 1, 2, 2, 3))
                made = bank.pay(pen, other, n // 10 ** (2 - scale if scale < 2 else 0), scale)
                paid.append((pen, made))
            case 4 | 5 if paid:
                payer, record = numbers.choice(paid)
                n = numbers.randrange(-400, 200)
                back.append(bank.correct(payer, record, n, numbers.choice((1, 2))))
            case 6 if back:
                bank.agree(pen, numbers.choice(back), *seen)
            case 7 if numbers.random() < 0.1:
                pen.write("member.leave", {}, seen)
    return bank


RULES = st.builds(
    CreditRule,
    st.just(2),
    st.integers(-20, 0),
    st.integers(0, 20),
    st.just(0),
    st.just(0),
    st.integers(-30, -20),
)


@given(st.integers(0, 2**32), st.integers(5, 60), RULES)
@settings(max_examples=40)
def test_balances_sum_to_zero_in_any_story_and_order(
    number: int, acts: int, rule: CreditRule
) -> None:
    numbers = Random(number)
    bank = _story(numbers, acts, rule)
    ledger = bank.ledger(())
    told = [outcome(bank.ledger(), bank.records)]
    shuffled = [*bank.records]
    numbers.shuffle(shuffled)
    for record in shuffled:
        ledger.add([record])
    told.append(outcome(ledger, bank.records))
    assert told[0] == told[1]
    for place in range(0, len(bank.records), 7):
        state = bank.ledger(bank.records[:place]).state
        sums = [Fraction(row.n, 10**row.scale) for _, row in credit.balances(state, "hour")]
        assert sum(sums) == 0


@given(st.integers(0, 2**32), st.integers(5, 60), RULES)
@settings(max_examples=40)
def test_only_corrections_lead_beyond_the_limits(number: int, acts: int, rule: CreditRule) -> None:
    bank = _story(Random(number), acts, rule)
    honest = [
        record
        for record in bank.records
        if "corrects" not in record.data and record.kind != "attest"
    ]
    for member, row in credit.balances(bank.ledger(honest).state, "hour"):
        assert row.n >= credit.lowest(rule, row), member.hex()
        assert row.n <= rule.ceiling * 10**row.scale
        assert row.received >= max(0, row.n)
