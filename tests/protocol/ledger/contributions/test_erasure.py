"""Who may ask for a text to be erased: its member, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.contributions.erasure import author_of
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.village import DOCUMENT, TEXT, Pen, Village


def erase(pen: Pen, text: Record, **over: Any) -> Record:
    return pen.write("body.erase", {"record": text.id}, [text], **over)


def test_a_member_may_erase_his_texts_and_nothing_else_changes() -> None:
    village = Village()
    jun = village.join("Jun")
    said = jun.write("event", {}, body=TEXT)
    before = village.ledger().state.to_bytes()
    erased = [erase(jun, said), erase(jun, said)]  # the first follows what it names
    ledger = village.ledger()
    assert [ledger.verdict(one.id) for one in erased] == [None, None]
    assert ledger.state.to_bytes() == before


def test_any_device_of_the_member_may() -> None:
    village = Village()
    jun, phone = village.join("Jun"), village.pen("Jun", 1)
    said = jun.write("event", {}, body=TEXT)
    phone.enrol([said], is_new=False)
    erased = erase(phone, said)
    assert village.ledger().verdict(erased.id) is None
    jun.write("event", {}, [erased])
    revoked = jun.revoke(phone, 0)
    assert village.ledger().verdict(erased.id) == Reason.DEVICE_REVOKED
    assert village.ledger().verdict(revoked.id) is None


def test_what_may_not_be_erased_is_not_and_the_record_says_why() -> None:
    village = Village()
    jun, lin = village.join("Jun"), village.join("Lin")
    said = jun.write("event", {}, body=TEXT)
    bare = jun.write("event", {})
    document = jun.write("rules.propose", {}, body=DOCUMENT)
    refused = {
        erase(lin, said).id: Reason.NOT_YOURS,
        erase(jun, bare).id: Reason.NO_TEXT,
        erase(jun, document).id: Reason.NO_TEXT,
        erase(jun, said, body=TEXT).id: Reason.SHAPE,
        jun.write("body.erase", {"record": said.id}).id: Reason.NOT_CITED,
        jun.write("body.erase", {}, [said]).id: Reason.SHAPE,
        jun.write("body.erase", {"record": 1}, [said]).id: Reason.SHAPE,
    }
    ledger = village.ledger()
    assert {id: ledger.verdict(id) for id in refused} == refused
    assert village.ledger(village.records[::-1]).state.to_bytes() == ledger.state.to_bytes()


@pytest.mark.parametrize("order", [b"", b"r" * 32])
def test_a_text_below_the_cut_may_be_erased_above_it(order: bytes) -> None:
    village = Village()
    said = village.mei.write("event", {}, body=TEXT)
    below = list(village.records)
    first = erase(village.mei, said)
    held = {one.id: one for one in below}
    base = village.ledger(below).state
    above = Ledger(village.community, base, order=order, find=held.get)
    last = erase(village.mei, first)
    above.add([first, last])
    assert above.verdict(first.id) is None
    assert above.verdict(last.id) == Reason.NO_TEXT, "it finds what was added, in this order"


def test_records_of_one_clock_are_not_taken_for_each_other() -> None:
    village = Village()
    pens = [village.join(name) for name in ("Jun", "Lin", "Bo", "Cai", "Dee")]
    last = max(village.records, key=lambda one: one.clock)
    texts = [pen.write("event", {}, [last], TEXT) for pen in pens if pen.log[-1] is not last]
    texts.append(pens[-1].write("event", {}, body=TEXT))
    assert len({one.clock for one in texts}) == 1
    erased = [erase(pen, text) for pen, text in zip(pens, texts, strict=True)]
    ledger = Ledger(village.community, order=b"r" * 32)
    ledger.add(village.records)
    assert [ledger.verdict(one.id) for one in erased] == [None] * len(pens)


def test_a_revoked_device_asks_for_nothing_and_one_who_left_still_does() -> None:
    village = Village()
    jun, phone = village.join("Jun"), village.pen("Jun", 1)
    said = jun.write("event", {}, body=TEXT)
    phone.enrol([said], is_new=False)
    by_phone, by_jun = erase(phone, said), erase(jun, said)
    jun.write("event", {}, [by_phone])
    jun.revoke(phone, 0)
    jun.write("member.leave")
    state = village.ledger().state
    assert author_of(state, by_phone) is None
    assert author_of(state, phone.log[0]) == jun.owner.id
    assert author_of(state, by_jun) == jun.owner.id
