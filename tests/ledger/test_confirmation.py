"""Who confirms what: nobody themselves; what is another's or everybody's needs another's yes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger import (
    attestation,
    claims,
    commons,
    consent,
    pools,
    settlement,
    standing,
)
from commonweal.protocol.ledger.distribution import worth_of
from commonweal.protocol.ledger.flow import event_row
from commonweal.protocol.ledger.fold import Ledger
from commonweal.protocol.ledger.reasons import Reason
from commonweal.protocol.ledger.rules_in_force import DEFAULT, Role, Rules
from commonweal.protocol.record import Record
from commonweal.protocol.rules.document import check, from_map
from tests.ledger.bakery import Bakery, amount, between, effort
from tests.ledger.ledgers import Treasury
from tests.ledger.scenes import quantity
from tests.ledger.village import Pen, outcome
from tests.rules.council import SAID, rules
from tests.rules.workshop import CUSTOMER, euros, hours, paying


def say(pen: Pen, event: Record, word: str = "yes", **more: Any) -> Record:
    """Let somebody say something of a record, after all that is written."""
    last = [one.log[-1] for one in _pens(pen)]
    return pen.write("attest", {"event": event.id, "say": word} | more, [event, *last])


def _pens(pen: Pen) -> list[Pen]:
    village = pen.village
    assert isinstance(village, Bakery)
    return [village.mei, village.jun, village.lin]


class TestAuthors:
    """Who wrote a record is never one of those who attest it."""

    def test_one_member_alone_makes_no_claim_no_income_and_no_points(self) -> None:
        shop = Treasury(paying(), "Jun", "Ana")
        second = Pen(shop, shop.founder, 1)
        second.enrol([shop.pens["Mei"].log[-1]], is_new=False)
        shop.learn()
        work = {"action": "work", "provider": shop.id("Jun"), "effortQuantity": hours(9)}
        points = shop.write("Mei", "event", work)
        came: dict[str, Any] = {
            "action": "transfer",
            "provider": CUSTOMER,
            "receiver": shop.community,
        }
        came |= {"resourceQuantity": euros(100_000_000), "newInventoriedResource": {}}
        income = shop.write("Mei", "event", came)
        for event in (points, income):
            for pen in (shop.pens["Mei"], second):
                deps = [event, shop.pens["Mei"].log[-1]]
                said = pen.write("attest", {"event": event.id, "say": "yes"}, deps)
                shop.learn()
                assert shop.history.verdict(said.id) == Reason.SELF_ATTESTED
        shop.cut()
        assert claims.claims(shop.history.final) == []
        assert pools.pools(shop.history.final) == {}
        assert worth_of(shop.history.final, points.id) is None
        assert commons.common_row(shop.history.final, income.id) is not None
        assert not commons.is_moved(shop.history.final, income.id)

    @pytest.mark.parametrize("first", ["attested", "claimed"])
    def test_an_agent_of_the_author_attests_nothing_whenever_it_was_claimed(
        self, first: str
    ) -> None:
        bakery = Bakery()
        alias = bytes(range(16))
        data = {"provider": alias} | amount(1, "commit")
        done = bakery.event(bakery.mei, "produce", data)

        def claimed() -> None:
            claim = bakery.jun.write("agent.claim", {"agent": alias}, [done, bakery.lin.log[-1]])
            say(bakery.lin, claim)

        if first == "claimed":
            claimed()
        said = say(bakery.jun, done)
        if first == "attested":
            claimed()
        assert bakery.verdict(said) == (None if first == "attested" else Reason.SELF_ATTESTED)
        state = bakery.ledger().state
        assert attestation.attesters(state, done.id) == (0, 0)
        assert not attestation.is_attested(state, done.id, DEFAULT)

    def test_who_attests_an_agents_work_and_claims_it_after_it_was_valued_has_nothing_of_it(
        self,
    ) -> None:
        shop = Treasury(paying(), "Jun", "Ana")
        alias = bytes(range(16))
        data = {"action": "work", "provider": alias, "effortQuantity": hours(1)}
        done = shop.write("Mei", "event", data)
        shop.attest(done, "Jun")
        shop.cut()
        assert worth_of(shop.history.final, done.id) is not None
        shop.attest(shop.write("Jun", "agent.claim", {"agent": alias}), "Ana")
        shop.earn(100, by="Ana")
        shop.cut()
        assert shop.paid() == {}
        shop.attest(done, "Ana")
        shop.earn(100, by="Ana")
        shop.cut()
        assert shop.paid() == {"Jun": 200}

    def test_rules_may_ask_for_more_who_attest_what_comes_in(self) -> None:
        document = paying()
        document["contributions"] = {"common_attestations": 2, **SAID}
        shop = Treasury(document, "Jun", "Ana")
        shop.work("Jun", 1, by="Ana")
        came = shop.earn(100, by="Jun")
        shop.cut()
        assert shop.paid() == {}
        shop.attest(came, "Ana")
        shop.cut()
        assert shop.paid() == {"Jun": 100}

    def test_rules_that_ask_for_nobodys_word_are_refused(self) -> None:
        for key in ("attestations", "common_attestations"):
            text = f'name = "X"\n[contributions]\n{key} = 0\nen = "-"\nzh = "-"\n'
            (problem,) = check(text)
            assert f"{key} is a whole number from 1" in problem.sentence

    def test_who_writes_that_they_were_paid_does_not_settle_it_alone(self) -> None:
        shop = owing()
        paid = shop.pay(3000, "Jun", shop.claim("Jun", 1), writer="Jun")
        own = shop.confirm(paid, "Jun")
        assert shop.history.verdict(own.id) == Reason.SELF_ATTESTED
        assert shop.claim("Jun", 1).settled == 0
        shop.confirm(paid, "Ana")
        assert shop.claim("Jun", 1).status == "settled"

    def test_who_writes_a_payment_to_another_does_not_confirm_it(self) -> None:
        shop = owing()
        paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
        assert shop.history.verdict(shop.confirm(paid, "Mei").id) == Reason.SELF_ATTESTED
        assert shop.claim("Jun", 1).settled == 0


def owing() -> Treasury:
    """Return a workshop that owes Jun 30.00 EUR and Ana 10.00, and has 40.00."""
    shop = Treasury(paying(), "Jun", "Ana")
    shop.work("Jun", 3, by="Ana")
    shop.work("Ana", 1, by="Mei")
    shop.came = shop.earn(4000)
    shop.cut()
    return shop


class TestConsent:
    """What takes from another member waits for that member's yes."""

    def test_a_gift_is_not_taken_back_without_who_was_given(self) -> None:
        bakery = Bakery()
        mine = bakery.make(bakery.jun, bakery.bread, 10)
        given = bakery.event(
            bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine
        )
        back = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-6), given)
        assert bakery.verdict(back) is None
        assert (bakery.balance(mine), bakery.balance(given)) == ((4, 4), (6, 6))
        for pen, verdict in ((bakery.jun, Reason.SELF_ATTESTED), (bakery.mei, None)):
            assert bakery.verdict(say(pen, back)) == verdict
            assert bakery.balance(given) == (6, 6), "neither the giver nor a third may take it"
        assert bakery.verdict(say(bakery.lin, back, "no")) is None
        assert bakery.balance(given) == (6, 6)
        assert bakery.verdict(say(bakery.lin, back)) is None
        assert (bakery.balance(mine), bakery.balance(given)) == ((10, 10), (0, 0))
        assert bakery.verdict(say(bakery.lin, back, "withdraw")) == Reason.HOLDS_ALREADY

    def test_who_gave_keeps_what_somebody_else_wrote_down_for_them(self) -> None:
        shop = Treasury(paying(), "Jun", "Ana")
        data = {"action": "work", "provider": shop.id("Jun"), "effortQuantity": hours(3)}
        done = shop.write("Mei", "event", data)
        shop.attest(done, "Ana")
        shop.cut()
        back = {"action": "work", "corrects": done.id, "effortQuantity": hours(-3)}
        for data in (back, back | {"effortQuantity": hours(0)}, back | {"event": done.id}):
            undone = shop.write("Mei", "event", data)
            assert shop.history.verdict(undone.id) is None
        shop.earn(100, by="Ana")
        shop.cut()
        assert shop.paid() == {"Jun": 100}
        # Jun agrees to the first: what is left of it, nothing, is attested anew.
        first = shop.write("Mei", "event", back)
        shop.attest(first, "Jun")
        shop.earn(100, by="Ana")
        shop.cut()
        assert shop.paid() == {"Jun": 100}
        row = event_row(shop.history.final, done.id)
        assert row is not None and row.effort == [0, 0, "hour"] and row.corrections == 1

    def test_a_confirmed_payment_is_not_undone_without_the_claimant(self) -> None:
        shop = owing()
        paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
        shop.confirm(paid, "Jun")
        for n in (-3000, 0):
            data = {"action": "transfer", "corrects": paid.id, "resourceQuantity": euros(n)}
            back = shop.write("Mei", "event", data)
            assert shop.history.verdict(back.id) is None
            assert shop.claim("Jun", 1).status == "settled"
        less = {"action": "transfer", "corrects": paid.id, "resourceQuantity": euros(-1000)}
        agreed = shop.write("Mei", "event", less)
        shop.attest(agreed, "Jun")
        assert shop.claim("Jun", 1).settled == 2000, "who agrees confirms what is left"

    def test_others_speak_for_who_is_no_member_any_more(self) -> None:
        bakery = Bakery()
        mine = bakery.make(bakery.jun, bakery.bread, 10)
        given = bakery.event(
            bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine
        )
        gone = bakery.lin.write("member.leave", {}, [given])
        back = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-6), gone)
        assert bakery.verdict(say(bakery.jun, back)) == Reason.SELF_ATTESTED
        assert bakery.balance(given) == (6, 6)
        assert bakery.verdict(say(bakery.mei, back)) is None
        assert bakery.balance(given) == (0, 0)

    def test_consent_to_what_is_no_more_there_is_refused(self) -> None:
        bakery = Bakery()
        mine = bakery.make(bakery.jun, bakery.bread, 10)
        given = bakery.event(
            bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine
        )
        back = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-6), given)
        eaten = {"resourceInventoriedAs": given.id} | amount(6)
        bakery.row(bakery.event(bakery.lin, "consume", eaten, back))
        assert bakery.verdict(say(bakery.lin, back)) == Reason.NOT_ENOUGH
        row = consent.correction_row(bakery.ledger().state, back.id)
        assert row is not None and not row.held

    def test_a_correction_is_agreed_to_as_the_event_then_stands(self) -> None:
        bakery = Bakery()
        data = {"provider": bakery.jun.owner.id} | effort(9)
        done = bakery.event(bakery.mei, "work", data)
        less = [
            bakery.event(bakery.mei, "work", {"corrects": done.id} | effort(-n), done)
            for n in (1, 2)
        ]
        assert bakery.verdict(say(bakery.jun, less[0])) is None
        assert bakery.verdict(say(bakery.jun, less[1])) == Reason.CORRECTED_SINCE
        assert bakery.verdict(say(bakery.jun, less[1], corrections=1)) is None
        assert bakery.row(done).effort == [6, 0, "hour"]

    def test_own_corrections_that_take_from_nobody_count_at_once(self) -> None:
        bakery = Bakery()
        done = bakery.event(bakery.jun, "work", effort(9))
        bakery.row(done)
        bakery.event(bakery.jun, "work", {"corrects": done.id} | effort(-8))
        assert bakery.row(done).effort == [1, 0, "hour"]

    def test_a_correction_that_waits_meets_the_conditions_of_the_rules(self) -> None:
        when = "event.effort >= 2000"
        document: dict[str, Any] = paying()
        document["admit"] = {"long": {"actions": ["work"], "when": when, **SAID}}
        shop = Treasury(document, "Jun", "Ana")
        data = {"action": "work", "provider": shop.id("Jun"), "effortQuantity": hours(3)}
        done = shop.write("Mei", "event", data)
        back: dict[str, Any] = {"action": "work", "corrects": done.id}
        back |= {"effortQuantity": hours(-2)}
        assert shop.history.verdict(shop.write("Mei", "event", back).id) == Reason.NOT_ADMITTED
        back |= {"effortQuantity": hours(-1)}
        assert shop.history.verdict(shop.write("Mei", "event", back).id) is None


KEPT = Rules(keeper="treasurer", roles={"treasurer": Role(endorsements=1)}, common_attestations=1)


class Purse(Bakery):
    """A bakery with 500 coins of the community's, and a treasurer, who is Mei."""

    def __init__(self, rules: Rules = DEFAULT) -> None:
        self.rules = rules
        super().__init__()
        data: dict[str, Any] = {"provider": bytes(16), "receiver": self.community}
        data |= {"newInventoriedResource": {}, "resourceConformsTo": self.coin.id}
        self.purse = self.event(self.mei, "transfer", data | amount(500, "coin"))
        say(self.jun, self.purse)
        if rules.keeper:
            self.mei.write("role.claim", {"role": rules.keeper}, [self.jun.log[-1]])
            chosen = {"role": rules.keeper, "member": self.mei.owner.id}
            self.jun.write("role.endorse", chosen, [self.mei.log[-1]])

    def ledger(self, *deliveries: Any) -> Ledger:
        ledger = Ledger(self.community, rules=self.rules)
        for records in deliveries or (self.records,):
            ledger.add(records)
        return ledger

    def take(self, pen: Pen, to: Pen, n: int = 100, action: str = "transfer") -> Record:
        """Write that somebody gets coins of the community's."""
        data = {"provider": self.community} | between(self.purse, None, to) | amount(n, "coin")
        return self.event(pen, action, data, self.purse, self.jun.log[-1], self.mei.log[-1])


class TestCommons:
    """What is the community's moves when others attest it, or by its keeper."""

    @pytest.mark.parametrize("action", ["transfer", "transferAllRights", "transferCustody"])
    def test_nobody_takes_from_the_community_alone(self, action: str) -> None:
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

    def test_who_gets_it_is_not_one_of_those_who_attest(self) -> None:
        bakery = Purse()
        taken = bakery.take(bakery.jun, bakery.lin)
        say(bakery.lin, taken)
        assert bakery.balance(bakery.purse) == (500, 500)
        say(bakery.mei, taken)
        assert (bakery.balance(bakery.purse), bakery.balance(taken)) == ((400, 400), (100, 100))

    def test_what_is_made_for_the_community_is_there_when_others_attest_it(self) -> None:
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
    def test_nobody_uses_up_what_is_the_communitys_alone(self, action: str) -> None:
        bakery = Purse()
        data = {"resourceInventoriedAs": bakery.purse.id} | amount(500, "coin")
        used = bakery.event(bakery.jun, action, data, bakery.jun.log[-1])
        assert bakery.verdict(used) is None
        assert bakery.balance(bakery.purse) == (500, 500)
        say(bakery.lin, used)
        assert bakery.balance(bakery.purse)[1] == 0

    def test_nothing_used_and_then_corrected_takes_nothing_either(self) -> None:
        bakery = Purse()
        data = {"resourceInventoriedAs": bakery.purse.id} | amount(0, "coin")
        used = bakery.event(bakery.jun, "consume", data, bakery.jun.log[-1])
        say(bakery.lin, used)
        more = {"corrects": used.id} | amount(500, "coin")
        assert bakery.verdict(bakery.event(bakery.jun, "consume", more, bakery.lin.log[-1])) is None
        assert bakery.balance(bakery.purse) == (500, 500)
        say(bakery.lin, used, corrections=1)
        assert bakery.balance(bakery.purse) == (0, 0)

    def test_what_the_community_holds_for_a_member_is_not_taken_by_another(self) -> None:
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

    def test_what_an_agent_has_whom_a_member_claimed_is_that_members(self) -> None:
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

    def test_the_keeper_moves_it_at_once_but_not_to_themselves(self) -> None:
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

    def test_the_books_follow_a_correction_once_it_is_attested(self) -> None:
        bakery = Purse()
        less = {"corrects": bakery.purse.id} | amount(-200, "coin")
        assert (
            bakery.verdict(bakery.event(bakery.mei, "transfer", less, bakery.jun.log[-1])) is None
        )
        assert bakery.balance(bakery.purse) == (500, 500)
        finer = {"corrects": bakery.purse.id} | amount(5, "coin", 1)
        assert bakery.verdict(bakery.event(bakery.mei, "transfer", finer)) is None
        say(bakery.jun, bakery.purse, corrections=2)
        assert bakery.balance(bakery.purse) == (3005, 3005)

    def test_nobody_takes_more_than_there_is(self) -> None:
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

    def test_a_payment_of_a_claim_moves_when_the_claimant_confirms_it(self) -> None:
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

    def test_a_keeper_whom_nobody_chose_is_refused(self) -> None:
        def problems(text: str) -> list[str]:
            head = 'name = "X"\n[contributions]\nkeeper = "chest"\nen = "-"\nzh = "-"\n'
            return [one.sentence for one in check(head + text)]

        assert problems("") == ["there is no role 'chest'"]
        role = '[roles.chest]\nen = "-"\nzh = "-"\n'
        assert problems(role) == ["anybody may take the role 'chest', and move what is the"
                                  " community's"]  # fmt: skip
        assert problems(role + "endorsements = 1\n") == []


class Life:
    """What three bakers might do with each other's and the community's things, from a seed."""

    def __init__(self, number: int, acts: int) -> None:
        self.rng, self.bakery = Random(number), Purse(KEPT)
        self.events: list[Record] = [self.bakery.purse]
        self.corrections: list[Record] = []
        for pen in self.pens:
            self.events.append(self.bakery.make(pen, self.bakery.coin, 50))
        for _ in range(acts):
            self.act()

    @property
    def pens(self) -> list[Pen]:
        """Return the logs of the three."""
        return [self.bakery.mei, self.bakery.jun, self.bakery.lin]

    def act(self) -> None:
        """Let one of them do something, knowing some of what the others did."""
        rng, bakery = self.rng, self.bakery
        pen = rng.choice(self.pens)
        known = [one.log[-1] for one in self.pens if rng.random() < 0.7]
        event = rng.choice(self.events)
        known = [*known, event]
        match rng.randrange(5):
            case 0:
                sides: dict[str, Any] = between(event, None, rng.choice(self.pens))
                giver = rng.choice([bakery.community, *(one.owner.id for one in self.pens)])
                data = {"provider": giver} | sides | amount(rng.randint(0, 60), "coin")
                self.events.append(bakery.event(pen, "transfer", data, *known))
            case 1:
                data = {"provider": rng.choice(self.pens).owner.id} | effort(rng.randint(1, 9))
                self.events.append(bakery.event(pen, "work", data, *known))
            case 2:
                pen = next(one for one in self.pens if one.key == event.author)
                key = "effortQuantity" if "effortQuantity" in event.data else "resourceQuantity"
                more = quantity(rng.randint(-30, 30), event.data[key]["unit"])
                data = {"corrects": event.id, key: more}
                written = bakery.event(pen, event.data["action"], data, *known)
                self.corrections.append(written)
            case 3 if self.corrections:
                said = rng.choice(self.corrections)
                for one in self.pens:
                    one.write("attest", {"event": said.id, "say": "yes"}, [said])
            case _:
                said = rng.choice([*self.events, *self.corrections])
                data = {"event": said.id, "say": rng.choice(("yes", "yes", "no", "withdraw"))}
                data["corrections"] = rng.choice((0, 0, 0, 1, 2))
                pen.write("attest", data, [*known, said])


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_in_any_order_one_state_and_nothing_below_nothing(number: int, acts: int) -> None:
    life = Life(number, acts)
    records = list(life.bakery.records)
    expected = outcome(life.bakery.ledger(), records)
    for _ in range(2):
        shuffled = list(records)
        life.rng.shuffle(shuffled)
        at = life.rng.randint(0, len(shuffled))
        ledger = life.bakery.ledger(shuffled[:at])
        ledger.settle()
        ledger.add(shuffled[at:])
        assert outcome(ledger, records) == expected
    for _, value in life.bakery.ledger().state.items(b"B"):
        assert value[3] >= 0 and value[4] >= 0


def test_the_lives_have_corrections_that_wait_and_some_that_hold() -> None:
    waited = held = moved = 0
    for number in range(150):
        state = Life(number, 40).bakery.ledger().state
        found = [consent.CorrectionRow(*value) for _, value in state.items(consent.WAITING)]
        waited += len(found)
        held += sum(one.held for one in found)
        common = [commons.CommonRow(*value) for _, value in state.items(commons.COMMON)]
        moved += sum(one.said is None for one in common)
    assert waited > 100 and held > 5 and moved > 160, (waited, held, moved)


@pytest.mark.parametrize("seed", range(4))
def test_cuts_anywhere_and_any_order_give_one_final_state(seed: int) -> None:
    rng = Random(seed)
    shop = Treasury(paying(), "Jun", "Ana")
    data = {"action": "work", "provider": shop.id("Jun"), "effortQuantity": hours(5)}
    done = shop.write("Mei", "event", data)
    shop.attest(done, "Ana")
    came = shop.earn(1000)
    back = {"action": "work", "corrects": done.id, "effortQuantity": hours(-2)}
    for number in range(4):
        match number:
            case 0:
                shop.write("Mei", "event", back)
            case 1:
                shop.correct_income(came, -100)
            case 2:
                shop.attest(shop.write("Mei", "event", back), "Jun")
            case 3:
                shop.earn(50)
        if number == 3 or rng.random() < 0.6:
            shop.cut()
    other = shop.again(seed)
    assert other.final.to_bytes() == shop.history.final.to_bytes()
    assert other.state.to_bytes() == shop.history.state.to_bytes()


def test_the_rules_say_which_role_keeps_the_commons() -> None:
    document = rules(
        contributions={"keeper": "treasurer", "common_attestations": 3, **SAID},
        roles={"treasurer": {"endorsements": 2, **SAID}},
    )
    asked = standing.rules_of(from_map(document))
    assert (asked.keeper, asked.common_attestations) == ("treasurer", 3)
