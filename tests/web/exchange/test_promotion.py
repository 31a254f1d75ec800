"""Promotion in a browser: a code to pass on, a referral, and what it earned."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client import Member
from tests.builders.browser import browser
from tests.builders.commons import RULES, Commons
from tests.commands.exchange.test_promotion import HEAD, PROMOTION


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of a community in which Mei offers jam, and may promote it."""
    first = tmp_path_factory.mktemp("promotion")
    made = Commons(first)
    made.adopt(RULES.replace(HEAD, PROMOTION + "\n" + HEAD), first)
    with Member(made.mei) as mei:
        mei.offer("Jam <b>", 9, "pieces", price=["19.99 EUR"])
    made.seal()
    return made.copies(tmp_path_factory)


def promise(lanxi: Commons) -> dict[str, str]:
    """Return the form by which Mei promotes the jam."""
    with Member(lanxi.mei) as mei:
        (offer,) = mei.market(mine=True).offers
    return {"offer": offer.id.hex(), "rate": "5%", "code": "jam", "hours": "", "who": ""}


def promoted(lanxi: Commons) -> None:
    """Let Mei promote the jam by the form."""
    typed = promise(lanxi)
    with browser(lanxi.mei.path) as page:
        assert page.post("/promotion/new", typed).status_code == 200
        assert "End the promotion" in page.get("/promotion").text
    lanxi.meet()


def test_a_promotion_is_made_passed_on_and_named(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    promoted(lanxi)
    with browser(lanxi.bo.path) as page:
        shown = page.get("/promotion").text
        assert "weal referral jam/" in shown
        assert "<svg" in shown
        assert "Jam &lt;b&gt;" in shown
    with browser(lanxi.ana.path) as page:
        said = page.post("/promotion/referral", {"said": "jam/Bo"})
        assert said.status_code == 200
        assert "Bo brought Ana, by the code jam" in page.get("/promotion").text


def test_what_cannot_be_is_said_beside_its_form(scene: Callable[[], Commons]) -> None:
    lanxi = scene()
    promoted(lanxi)
    with browser(lanxi.ana.path) as page:
        for path, typed in (
            ("/promotion/referral", {"said": "jam/Ana"}),
            ("/promotion/referral", {"said": "plum/Bo"}),
            ("/promotion/new", {"offer": "00", "rate": "5%", "code": "x"}),
            ("/promotion/end", {"id": "jam"}),
            ("/promotion/pay", {"id": "00"}),
        ):
            refused = page.post(path, typed)
            assert refused.status_code == 422
            assert 'role="alert"' in refused.text


@pytest.mark.parametrize("hours", ["2d", "1.5", "9" * 5_000])
def test_hours_that_cannot_be_read_promise_nothing(
    hours: str, scene: Callable[[], Commons]
) -> None:
    lanxi = scene()
    with browser(lanxi.mei.path) as page:
        refused = page.post("/promotion/new", promise(lanxi) | {"hours": hours})
        assert refused.status_code == 422
        assert "is no whole number" in refused.text
        assert "command" not in refused.text, "nothing was typed at a prompt"
        assert "End the promotion" not in page.get("/promotion").text


def test_without_the_rule_the_page_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Commons(tmp_path_factory.mktemp("without"))
    with browser(made.mei.path) as page:
        assert "The rules let nobody promote offers" in page.get("/promotion").text
