"""The calendar in a browser: what is booked, what waits, and what would clash."""

from __future__ import annotations

import re

import pytest

from commonweal.client import Member
from commonweal.client.home.submit import now_ms
from commonweal.client.language.local_time.spans import Span
from commonweal.web.pages.exchange.lending.calendar import ACTS
from tests.builders.browser import browser
from tests.builders.lenders import HOUR_MS, Lenders


def test_an_empty_calendar_says_how_to_begin(unchanged: Lenders) -> None:
    with browser(unchanged.ana.path) as ana:
        assert ana.get("/calendar").status_code == 200
        assert "Nothing is booked or due in this time." in ana.text
        assert "You neither borrow nor lend anything now." in ana.text
        assert 'href="/calendar/book"' in ana.page.text


def test_a_booking_is_asked_accepted_handed_over_and_returned(lenders: Lenders) -> None:
    """Bo books, Mei says yes and hands the bike over, and Bo gives it back: each in one step."""
    day = lenders.day(1)
    with browser(lenders.bo.path) as bo:
        asked = {"thing": lenders.bike, "day": f"{day}", "from": "09:00", "to": "17:00"}
        bo.get(f"/calendar/book?thing={lenders.bike}&day={day}&from=09:00&to=17:00")
        assert "free: it is asked of who has it" in bo.text
        assert "It costs 5 EUR for each started day." in bo.text
        bo.post("/calendar/book", asked)
        assert bo.page.status_code == 200
        assert "1 booking is asked." in bo.text
        path = bo.page.url.path
        assert f"{day} 09:00–17:00" in bo.text
        assert "provisional" in bo.text
    lenders.meet()
    with browser(lenders.mei.path) as mei:
        mei.get("/calendar")
        assert "Bo borrows it from Mei." in mei.text
        mei.get(path)
        mei.post(f"{path}/accept")
        assert "It is accepted." in mei.text and "accepted" in mei.text
        mei.post(f"{path}/lend")
        assert "It is handed over." in mei.text
    lenders.meet()
    lenders.seal()
    with browser(lenders.bo.path) as bo:
        bo.get(path)
        assert "handed out" in bo.text and "final #" in bo.text
        bo.post(f"{path}/return")
        assert "It is back." in bo.text
        assert "Nothing waits for you here." in bo.text


def test_the_first_page_hands_over_and_takes_back_in_one_step(lenders: Lenders) -> None:
    begin_ms = (now_ms() // 60_000 + 120) * 60_000
    id = lenders.booked(lenders.bike, [Span(begin_ms, begin_ms + HOUR_MS)])
    lenders.accept(id)
    with Member(lenders.mei) as mei:
        clause = mei.booking(id).clause.hex()
    with browser(lenders.mei.path) as page:
        page.get("/")
        assert "hand out cargo bike to Bo" in page.text
        assert f'href="/calendar/bookings/{clause}"' in page.page.text
        page.post("/today/do", {"kind": "booking_lend", "id": clause, "say": "yes"})
        assert "It is handed over." in page.text
        assert "hand out cargo bike" not in page.text
    lenders.meet()
    with browser(lenders.bo.path) as bo:
        bo.get("/")
        assert "bring back cargo bike" in bo.text
        bo.post("/today/do", {"kind": "booking_return", "id": clause, "say": "yes"})
        assert "It is back." in bo.text
        assert bo.post("/today/do", {"kind": "booking_return", "id": clause}).status_code == 422
        assert bo.post("/today/do", {"kind": "booking_other", "id": clause}).status_code == 422
    with Member(lenders.bo) as me:
        assert me.booking(id).state == "back"


def test_a_clash_is_said_before_and_after(lenders: Lenders) -> None:
    day = lenders.day(1)
    lenders.accept(lenders.booked(lenders.bike, f"{day} 9:00-17:00"))
    with browser(lenders.ana.path) as ana:
        answer = ana.get(f"/calendar/book?thing={lenders.bike}&day={day}&from=16:00&to=18:00")
        assert answer.status_code == 200
        assert "not to be had" in ana.text and "Bo has it" in ana.text
        assert "Book it" not in ana.text
        assert f"{day} 17:30" in ana.text, "when it is free, with the time between two bookings"
        sent = {"thing": lenders.bike, "day": f"{day}", "from": "16:00", "to": "18:00"}
        assert ana.post("/calendar/book", sent).status_code == 422
        assert "Bo has it" in ana.text
    with Member(lenders.ana) as me:
        assert me.bookings() == []


def test_a_series_is_looked_at_one_by_one_and_written_whole(lenders: Lenders) -> None:
    words = f"every day 9:00-10:00 from {lenders.day(1)}, 3 times"
    lenders.accept(lenders.booked(lenders.bike, f"{lenders.day(2)} 9:00-17:00"))
    with browser(lenders.ana.path) as ana:
        ana.get(f"/calendar/book?thing={lenders.bike}&words={words}")
        assert ana.text.count("free: it is asked of who has it") == 2
        assert ana.text.count("not to be had") == 1
        ana.get(f"/calendar/book?thing={lenders.room}&words={words}")
        ana.post("/calendar/book", {"thing": lenders.room, "words": words})
        assert "3 bookings are asked." in ana.text
    with Member(lenders.ana) as me:
        assert len(me.bookings()) == 3


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("day=2030-02-30&from=9:00&to=10:00", "The time cannot be read"),
        ("day=2030-02-03&from=10:00&to=9:00", "It ends before it begins"),
        ("day=2030-02-03&from=10:00", "It needs an end"),
        ("words=sat+9:00", "It needs an end"),
        ("words=every+tue+9:00-10:00", "Write how often"),
        ("words=every+day+9:00-10:00,+54+times", "The most at once: 53"),
    ],
)
def test_a_time_that_cannot_be_read_is_said(unchanged: Lenders, query: str, sentence: str) -> None:
    with browser(unchanged.bo.path) as bo:
        assert bo.get(f"/calendar/book?thing={unchanged.bike}&{query}").status_code == 422
        assert sentence in bo.text


def test_an_hour_that_comes_twice_is_asked_about(
    unchanged: Lenders, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with browser(unchanged.bo.path) as bo:
            query = f"thing={unchanged.room}&day=2027-10-31&from=02:30&to=05:00"
            assert bo.get(f"/calendar/book?{query}").status_code == 422
            assert "this hour comes twice" in bo.text
            links = re.findall(r'href="(/calendar/book\?[^"]+)">2027-10-31 02:30 UTC', bo.page.text)
            assert len(links) == 2
            shown = []
            for link in links:
                assert bo.get(link.replace("&amp;", "&")).status_code == 200
                shown.append(bo.text)
            assert "02:30 (UTC+02:00)–05:00 (UTC+01:00)" in shown[0]
            assert "02:30 (UTC+01:00)–05:00" in shown[1]
            assert bo.get(f"/calendar/book?{query.replace('05:00', '02:45')}").status_code == 422
    finally:
        monkeypatch.undo()
        time.tzset()


def test_week_and_month_show_the_same_booking(lenders: Lenders) -> None:
    day = lenders.day(1)
    id = lenders.booked(lenders.room, f"{day} 9:00-17:00")
    with browser(lenders.ana.path) as ana:
        for view in ("week", "month"):
            ana.get(f"/calendar?view={view}&day={day}")
            assert f'href="/calendar/bookings/{id}"' in ana.page.text
            assert "? room · Bo" in ana.page.text
        ana.get(f"/calendar?day={day}&mine=1")
        assert "? room · Bo" not in ana.page.text
        ana.get(f"/calendar?day={day}&thing={lenders.bike}")
        assert "? room · Bo" not in ana.page.text
        assert ana.get("/calendar?day=2030-99-99&view=year&thing=00").status_code == 200
        assert ana.get("/calendar?day=9999-12-31").status_code == 200
        assert ana.get("/calendar?day=0001-01-01&view=month").status_code == 200


def test_what_one_cannot_do_is_refused(lenders: Lenders) -> None:
    id = lenders.booked(lenders.room, f"{lenders.day(1)} 9:00-17:00")
    with browser(lenders.ana.path) as ana:
        ana.get(f"/calendar/bookings/{id}")
        assert "Nothing waits for you here." in ana.text
        for act in ("accept", "decline", "lend", "return", "cancel"):
            assert ana.post(f"/calendar/bookings/{id}/{act}").status_code == 422, act
        assert ana.post(f"/calendar/bookings/{id}/steal").status_code == 404
        assert ana.get(f"/calendar/bookings/{'0' * 64}").status_code == 404
    with Member(lenders.mei) as mei:
        assert mei.booking(id).state == "asked"


def test_a_slot_is_left(lenders: Lenders) -> None:
    id = lenders.booked(lenders.room, f"{lenders.day(1)} 9:00-17:00")
    lenders.accept(id)
    with browser(lenders.bo.path) as bo:
        bo.get(f"/calendar/bookings/{id}")
        bo.post(f"/calendar/bookings/{id}/cancel")
        assert "It is taken back." in bo.text
        bo.get("/calendar")
        assert id[:12] not in bo.page.text


def test_every_act_is_spoken_of_in_chinese(lenders: Lenders) -> None:
    id = lenders.booked(lenders.room, f"{lenders.day(1)} 9:00-17:00")
    with browser(lenders.mei.path, language="zh") as mei:
        mei.get(f"/calendar/bookings/{id}")
        assert "接受" in mei.text and "已请求" in mei.text
        mei.post(f"/calendar/bookings/{id}/decline")
        assert "已谢绝" in mei.text
    assert set(ACTS) == {"accept", "decline", "cancel", "lend", "return"}


def test_an_address_is_made_and_revoked_on_the_page(lenders: Lenders) -> None:
    with browser(lenders.bo.path) as bo:
        bo.get("/calendar")
        bo.post("/calendar/addresses", {"shows": "full", "name": "telephone"})
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+(/calendar/address/[\w-]+\.ics)", bo.text)
        assert bo.client.get(address).text.startswith("BEGIN:VCALENDAR")
        assert address not in bo.get("/calendar").text
        assert "telephone" in bo.text
        (path,) = re.findall(r'action="(/calendar/addresses/\w+/revoke)"', bo.page.text)
        bo.post(path)
        assert "The address is good for nothing now." in bo.text
        assert bo.client.get(address).status_code == 404
        assert bo.post("/calendar/addresses", {"shows": "all"}).status_code == 422
