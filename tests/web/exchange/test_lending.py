"""A thing in a browser: on which terms it is lent, its bookings, and when it is out of use."""

from __future__ import annotations

import re

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.lenders import Lenders

TERMS = {"capacity": "1", "fee_per": "1d", "late_per": "1h"}


def test_terms_are_said_in_a_form_and_read_back(lenders: Lenders) -> None:
    with Member(lenders.mei) as mei:
        mei.add_resource("saw", 1, "piece")
        saw = next(row.id.hex() for row in mei.resources() if row.name == "saw")
    path = f"/things/{saw}"
    with browser(lenders.mei.path) as page:
        page.get(path)
        assert "Nobody can book it yet." in page.text
        sent = TERMS | {"shortest": "1h", "longest": "3天", "buffer": "30m", "ahead": "8w"}
        sent |= {"fee": "2.5", "fee_unit": "EUR", "late": "1", "late_unit": "EUR"}
        sent |= {"days": "2", "days_per": "week", "accepts": "producer", "capacity": "2"}
        page.post(f"{path}/terms", sent)
        assert "It is lent on these terms." in page.text
        assert "Whoever is producer books it without asking" in page.text
        with Member(lenders.mei) as mei:
            lent = mei.lent_thing(saw)
        assert (lent.min_minutes, lent.max_minutes, lent.buffer_minutes) == (60, 3 * 1440, 30)
        assert (lent.accepts, lent.capacity, lent.ahead_minutes) == (("producer",), 2, 56 * 1440)
        assert lent.fee is not None and lent.late_fee is not None
        assert (f"{lent.fee.quantity}", lent.late_fee.per_minutes) == ("2.5", 60)
        assert (lent.days_max, lent.per) == (2, "week")
        for name, value in {"longest": "3d", "fee": "2.5", "days_per": "week"}.items():
            assert re.search(rf'name="{name}"[^>]*value="{value}"', page.page.text)
        page.post(f"{path}/terms", TERMS)
    with Member(lenders.mei) as mei:
        plain = mei.lent_thing(saw)
    assert (plain.fee, plain.late_fee, plain.days_max, plain.accepts) == (None, None, None, ())
    assert plain.buffer_minutes == 0 and plain.max_minutes > lent.max_minutes


def test_several_roles_stay_when_other_terms_change(lenders: Lenders) -> None:
    with Member(lenders.mei) as mei:
        mei.add_resource("drill", 1, "piece")
        drill = next(row.id.hex() for row in mei.resources() if row.name == "drill")
        mei.set_terms(drill, accepts=["producer", "consumer"])
    with browser(lenders.mei.path) as page:
        page.get(f"/things/{drill}")
        (chosen,) = re.findall(r'<option value="([^"]*)" selected>[^<]*without', page.page.text)
        page.post(f"/things/{drill}/terms", TERMS | {"accepts": chosen, "capacity": "2"})
    with Member(lenders.mei) as mei:
        lent = mei.lent_thing(drill)
    assert (lent.accepts, lent.capacity) == (("consumer", "producer"), 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": "0"},
        {"capacity": "x"},
        {"capacity": "9" * 30},
        {"longest": "soon"},
        {"fee": "x", "fee_unit": "EUR"},
        {"fee": "1", "fee_unit": "EUR", "fee_per": ""},
        {"days": "1", "days_per": "year"},
        {"days": "-1", "days_per": "week"},
        {"accepts": "emperor"},
        {"shortest": "3d", "longest": "1d"},
    ],
)
def test_wrong_terms_are_refused_and_kept_in_the_form(
    unchanged: Lenders, wrong: dict[str, str]
) -> None:
    with browser(unchanged.mei.path) as page:
        page.get(f"/things/{unchanged.room}")
        answer = page.post(f"/things/{unchanged.room}/terms", TERMS | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        name, value = next(iter(wrong.items()))
        assert value in answer.text or name == "accepts"
    with Member(unchanged.mei) as mei:
        assert mei.lent_thing(unchanged.room).capacity == 1


def test_only_who_has_a_thing_says_its_terms(unchanged: Lenders) -> None:
    with browser(unchanged.bo.path) as page:
        page.get(f"/things/{unchanged.bike}")
        assert "Change the terms" not in page.text
        assert 'href="/calendar/book?thing=' in page.page.text
        assert page.post(f"/things/{unchanged.bike}/terms", TERMS).status_code == 422
        assert "only Mei, who has it, says on which terms it is lent" in page.text
        sent = {"begin": f"{unchanged.day(1)}"}
        assert page.post(f"/things/{unchanged.bike}/block", sent).status_code == 422


def test_a_thing_is_out_of_use_and_lent_again(lenders: Lenders) -> None:
    first, last = lenders.day(3), lenders.day(4)
    path = f"/things/{lenders.bike}"
    with browser(lenders.mei.path) as page:
        page.get(path)
        page.post(f"{path}/block", {"begin": f"{first}", "until": f"{last}", "note": "new tyres"})
        assert "It is written down." in page.text
        assert "new tyres" in page.text and f"{first}" in page.text and f"{last}" in page.text
    lenders.meet()
    with browser(lenders.bo.path) as bo:
        bo.get(f"/calendar/book?thing={lenders.bike}&day={last}")
        assert "it is out of use then" in bo.text
        bo.get(f"/calendar/book?thing={lenders.bike}&day={lenders.day(5)}&from=9:00&to=10:00")
        assert "free: it is asked of who has it" in bo.text
    with browser(lenders.mei.path) as page:
        page.get(path)
        (block,) = re.findall(r'name="block" value="(\w+)"', page.page.text)
        page.post(f"{path}/lift", {"block": block})
        assert "It is taken back." in page.text
        assert "new tyres" not in page.text
        assert page.post(f"{path}/lift", {"block": block}).status_code == 422
        assert page.post(f"{path}/block", {"begin": "soon"}).status_code == 422
        assert page.post(f"{path}/block", {}).status_code == 422
        page.post(f"{path}/block", {"begin": f"{first}", "open": "1", "hint": "1"})
        assert f"from {first} 00:00 on" in page.text and "hint" in page.text


def test_the_page_of_a_thing_shows_its_bookings(lenders: Lenders) -> None:
    id = lenders.booked(lenders.bike, f"{lenders.day(1)} 9:00-17:00")
    lenders.accept(id)
    for home in (lenders.mei, lenders.ana):
        with browser(home.path) as page:
            page.get(f"/things/{lenders.bike}")
            assert f'href="/calendar/bookings/{id}"' in page.page.text
            assert ("Hand it over" in page.text) is (home is lenders.mei)
