"""Promotions: who may promote which offer, for how much, for how long, and by which code."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.promotion.promotions import (
    WINDOW_HOURS_MAX,
    promotion_of_code,
    promotion_row,
)
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.vocabulary.rule_params import RATE_WHOLE
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import Trading


def test_the_seller_of_an_offer_promotes_it() -> None:
    town = Promoting()
    assert town.verdict(town.promotion) is None
    row = promotion_row(town.history.state, town.promotion.id)
    assert row is not None
    assert (row.code, row.rate, row.window_ms, row.ended) == ("honey", 500, 72 * HOUR, None)


def test_nobody_promotes_where_the_rules_do_not_say_how() -> None:
    town = Trading()
    honey, price = town.offers("Ana", 1), town.needs("Ana", 1)
    data = {"purpose": "offer", "publishes": [honey.id], "reciprocal": [price.id]}
    offer = town.write("Ana", "proposal.offer", data)
    promoted = {"offer": offer.id, "code": "honey", "rate": 500, "windowHours": 72}
    assert town.verdict(town.write("Ana", "promotion", promoted)) is Reason.NO_PROMOTION


REFUSED: list[tuple[str, dict[str, Any], Reason]] = [
    ("another's offer", {"by": "Bo"}, Reason.NOT_YOURS),
    ("an unknown offer", {"offer": bytes(32)}, Reason.UNKNOWN_PLAN),
    ("no offer", {"offer": b"x"}, Reason.SHAPE),
    ("a rate of nothing", {"rate": 0}, Reason.SHAPE),
    ("more than the whole", {"rate": RATE_WHOLE + 1}, Reason.SHAPE),
    ("a rate in words", {"rate": "5%"}, Reason.SHAPE),
    ("more than the rules allow", {"rate": 2001}, Reason.RATE_TOO_HIGH),
    ("no time", {"windowHours": 0}, Reason.SHAPE),
    ("more time than can be counted", {"windowHours": WINDOW_HOURS_MAX + 1}, Reason.SHAPE),
    ("more time than the rules allow", {"windowHours": 721}, Reason.WINDOW_TOO_LONG),
    ("a code of two words", {"code": "my honey"}, Reason.SHAPE),
    ("a code with what parts it from a member", {"code": "my/honey"}, Reason.SHAPE),
    ("a code that is too long", {"code": "h" * 33}, Reason.SHAPE),
    ("an unknown role", {"who": "king"}, Reason.UNKNOWN_ROLE),
    ("no role", {"who": 7}, Reason.SHAPE),
]


@pytest.mark.parametrize(("case", "over", "reason"), REFUSED, ids=[case for case, *_ in REFUSED])
def test_a_promotion_that_cannot_be_counts_for_nothing(
    case: str, over: dict[str, Any], reason: Reason
) -> None:
    town = Promoting()
    over = {"code": "nectar"} | over
    by = over.pop("by", "Ana")
    assert town.verdict(town.promote(by, town.sale, **over)) is reason


@pytest.mark.parametrize("over", [{"rate": 2000}, {"windowHours": 720}, {"code": "h" * 32}])
def test_what_the_rules_just_allow_counts(over: dict[str, Any]) -> None:
    town = Promoting()
    assert town.verdict(town.promote("Ana", town.sale, **{"code": "nectar"} | over)) is None


def test_a_need_is_not_promoted() -> None:
    town = Promoting()
    wish = town.needs("Ana", 1)
    asked = town.write("Ana", "proposal.offer", {"purpose": "request", "publishes": [wish.id]})
    assert town.verdict(asked) is None
    assert town.verdict(town.promote("Ana", asked, "wish")) is Reason.NOTHING_SOLD


def test_a_withdrawn_offer_is_not_promoted() -> None:
    town = Promoting()
    town.write("Ana", "proposal.withdraw", {"offer": town.sale.id})
    assert town.verdict(town.promote("Ana", town.sale, "again")) is Reason.NOT_OPEN


@pytest.mark.parametrize("code", ["honey", "Honey", "h\u043eney", "h\u00f3ney"])
def test_a_code_that_looks_like_a_taken_one_is_refused(code: str) -> None:
    """Code squatting: a code that a reader cannot tell from another's would take its buyers."""
    town = Promoting()
    other = town.publish("Bo", town.offers("Bo", 1), town.needs("Bo", 1))
    assert town.verdict(other) is None
    assert town.verdict(town.promote("Bo", other, code)) is Reason.NAME_TAKEN


def test_a_code_stays_with_the_member_who_had_it_first() -> None:
    town = Promoting()
    other = town.publish("Bo", town.offers("Bo", 1), town.needs("Bo", 1))
    ended = town.write("Ana", "promotion.end", {"promotion": town.promotion.id})
    assert town.verdict(ended) is None
    assert town.verdict(town.promote("Bo", other)) is Reason.NAME_TAKEN
    again = town.promote("Ana", town.sale, rate=1000)
    assert town.verdict(again) is None
    assert promotion_of_code(town.history.state, "HONEY") == again.id


def test_two_who_take_a_code_apart_are_told_by_the_order_of_the_seal() -> None:
    """Each half took the code in good faith; the later one in seal order is void."""
    town = Promoting()
    other = town.publish("Bo", town.offers("Bo", 1), town.needs("Bo", 1))
    deps = [town.records[-1]]
    codes = []
    for name, offer in (("Ana", town.sale), ("Bo", other)):
        data = {"offer": offer.id, "code": "nectar", "rate": 100, "windowHours": 1}
        codes.append(town.pens[name].write("promotion", data, deps))
    town.cut()
    verdicts = [town.verdict(record) for record in codes]
    assert sorted(verdicts, key=str) == [Reason.NAME_TAKEN, None] or verdicts == [
        None,
        Reason.NAME_TAKEN,
    ]


def test_a_promotion_ends_once_and_by_its_seller() -> None:
    town = Promoting()
    named = {"promotion": town.promotion.id}
    assert town.verdict(town.write("Bo", "promotion.end", named)) is Reason.NOT_YOURS
    assert town.verdict(town.write("Ana", "promotion.end", named)) is None
    assert town.verdict(town.write("Ana", "promotion.end", named)) is Reason.NOT_OPEN
    unknown = town.write("Ana", "promotion.end", {"promotion": bytes(32)})
    assert town.verdict(unknown) is Reason.UNKNOWN_PROMOTION
    assert town.verdict(town.write("Ana", "promotion.end", {})) is Reason.SHAPE


def test_who_speaks_for_the_community_promotes_its_offers() -> None:
    roles = {"promoter": {"endorsements": 1, **SAID}, "steward": {"endorsements": 1, **SAID}}
    said = {"exchange": {"speaks_for_community": "steward", **SAID}, "roles": roles}
    town = Promoting(sections=said)
    town.holds("Bo", "steward")
    ours = town.write("Bo", "intent", town.flow(5, "all", None))
    offer = town.write("Bo", "proposal.offer", {"purpose": "offer", "publishes": [ours.id]})
    assert town.verdict(town.promote("Ana", offer, "ours")) is Reason.NOT_YOURS
    assert town.verdict(town.promote("Bo", offer, "ours")) is None
