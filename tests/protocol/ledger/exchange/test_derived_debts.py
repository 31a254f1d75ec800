"""What the fold derives from an event or a pledge: nobody ends it by a commitment of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.commitments import AGREED, ENDED, SAID, commitment_row
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.ventures.campaigns.campaign_row import COLLECTED
from commonweal.protocol.ledger.ventures.campaigns.collection import reward_id
from commonweal.protocol.records.record import Record
from tests.builders.data_story import ONE, DataStory, sharing
from tests.protocol.ledger.council import SAID as SAYS
from tests.protocol.ledger.council import Council
from tests.protocol.ledger.exchange.lending.test_handovers import fee, late, lent
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.trading import SUPPLIER, Trading
from tests.protocol.ledger.library import at
from tests.protocol.ledger.ventures.campaigns.test_collection import a_press, met
from tests.protocol.ledger.ventures.projects.test_second_reader import reads_alike
from tests.protocol.ledger.workshop import euros


def replaced(town: Council, by: str, id: bytes) -> Record:
    """Let a member write a commitment of a cent in the place of another one."""
    sides = {"provider": town.id(by), "receiver": town.community}
    said: dict[str, Any] = {"action": "transfer", "resourceQuantity": euros(1), "clause": True}
    return town.write(by, "commitment", sides | said | {"replaces": id})


def stands(town: Council, by: str, id: bytes) -> None:
    """Check that who wrote what a debt follows from does not end it."""
    row = commitment_row(town.history.state, id)
    assert row is not None and (row.member, row.status) == (town.id(by), AGREED)
    said = replaced(town, by, id)
    assert town.history.verdict(said.id) is Reason.ALREADY_AGREED
    assert commitment_row(town.history.state, id) == row


def test_neither_buyer_nor_seller_ends_a_commission() -> None:
    town = Promoting()
    town.refer("Bo", "Jun")
    stands(town, "Bo", town.sell("Bo", 1000).id)
    brought = town.refer("Ana", "Jun", buyer=SUPPLIER)
    town.attest(brought, "Mei")
    stands(town, "Ana", town.income(1000).id)
    town.seal_after(1)
    reads_alike(town)


def test_who_used_data_owes_for_it_whoever_owns_it() -> None:
    steward = {"steward": {"endorsements": 1, **SAYS}}
    speaks = {"exchange": {"speaks_for_community": "steward", **SAYS}, "roles": steward}
    story = DataStory(sharing() | speaks)
    story.write("Jun", "role.claim", {"role": "steward"})
    story.write("Mei", "role.endorse", {"role": "steward", "member": story.id("Jun")})
    ours = story.add("Jun", provider=bytes(story.community))
    story.attest(ours, "Ana")
    paid = {"perUse": {"n": 50, "scale": 2, "unit": "EUR"}}
    of_jun = story.grant("Jun", story.jun, "Bo", benefit=paid)
    of_all = story.grant("Jun", ours, "Bo", benefit=paid)
    stands(story, "Bo", story.use("Bo", of_jun).id)
    stands(story, "Bo", story.use("Bo", of_all, provider=bytes(story.community)).id)
    story.cut()
    reads_alike(story)


def test_who_pledged_owes_it_and_what_they_get_for_it_is_owed_to_them() -> None:
    press = met(a_press(), minimum=500, gives="reward", reward=ONE)
    stands(press, "Jun", press.pledged("Jun").record)
    press.pays("Jun", 600)
    press.end_collecting()
    assert press.stands == COLLECTED
    stands(press, "Ana", press.pledged("Ana").record)
    reward = commitment_row(press.history.final, reward_id(press.pledged("Jun").record))
    assert reward is not None and reward.status == AGREED
    press.cut()
    reads_alike(press)


@pytest.mark.parametrize("writer", ["lin", "jun"])
def test_nobody_who_writes_a_late_return_ends_its_fee(writer: str) -> None:
    made, booking, out = lent(**late())
    pen = getattr(made, writer)
    back = booking.hand_back(out, pen, at(1, 18, 1))
    made.seal(at(1, 18, 1))
    data: dict[str, Any] = {"action": "transfer", "provider": pen.owner.id}
    data["receiver"] = made.ana.owner.id
    coin = {"n": 1, "scale": 0, "unit": "coin"}
    data |= {"resourceQuantity": coin, "clause": True, "replaces": back.id}
    said = pen.write("commitment", data, [back, made.records[-1]])
    assert made.verdict(said) is Reason.ALREADY_AGREED
    owed = fee(made, back)
    assert owed is not None and owed.status == AGREED


@pytest.mark.parametrize(("to", "status"), [("all", AGREED), (SUPPLIER, SAID)])
def test_what_a_member_promised_by_themselves_they_may_promise_otherwise(
    to: str | bytes, status: str
) -> None:
    town = Trading()
    first = town.clause("Ana", 2, "Ana", to)
    assert town.commitment(first).status == status
    second = town.clause("Ana", 1, "Ana", to, replaces=first.id)
    assert (town.commitment(first).status, town.commitment(second).status) == (ENDED, status)
    asked = town.clause("Ana", 2, "Ana", "Bo")
    town.clause("Ana", 1, "Ana", "Bo", replaces=asked.id)
    assert town.commitment(asked).status == ENDED
    town.work("Mei", 1)
    town.cut()
    reads_alike(town)
