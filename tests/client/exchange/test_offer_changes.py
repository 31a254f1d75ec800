"""Offers and needs that stand: renewed, paused and withdrawn, by whoever may."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from commonweal.client.home.submit import now_ms
from commonweal.client.language.days import read_until_ms
from commonweal.node.service.events import Wish
from commonweal.protocol.codec import Value
from commonweal.protocol.errors import OfferStands, UnfitDay, UnknownId, WouldNotCount
from commonweal.protocol.ledger.exchange.open_records import open_count
from commonweal.protocol.records.record import RecordId
from tests.builders import homes
from tests.builders.commons import RULES, Commons
from tests.client.exchange.deals import at, intent, take

SPEAKING = (
    RULES
    + """
[exchange]
speaks_for_community = "producer"
en = "Producers speak for us."
zh = "生产者代表我们。"
"""
)


def test_an_offer_is_renewed_as_it_is_with_a_later_end(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer(
            "repair",
            2,
            "hours",
            until="in 2 weeks",
            price=["10 EUR"],
            tags=["bike"],
            note="bring it",
            place="yard",
            to=["Ana"],
        )
        with pytest.raises(UnfitDay):
            bo.renew_offer(made.id, until="in 1 week")
        renewed = bo.renew_offer(made.id, until="in 4 weeks")
        assert renewed.end_ms == read_until_ms("in 4 weeks", now_ms())
        old, new = bo.offer_of(made.id), bo.offer_of(renewed.id)
        assert (old.state, new.state) == ("replaced", "open")
        assert (new.title, new.note, new.tags, new.place) == (
            "repair",
            "bring it",
            ("bike",),
            "yard",
        )
        assert (new.price, new.to, new.end_ms) == (old.price, old.to, renewed.end_ms)
        with pytest.raises(OfferStands):
            bo.renew_offer(made.id)
        assert [offer.id for offer in bo.market(mine=True).offers] == [renewed.id]


def test_a_need_is_renewed_without_a_day_for_a_month(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.need("plumber", 2, "hours", due="in 3 days")
        renewed = bo.renew_offer(made.id)
        offer = bo.offer_of(renewed.id)
    assert renewed.end_ms == read_until_ms("in 1 month", now_ms())
    assert offer.due_ms == offer.end_ms == renewed.end_ms


def test_what_is_left_is_renewed_where_some_is_taken(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer("repair", 5, "hours", until="in 2 weeks", minimum="4")
    take(lanxi, made.intents[0], 4)
    with at(lanxi.bo) as bo:
        before = bo.offer_of(made.id)
        assert (before.state, before.parts[0].left) == ("partly", Decimal(1))
        renewed = bo.renew_offer(made.id, until="in 4 weeks")
        part = bo.offer_of(renewed.id).parts[0]
        assert (part.left, part.quantity, part.minimum) == (Decimal(1), Decimal(1), Decimal(1))
        assert intent(bo, made.intents[0]).status == "withdrawn"
    take(lanxi, part.intent, 1)
    with at(lanxi.bo) as bo:
        assert bo.offer_of(renewed.id).state == "met"
        with pytest.raises(OfferStands):
            bo.renew_offer(renewed.id)


def test_an_offer_is_paused_and_opened_again(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer("repair", 5, "hours")
        bo.pause_offer(made.id)
        assert bo.offer_of(made.id).state == "paused"
        assert bo.market().offers == ()
        with pytest.raises(OfferStands):
            bo.pause_offer(made.id)
        bo.pause_offer(made.id, paused=False)
        assert bo.offer_of(made.id).state == "open"
        with pytest.raises(OfferStands):
            bo.pause_offer(made.id, paused=False)


def test_an_offer_is_withdrawn_for_good(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer("repair", 5, "hours", price=["10 EUR"])
        bo.withdraw_offer(made.id)
        assert bo.offer_of(made.id).state == "withdrawn"
        assert bo.market(mine=True).offers == ()
        assert [offer.id for offer in bo.market(state="withdrawn").offers] == [made.id]
        for act in (bo.withdraw_offer, bo.pause_offer, bo.renew_offer):
            with pytest.raises(OfferStands):
                act(made.id)


def test_one_of_two_offers_of_a_thing_is_withdrawn_alone(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer("a bike", 1, "hour", price=["15 EUR"])
        intent_id = RecordId(made.intents[0])
    published: dict[str, Value] = {"purpose": "offer", "publishes": [bytes(intent_id)]}
    free = homes.write(lanxi.bo, Wish("proposal.offer", published, (intent_id,)))[0]["id"]
    with at(lanxi.bo) as bo:
        bo.withdraw_offer(made.id)
        assert (bo.offer_of(made.id).state, bo.offer_of(free).state) == ("withdrawn", "open")
        assert intent(bo, intent_id).status == "open"
        bo.withdraw_offer(free)
        assert intent(bo, intent_id).status == "withdrawn"


def test_what_is_withdrawn_makes_room(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        before = open_count(bo.view.state, bo.view.me).intents
        made = bo.offer("advice", 1, "hour", price=["15 EUR"], until="in 2 weeks")
        assert open_count(bo.view.state, bo.view.me).intents == before + 3
        renewed = bo.renew_offer(made.id, until="in 3 weeks")
        assert open_count(bo.view.state, bo.view.me).intents == before + 3
        bo.withdraw_offer(renewed.id)
        assert open_count(bo.view.state, bo.view.me).intents == before


def test_what_is_another_member_s_is_not_changed(lanxi: Commons) -> None:
    with at(lanxi.bo) as bo:
        made = bo.offer("repair", 5, "hours")
    lanxi.meet()
    with at(lanxi.ana) as ana:
        for act in (ana.withdraw_offer, ana.pause_offer, ana.renew_offer):
            with pytest.raises(WouldNotCount):
                act(made.id)
        with pytest.raises(UnknownId):
            ana.withdraw_offer("00" * 32)


def test_only_the_role_speaks_for_the_community_where_the_rules_name_one(
    lanxi: Commons, tmp_path: Path
) -> None:
    lanxi.adopt(SPEAKING, tmp_path)
    with at(lanxi.bo) as bo:
        assert not bo.may_speak_for_community()
        with pytest.raises(WouldNotCount):
            bo.need("gardener", 3, "hours", common=True)
        bo.claim_role("producer")
    with at(lanxi.ana) as ana:
        ana.claim_role("producer")
    lanxi.meet()
    with at(lanxi.mei) as mei:
        mei.endorse_role("Bo", "producer")
        mei.endorse_role("Ana", "producer")
    lanxi.seal()
    with at(lanxi.bo) as bo:
        made = bo.need("gardener", 3, "hours", common=True)
    lanxi.meet()
    with at(lanxi.ana) as ana:
        assert ana.offer_of(made.id).is_mine
        renewed = ana.renew_offer(made.id)
        replacing = ana.view.store.record(ana.offer_of(renewed.id).parts[0].intent)
        assert replacing is not None
        assert made.id in replacing.deps, "else it may be folded before the offer, and close it"
        ana.pause_offer(renewed.id)
        assert ana.offer_of(renewed.id).state == "paused"
