"""What no member owns moves when others attest it, or by who keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.claims import settlement
from commonweal.protocol.ledger.contributions import commons
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.rules.document import check, from_map
from tests.protocol.ledger.bakery import Bakery, amount, between
from tests.protocol.ledger.council import SAID, rules
from tests.protocol.ledger.purse import KEPT, Purse, owing, say


@pytest.mark.parametrize("action", ["transfer", "transferAllRights", "transferCustody"])
def test_nobody_takes_from_the_community_alone(action: str) -> None:
    bakery = Purse()
    taken = bakery.take(bakery.jun, bakery.jun, action=action)
    assert bakery.verdict(taken) is None
    assert bakery.balance(bakery.purse) == (500, 500)
    assert bakery.balance(taken) == (0, 0)
    assert bakery.verdict(say(bakery.jun, taken)) == Reason.SELF_ATTESTED
    spent = between(taken, None, bakery.lin) | amount(1, "coin")
    assert bakery.verdict(bakery.event(bakery.jun, action, spent)) == Reason.NOT_ENOUGH
    assert bakery.verdict(say(bakery.lin, taken)) is None
    assert bakery.balance(bakery.purse) != (500, 500)
    assert bakery.balance(taken) != (0, 0)


def test_who_gets_it_is_not_one_of_those_who_attest() -> None:
    bakery = Purse()
    taken = bakery.take(bakery.jun, bakery.lin)
    say(bakery.lin, taken)
    assert bakery.balance(bakery.purse) == (500, 500)
    say(bakery.mei, taken)
    assert (bakery.balance(bakery.purse), bakery.balance(taken)) == ((400, 400), (100, 100))


def test_what_is_made_for_the_community_is_there_when_others_attest_it() -> None:
    for action in ("raise", "produce"):
        bakery = Bakery()
        data = {"receiver": bakery.community, "newInventoriedResource": {}}
        data |= {"resourceConformsTo": bakery.bread.id}
        made = bakery.event(bakery.jun, action, data | amount(1000))
        assert bakery.balance(made) == (0, 0)
        more = {"resourceInventoriedAs": made.id, "receiver": bakery.community}
        again = bakery.event(bakery.jun, action, more | amount(5), made)
        say(bakery.lin, again)
        assert bakery.balance(made) == (5, 5)
        say(bakery.lin, made)
        assert bakery.balance(made) == (1005, 1005)


@pytest.mark.parametrize("action", ["consume", "lower", "accept", "pickup"])
def test_nobody_uses_up_what_is_the_communitys_alone(action: str) -> None:
    bakery = Purse()
    data = {"resourceInventoriedAs": bakery.purse.id} | amount(500, "coin")
    used = bakery.event(bakery.jun, action, data, bakery.jun.log[-1])
    assert bakery.verdict(used) is None
    assert bakery.balance(bakery.purse) == (500, 500)
    say(bakery.lin, used)
    assert bakery.balance(bakery.purse)[1] == 0


def test_nothing_used_and_then_corrected_takes_nothing_either() -> None:
    bakery = Purse()
    data = {"resourceInventoriedAs": bakery.purse.id} | amount(0, "coin")
    used = bakery.event(bakery.jun, "consume", data, bakery.jun.log[-1])
    say(bakery.lin, used)
    more = {"corrects": used.id} | amount(500, "coin")
    assert bakery.verdict(bakery.event(bakery.jun, "consume", more, bakery.lin.log[-1])) is None
    assert bakery.balance(bakery.purse) == (500, 500)
    say(bakery.lin, used, corrections=1)
    assert bakery.balance(bakery.purse) == (0, 0)


def test_what_the_community_holds_for_a_member_is_not_taken_by_another() -> None:
    bakery = Bakery()
    book = bakery.make(bakery.jun, bakery.book, 1)
    lent = {"resourceInventoriedAs": book.id, "receiver": bakery.community}
    lent |= {"newInventoriedResource": {}} | amount(1, "one")
    shelf = bakery.event(bakery.jun, "transferCustody", lent, book)
    say(bakery.mei, shelf)
    assert bakery.balance(shelf) == (0, 1)
    data = {"provider": bakery.community} | between(shelf, None, bakery.lin)
    bakery.row(
        bakery.event(
            bakery.lin, "transferCustody", data | amount(1, "one"), shelf, bakery.mei.log[-1]
        )
    )
    assert bakery.balance(shelf) == (0, 1)


def test_what_an_agent_has_whom_a_member_claimed_is_that_members() -> None:
    bakery = Bakery()
    alias = bytes(range(16))
    data: dict[str, Any] = {"receiver": alias, "newInventoriedResource": {}}
    data |= {"resourceConformsTo": bakery.bread.id} | amount(9)
    bread = bakery.event(bakery.mei, "raise", data)
    claim = bakery.jun.write("agent.claim", {"agent": alias}, [bread])
    say(bakery.lin, claim)
    gone = {"provider": alias} | between(bread, None, bakery.lin) | amount(9)
    taken = bakery.event(bakery.lin, "transfer", gone, bread, bakery.jun.log[-1])
    assert bakery.verdict(taken) == Reason.NOT_YOURS


def test_the_keeper_moves_it_at_once_but_not_to_themselves() -> None:
    bakery = Purse(KEPT)
    given = bakery.take(bakery.mei, bakery.lin)
    assert (bakery.balance(bakery.purse), bakery.balance(given)) == ((400, 400), (100, 100))
    own = bakery.take(bakery.mei, bakery.mei)
    assert (bakery.balance(bakery.purse), bakery.balance(own)) == ((400, 400), (0, 0))
    juns = bakery.take(bakery.jun, bakery.lin)
    assert (bakery.balance(bakery.purse), bakery.balance(juns)) == ((400, 400), (0, 0))
    bakery.mei.write("role.resign", {"role": "treasurer"}, [juns])
    late = bakery.take(bakery.mei, bakery.lin)
    assert (bakery.balance(bakery.purse), bakery.balance(late)) == ((400, 400), (0, 0))


def test_the_books_follow_a_correction_once_it_is_attested() -> None:
    bakery = Purse()
    less = {"corrects": bakery.purse.id} | amount(-200, "coin")
    assert bakery.verdict(bakery.event(bakery.mei, "transfer", less, bakery.jun.log[-1])) is None
    assert bakery.balance(bakery.purse) == (500, 500)
    finer = {"corrects": bakery.purse.id} | amount(5, "coin", 1)
    assert bakery.verdict(bakery.event(bakery.mei, "transfer", finer)) is None
    say(bakery.jun, bakery.purse, corrections=2)
    assert bakery.balance(bakery.purse) == (3005, 3005)


def test_nobody_takes_more_than_there_is() -> None:
    bakery = Purse()
    assert bakery.verdict(bakery.take(bakery.jun, bakery.lin, 501)) == Reason.NOT_ENOUGH
    first, second = (bakery.take(bakery.jun, bakery.lin, 300) for _ in range(2))
    assert bakery.verdict(first) is bakery.verdict(second) is None
    assert bakery.verdict(say(bakery.mei, first)) is None
    assert bakery.verdict(say(bakery.mei, second)) == Reason.NOT_ENOUGH
    assert bakery.balance(bakery.purse) == (200, 200)
    less = {"corrects": bakery.purse.id} | amount(-201, "coin")
    gone = bakery.event(bakery.mei, "transfer", less, bakery.mei.log[-1])
    assert bakery.verdict(gone) == Reason.NOT_ENOUGH


def test_a_payment_of_a_claim_moves_when_the_claimant_confirms_it() -> None:
    shop = owing()
    chest: dict[str, Any] = {
        "resourceInventoriedAs": shop.came.id,
        "newInventoriedResource": {},
    }
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1), **chest)
    assert not commons.is_moved(shop.history.state, paid.id)
    shop.confirm(paid, "Jun")
    assert commons.is_moved(shop.history.state, paid.id)
    (found,) = settlement.payments(shop.history.state, shop.claim("Jun", 1).id)
    assert found == (paid.id, 3000, "confirmed")


def test_a_keeper_whom_nobody_chose_is_refused() -> None:
    def problems(text: str) -> list[str]:
        head = 'name = "X"\n[contributions]\nkeeper = "chest"\nen = "-"\nzh = "-"\n'
        return [one.sentence for one in check(head + text)]

    assert problems("") == ["there is no role 'chest'"]
    role = '[roles.chest]\nen = "-"\nzh = "-"\n'
    assert problems(role) == ["anybody may take the role 'chest', and move what is the"
                              " community's"]  # fmt: skip
    assert problems(role + "endorsements = 1\n") == []


def test_the_rules_say_which_role_keeps_the_commons() -> None:
    document = rules(
        contributions={"keeper": "treasurer", "common_attestations": 3, **SAID},
        roles={"treasurer": {"endorsements": 2, **SAID}},
    )
    asked = active_ruleset.rules_of(from_map(document))
    assert (asked.keeper, asked.common_attestations) == ("treasurer", 3)
