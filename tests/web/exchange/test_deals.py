"""The page of deals: what waits, what is in one, and that saying something writes it."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from commonweal.client import Member
from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home
from tests.builders.browser import browser
from tests.builders.commons import Commons, meet
from tests.client.exchange.dealing import HOURS, MONEY, RING, at, did, intent, write

HOSTILE = "<script>alert(1)</script> \u202e evil"


class Deals(Commons):
    """A community with a deal that Bo is asked, a ring, and one that is under way."""

    asked: RecordId
    ring: RecordId
    running: RecordId


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Deals, Callable[[], Commons]]:
    lanxi = Deals(tmp_path_factory.mktemp("deals"))
    with Member(lanxi.ana) as ana:
        lanxi.asked = ana.propose_deal([HOURS, MONEY], note=HOSTILE, answer_by="5d").id
    with Member(lanxi.mei) as mei:
        lanxi.ring = mei.propose_deal(RING).id
        lanxi.running = mei.propose_deal([ClauseTerms("Bo", "Mei", "work", "3", "hours")]).id
    lanxi.meet()
    at(lanxi.bo, lambda me: me.accept_deal(lanxi.running))
    lanxi.seal()
    return lanxi, lanxi.copies(tmp_path_factory)


@pytest.fixture(scope="module")
def lanxi(scene: tuple[Deals, Callable[[], Commons]]) -> Deals:
    """Give the community to read; nothing is written in it."""
    return scene[0]


@pytest.fixture
def bo(scene: tuple[Deals, Callable[[], Commons]]) -> Path:
    """Give a home of Bo's to write in."""
    return scene[1]().bo.path


def test_deals_stand_by_what_they_are_to_the_reader(lanxi: Deals) -> None:
    with browser(lanxi.bo.path) as bo:
        assert bo.get("/deals").status_code == 200
        text, page = bo.text, bo.page.text
        bo.get("/deals", "zh")
        chinese = bo.text
    assert text.index("Asked of me") < text.index("Under way")
    assert "work 2 hour · Bo → Ana, for: transfer 30 EUR · Ana → Bo" in text
    assert "proposed by Ana · waits for Bo · answer by" in text
    assert "0 of 1 kept" in text and "final #1" in text and "ring" in text
    assert f'href="/deals/{lanxi.ring.hex()}"' in page
    assert "等我答复" in chinese and "互助环" in chinese and "等待 Bo" in chinese


def test_a_deal_shows_all_that_is_in_it(lanxi: Deals) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get(f"/deals/{lanxi.asked.hex()}")
        text, page = bo.text, bo.page.text
        bo.get(f"/deals/{lanxi.running.hex()}")
        running = bo.page.text
    assert "You give work 2 hour to Ana" in text and "Ana gives transfer 30 EUR to you" in text
    assert "Say yes" in text and "Propose other terms" in text and "Decline" in text
    assert "you not yet" in text and "Ana agrees final #1" in text
    assert "<script>alert" not in page and "\u202e" not in page and "evil" in page
    assert "judged by the last seal" in text
    assert "/give?action=work&amp;quantity=3&amp;unit=hour&amp;receiver=" in running
    assert "It is done" in running and "Give it up" in running


def test_money_that_was_promised_to_a_member_is_paid_from_the_deal(bo: Path) -> None:
    with Member(bo) as member:
        fee = ClauseTerms("Bo", "Mei", "transfer", "5", "EUR")
        rent = ClauseTerms("Bo", "community", "transfer", "7", "EUR")
        deals = [member.propose_deal([clause]).id for clause in (fee, rent)]
    with browser(bo) as page:
        page.get(f"/deals/{deals[1].hex()}")
        assert "/money/balance/pay?" not in page.page.text, "nobody has the community's balance"
    mei = bo.parent / "mei"
    meet(Home(bo), Home(mei))
    with Member(mei) as other:
        other.accept_deal(deals[0])
    meet(Home(bo), Home(mei))
    with browser(bo) as page:
        page.get(f"/deals/{deals[0].hex()}")
        link = page.page.text.partition('href="/money/balance/pay?')[2].partition('"')[0]
        fields = dict(parse_qsl(unescape(link)))
        assert (fields["quantity"], fields["unit"]) == ("5", "EUR")
        page.get(f"/money/balance/pay?{unescape(link)}")
        page.post("/money/balance/pay", fields)
        assert "You paid Mei 5 EUR." in page.text
        assert "What you can do" in page.text, "the page of the payment, not an empty balance"
        page.get(f"/deals/{deals[0].hex()}")
        assert "5 kept, 0 open" in page.text and "/money/balance/pay?" not in page.page.text


def test_a_ring_is_a_picture_and_a_table(lanxi: Deals) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get(f"/deals/{lanxi.ring.hex()}")
        text, page = bo.text, bo.page.text
        bo.get(f"/deals/{lanxi.running.hex()}")
        other = bo.page.text
    assert page.count('role="img"') == 2
    assert "Mei gives Bo: transfer 5 kilogram" in text
    assert "The same as a table" in text and "1 Mei Bo transfer 5 kilogram" in text
    assert 'role="img"' not in other


def test_saying_yes_writes_it(bo: Path, lanxi: Deals) -> None:
    path = f"/deals/{lanxi.asked.hex()}"
    with browser(bo) as page:
        page.get(path)
        page.post(f"{path}/accept")
        assert "You said yes." in page.text and "you agrees written here" in page.text
        assert "Say yes" not in page.text
        refused = page.post(f"{path}/accept")
        assert refused.status_code == 422
        assert "it is agreed already" in page.text
    with Member(bo) as member:
        assert member.deal(lanxi.asked).state == "agreed"


@pytest.mark.parametrize(
    ("act", "says", "state"),
    [("decline", "You declined.", "declined"), ("comment", "Your comment", "asked")],
)
def test_other_acts_write_it(bo: Path, lanxi: Deals, act: str, says: str, state: str) -> None:
    path = f"/deals/{lanxi.asked.hex()}"
    with browser(bo) as page:
        page.get(path)
        page.post(f"{path}/{act}", {"text": "Friday?"})
        assert says in page.text
    with Member(bo) as member:
        deal = member.deal(lanxi.asked)
        assert (deal.state, len(deal.comments)) == (state, 1 + (act == "comment"))


def test_a_deal_under_way_is_done_or_given_up(bo: Path, lanxi: Deals) -> None:
    path = f"/deals/{lanxi.running.hex()}"
    with browser(bo) as page:
        page.get(path)
        page.post(f"{path}/done")
        assert "You said that it is done." in page.text
        assert page.post(f"{path}/end").status_code == 422
        assert "says that it is done" in page.text
        assert page.post(f"{path}/withdraw").status_code == 422
        assert page.post(f"{path}/comment", {"text": " "}).status_code == 422


def test_other_terms_are_filled_in_and_proposed(bo: Path, lanxi: Deals) -> None:
    path = f"/deals/{lanxi.asked.hex()}/counter"
    with browser(bo) as page:
        page.get(path)
        assert 'name="given-0-quantity"' in page.page.text and 'value="30"' in page.page.text
        form = {
            "given-0-giver": "Bo",
            "given-0-taker": "Ana",
            "given-0-action": "work",
            "given-0-quantity": "3",
            "given-0-unit": "hours",
            "given-0-due": "4d",
            "back-0-giver": "Ana",
            "back-0-taker": "Bo",
            "back-0-action": "transfer",
            "back-0-quantity": "45",
            "back-0-unit": "EUR",
            "back-0-out": "yes",
        }
        answer = page.post(path, form)
        assert answer.status_code == 200 and "It is proposed. It is your yes." in page.text
        assert "work 3 hour" in page.text and "45" not in page.text.split("What happened")[0]
        new = answer.url.path.removeprefix("/deals/")
    with Member(bo) as member:
        made = member.deal(new)
        assert (made.counters, made.clauses, made.terms[0].due_ms is None) == (
            lanxi.asked,
            1,
            False,
        )
        assert member.deal(lanxi.asked).state == "countered"


def test_a_deal_is_proposed_freely_and_a_wrong_one_is_kept_to_mend(bo: Path) -> None:
    with browser(bo) as page:
        page.get("/deals/new")
        form = {
            "given-0-giver": "Bo",
            "given-0-taker": "Zoe",
            "given-0-action": "work",
            "given-0-quantity": "2",
            "given-0-unit": "hours",
            "note": "once",
        }
        assert page.post("/deals/new", form).status_code == 422
        assert 'role="alert"' in page.page.text and 'value="Zoe"' in page.page.text
        assert ">once</textarea>" in page.page.text
        page.post("/deals/new", form | {"more": "back"})
        assert 'name="back-0-giver"' in page.page.text and 'value="Zoe"' in page.page.text
        answer = page.post("/deals/new", form | {"given-0-taker": "Ana"})
        assert answer.status_code == 200 and answer.url.path.startswith("/deals/")
    with Member(bo) as member:
        assert [comment.text for comment in member.deal(answer.url.path[7:]).comments] == ["once"]


def test_a_new_deal_is_filled_in_from_an_offer_and_from_matches(
    scene: tuple[Deals, Callable[[], Commons]],
) -> None:
    lanxi = scene[1]()
    given = intent(lanxi.ana, "work", 2, "hour")
    back = intent(lanxi.ana, "transfer", 30, "EUR", needed=True)
    data = {"purpose": "offer", "publishes": [given], "reciprocal": [back]}
    offer = write(lanxi.ana, "proposal.offer", data, given, back)
    need = intent(lanxi.bo, "work", 1, "hour", needed=True)
    lanxi.meet()
    with browser(lanxi.bo.path) as page:
        for query, amount in (
            (f"offer={offer.hex()}", "2"),
            (f"offer={offer.hex()}&quantity=0.5", "0.5"),
            (f"flow={given.hex()}-{need.hex()}", "1"),
        ):
            assert page.get(f"/deals/new?{query}").status_code == 200, query
            assert f'name="given-0-quantity" type="text" value="{amount}"' in page.page.text
            assert f'name="given-0-satisfies" value="{given.hex()}' in page.page.text
            assert 'value="Ana"' in page.page.text
        for wrong in ("offer=ffff", "flow=x", "offer=", "offer=%3Cb%3E", "flow=-"):
            page.get(f"/deals/new?{wrong}")
            assert page.page.status_code in (200, 422) and "Traceback" not in page.page.text
    did(lanxi.ana, "propose_from", need)


@pytest.mark.parametrize("path", ["/deals/ffff", "/deals/zz", "/deals/ffff/counter"])
def test_a_deal_that_is_not_here_is_said(lanxi: Deals, path: str) -> None:
    with browser(lanxi.bo.path) as page:
        assert page.get(path).status_code in (404, 422)


def test_today_answers_a_deal_in_one_step(bo: Path, lanxi: Deals) -> None:
    with browser(bo) as page:
        page.get("/")
        text = page.page.text
        assert "work 2 hour · Bo → Ana, for: transfer 30 EUR · Ana → Bo" in page.text
        assert f'href="/deals/{lanxi.asked.hex()}"' in text
        assert "a ring of 3: " in page.text
        key = f"deal:{lanxi.asked.hex()[:16]}:0"
        sent = {"kind": "deal", "id": lanxi.asked.hex(), "key": key}
        assert page.post("/today/do", sent | {"say": "maybe"}).status_code == 422
        page.get("/")
        page.post("/today/do", sent | {"say": "yes"})
        assert "You answered." in page.text and key not in page.page.text
    with Member(bo) as member:
        assert member.deal(lanxi.asked).state == "agreed"
