"""Who confirms what: nobody themselves; what is another's or everybody's needs another's yes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.contributions import attestation, commons, consent
from commonweal.protocol.ledger.sharing.valuation import value_of
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.rules.document import check
from commonweal.protocol.vocabulary.rule_params import DEFAULT_PARAMS
from tests.protocol.ledger.bakery import Bakery, amount, between, effort
from tests.protocol.ledger.council import SAID
from tests.protocol.ledger.purse import KEPT, Purse, owing, say
from tests.protocol.ledger.scenes import quantity
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.village import Pen, outcome
from tests.protocol.ledger.workshop import CUSTOMER, euros, hours, paying


def test_one_member_alone_makes_no_claim_no_income_and_no_points() -> None:
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
    assert value_of(shop.history.final, points.id) is None
    assert commons.common_row(shop.history.final, income.id) is not None
    assert not commons.is_moved(shop.history.final, income.id)


@pytest.mark.parametrize("first", ["attested", "claimed"])
def test_an_agent_of_the_author_attests_nothing_whenever_it_was_claimed(first: str) -> None:
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
    assert not attestation.is_attested(state, done.id, DEFAULT_PARAMS)


def test_who_attests_an_agents_work_and_claims_it_after_it_was_valued_has_nothing_of_it() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    alias = bytes(range(16))
    data = {"action": "work", "provider": alias, "effortQuantity": hours(1)}
    done = shop.write("Mei", "event", data)
    shop.attest(done, "Jun")
    shop.cut()
    assert value_of(shop.history.final, done.id) is not None
    shop.attest(shop.write("Jun", "agent.claim", {"agent": alias}), "Ana")
    shop.earn(100, by="Ana")
    shop.cut()
    assert shop.paid() == {}
    shop.attest(done, "Ana")
    shop.earn(100, by="Ana")
    shop.cut()
    assert shop.paid() == {"Jun": 200}


def test_rules_may_ask_for_more_who_attest_what_comes_in() -> None:
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


def test_rules_that_ask_for_nobodys_word_are_refused() -> None:
    for key in ("attestations", "common_attestations"):
        text = f'name = "X"\n[contributions]\n{key} = 0\nen = "-"\nzh = "-"\n'
        (problem,) = check(text)
        assert f"{key} is a whole number from 1" in problem.sentence


def test_who_writes_that_they_were_paid_does_not_settle_it_alone() -> None:
    shop = owing()
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1), writer="Jun")
    own = shop.confirm(paid, "Jun")
    assert shop.history.verdict(own.id) == Reason.SELF_ATTESTED
    assert shop.claim("Jun", 1).settled == 0
    shop.confirm(paid, "Ana")
    assert shop.claim("Jun", 1).status == "settled"


def test_who_writes_a_payment_to_another_does_not_confirm_it() -> None:
    shop = owing()
    paid = shop.pay(3000, "Jun", shop.claim("Jun", 1))
    assert shop.history.verdict(shop.confirm(paid, "Mei").id) == Reason.SELF_ATTESTED
    assert shop.claim("Jun", 1).settled == 0


def test_a_gift_is_not_taken_back_without_who_was_given() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    given = bakery.event(bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine)
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


def test_who_gave_keeps_what_somebody_else_wrote_down_for_them() -> None:
    shop = Treasury(paying(), "Jun", "Ana")
    data = {"action": "work", "provider": shop.id("Jun"), "effortQuantity": hours(3)}
    done = shop.write("Mei", "event", data)
    shop.attest(done, "Ana")
    shop.cut()
    worth = value_of(shop.history.final, done.id)
    back = {"action": "work", "corrects": done.id, "effortQuantity": hours(-3)}
    for data in (back, back | {"effortQuantity": hours(0)}, back | {"event": done.id}):
        undone = shop.write("Mei", "event", data)
        assert shop.history.verdict(undone.id) is None
    shop.earn(100, by="Ana")
    shop.cut()
    assert shop.paid() == {"Jun": 100}
    assert value_of(shop.history.final, done.id) == worth, "nothing was valued anew"
    # Jun agrees to the first: what is left of it, nothing, is attested anew.
    first = shop.write("Mei", "event", back)
    shop.attest(first, "Jun")
    shop.earn(100, by="Ana")
    shop.cut()
    assert shop.paid() == {"Jun": 100}
    row = event_row(shop.history.final, done.id)
    assert row is not None and row.effort == [0, 0, "hour"] and row.corrections == 1


def test_a_confirmed_payment_is_not_undone_without_the_claimant() -> None:
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


def test_others_speak_for_who_is_no_member_any_more() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    given = bakery.event(bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine)
    gone = bakery.lin.write("member.leave", {}, [given])
    back = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-6), gone)
    assert bakery.verdict(say(bakery.jun, back)) == Reason.SELF_ATTESTED
    assert bakery.balance(given) == (6, 6)
    assert bakery.verdict(say(bakery.mei, back)) is None
    assert bakery.balance(given) == (0, 0)


def test_consent_to_what_is_no_more_there_is_refused() -> None:
    bakery = Bakery()
    mine = bakery.make(bakery.jun, bakery.bread, 10)
    given = bakery.event(bakery.jun, "transfer", between(mine, None, bakery.lin) | amount(6), mine)
    back = bakery.event(bakery.jun, "transfer", {"corrects": given.id} | amount(-6), given)
    eaten = {"resourceInventoriedAs": given.id} | amount(6)
    bakery.row(bakery.event(bakery.lin, "consume", eaten, back))
    assert bakery.verdict(say(bakery.lin, back)) == Reason.NOT_ENOUGH
    row = consent.correction_row(bakery.ledger().state, back.id)
    assert row is not None and not row.held


def test_a_correction_is_agreed_to_as_the_event_then_stands() -> None:
    bakery = Bakery()
    data = {"provider": bakery.jun.owner.id} | effort(9)
    done = bakery.event(bakery.mei, "work", data)
    less = [
        bakery.event(bakery.mei, "work", {"corrects": done.id} | effort(-n), done) for n in (1, 2)
    ]
    assert bakery.verdict(say(bakery.jun, less[0])) is None
    assert bakery.verdict(say(bakery.jun, less[1])) == Reason.CORRECTED_SINCE
    assert bakery.verdict(say(bakery.jun, less[1], corrections=1)) is None
    assert bakery.row(done).effort == [6, 0, "hour"]


def test_own_corrections_that_take_from_nobody_count_at_once() -> None:
    bakery = Bakery()
    done = bakery.event(bakery.jun, "work", effort(9))
    bakery.row(done)
    bakery.event(bakery.jun, "work", {"corrects": done.id} | effort(-8))
    assert bakery.row(done).effort == [1, 0, "hour"]


def test_a_correction_that_waits_meets_the_conditions_of_the_rules() -> None:
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
        ledger.fold()
        ledger.add(shuffled[at:])
        assert outcome(ledger, records) == expected
    for _, value in life.bakery.ledger().state.items(b"B"):
        assert value[3] >= 0 and value[4] >= 0


def test_the_lives_have_corrections_that_wait_and_some_that_hold() -> None:
    waited = held = moved = 0
    for number in range(150):
        state = Life(number, 40).bakery.ledger().state
        found = [consent.CorrectionRow(*value) for _, value in state.items(consent.CORRECTION)]
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
