"""Payments that are asked for and promised, and debts between members that are set off."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from commonweal.client import Member
from commonweal.client.exchange.credit.net_settlement import NetSettlement
from commonweal.protocol.errors import UnknownId, WouldNotCount
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from tests.builders.commons import Commons
from tests.builders.credit_rules import CREDIT_RULES


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community whose members have balances in hours."""
    first = tmp_path_factory.mktemp("debts")
    made = Commons(first)
    made.adopt(CREDIT_RULES, first)
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def asks(home: Home, member: str, number: str, unit: str = "EUR") -> tuple[RecordId, RecordId]:
    with Member(home) as creditor:
        made = creditor.ask(member, number, unit, due="in 2 weeks", note="what for")
        return made.id, made.promise


def owes(lanxi: Commons, creditor: Home, debtor: Home, name: str, number: str) -> RecordId:
    """Let one ask the other, who agrees; return the promise."""
    deal, promise = asks(creditor, name, number)
    lanxi.meet()
    with Member(debtor) as member:
        member.accept_deal(deal.hex())
    lanxi.meet()
    return promise


def looks(home: Home) -> NetSettlement:
    with Member(home) as member:
        return member.set_off(dry_run=True)


def left(home: Home) -> dict[str, Decimal]:
    return looks(home).owed


@pytest.mark.parametrize("named", [0, 1])
def test_who_is_asked_pays_at_once_by_the_deal_or_its_promise(lanxi: Commons, named: int) -> None:
    ids = asks(lanxi.ana, "Bo", "2", "hours")
    lanxi.meet()
    assert left(lanxi.bo) == {}, "what is asked is no debt"
    with Member(lanxi.bo) as bo:
        made = bo.pay("Ana", 2, "hours", fulfills=ids[named].hex()[:12])
        assert made.balance is not None and made.balance.balance == -2
        assert [(deal.sort, deal.group) for deal in bo.deals(closed=True)] == [("payment", "done")]
    lanxi.meet()
    assert left(lanxi.ana) == {}


def test_a_promise_of_money_is_paid_in_parts(lanxi: Commons) -> None:
    promise = owes(lanxi, lanxi.ana, lanxi.bo, "Bo", "5")
    assert left(lanxi.bo) == {"EUR": Decimal(5)}
    with Member(lanxi.bo) as bo:
        made = bo.pay("Ana", 2, "EUR", fulfills=promise)
        assert (made.unit, made.balance) == ("EUR", None), "the rules have no balances in EUR"
    assert left(lanxi.bo) == {"EUR": Decimal(3)}


def test_only_who_is_asked_pays_for_it(lanxi: Commons) -> None:
    deal, promise = asks(lanxi.ana, "Bo", "2", "hours")
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        with pytest.raises(UnknownId):
            mei.pay("Ana", 2, "hours", fulfills=deal)
        with pytest.raises(WouldNotCount):
            mei.pay("Ana", 2, "hours", fulfills=promise)
    with Member(lanxi.ana) as ana, pytest.raises(WouldNotCount) as refused:
        ana.ask("Ana", 1, "hour")
    assert "themselves" in str(refused.value) or "same" in str(refused.value)


def in_a_ring(lanxi: Commons) -> list[RecordId]:
    """Let Mei owe Bo 10, Bo owe Ana 8, and Ana owe Mei 5."""
    return [
        owes(lanxi, lanxi.bo, lanxi.mei, "Mei", "10"),
        owes(lanxi, lanxi.ana, lanxi.bo, "Bo", "8"),
        owes(lanxi, lanxi.mei, lanxi.ana, "Ana", "5"),
    ]


def test_a_ring_of_debts_is_set_off_once_all_in_it_accept(lanxi: Commons) -> None:
    in_a_ring(lanxi)
    seen = looks(lanxi.mei)
    (cycle,) = seen.cycles
    assert {(part.debtor_name, part.creditor_name, part.owed) for part in cycle.debts} == {
        ("Mei", "Bo", Decimal(10)),
        ("Bo", "Ana", Decimal(8)),
        ("Ana", "Mei", Decimal(5)),
    }
    assert cycle.debts[0].debtor_name == "Mei", "one's own debt stands first"
    assert (cycle.amount, cycle.mine, cycle.proposed) == (Decimal(5), True, None)
    assert (seen.owed, seen.left) == ({"EUR": Decimal(23)}, {"EUR": Decimal(8)})
    assert seen.is_most and seen.written == ()
    with Member(lanxi.mei) as mei:
        (deal,) = mei.set_off().written
        assert mei.set_off().written == (), "it is proposed once"
    lanxi.meet()
    assert looks(lanxi.bo).cycles[0].proposed == deal
    with Member(lanxi.bo) as bo:
        bo.accept_deal(deal.hex())
    lanxi.meet()
    assert left(lanxi.ana) == {"EUR": Decimal(23)}
    with Member(lanxi.ana) as ana:
        ana.accept_deal(deal.hex())
    lanxi.meet()
    seen = looks(lanxi.mei)
    assert (seen.cycles, seen.owed) == ((), {"EUR": Decimal(8)})


def test_who_is_in_no_ring_sees_it_and_proposes_nothing(lanxi: Commons) -> None:
    owes(lanxi, lanxi.bo, lanxi.mei, "Mei", "3")
    owes(lanxi, lanxi.mei, lanxi.bo, "Bo", "2")
    with Member(lanxi.ana) as ana:
        seen = ana.set_off()
    assert [cycle.mine for cycle in seen.cycles] == [False]
    assert seen.written == ()


def test_debts_of_a_pair_are_set_off_the_oldest_first(lanxi: Commons) -> None:
    first = owes(lanxi, lanxi.bo, lanxi.mei, "Mei", "3")
    owes(lanxi, lanxi.bo, lanxi.mei, "Mei", "4")
    owes(lanxi, lanxi.mei, lanxi.bo, "Bo", "3")
    with Member(lanxi.mei) as mei:
        (deal,) = mei.set_off().written
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        bo.accept_deal(deal.hex())
        assert bo.set_off(dry_run=True).owed == {"EUR": Decimal(4)}
        with pytest.raises(WouldNotCount):
            bo.pay("Ana", 1, "EUR", fulfills=first)


def cited(home: Home, id: RecordId) -> set[bytes]:
    with home.store(readonly=True) as store:
        record = store.record(id)
        assert record is not None
        return {*record.deps}


def test_a_payment_stands_after_those_that_give_it_room(lanxi: Commons) -> None:
    with Member(lanxi.mei) as mei:
        for _ in range(5):
            mei.record("work", 1, "hour")  # so that Mei's records have later clocks
        came = mei.pay("Bo", 3, "hours")
        other = mei.pay("Ana", "0.5", "hours")
    lanxi.meet()
    with Member(lanxi.ana) as ana:
        room = ana.pay("Mei", "0.5", "hours")
    lanxi.meet()
    with Member(lanxi.bo) as bo:
        made = bo.pay("Ana", 3, "hours")
        more = bo.correct(made.id, "2.5", "hours")
    assert {came.id, room.id} <= cited(lanxi.bo, made.id)
    assert other.id not in cited(lanxi.bo, made.id)
    assert {came.id, room.id} <= cited(lanxi.bo, more.id)


def test_a_set_off_stands_after_what_put_the_debts_in_force(lanxi: Commons) -> None:
    promise = owes(lanxi, lanxi.bo, lanxi.mei, "Mei", "3")
    back = owes(lanxi, lanxi.mei, lanxi.bo, "Bo", "3")
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        signed = cited(lanxi.mei, mei.set_off().written[0])
    with lanxi.mei.store(readonly=True) as store:
        kinds = {record.kind for id in signed if (record := store.record(RecordId(id)))}
    assert "agreement.sign" in kinds
    assert promise in signed or back in signed
