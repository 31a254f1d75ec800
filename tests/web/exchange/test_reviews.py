"""Reviews on the page of a deal: written unseen, and shown only once they are open."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonweal.client.exchange.deals.terms import ClauseTerms
from commonweal.protocol.records.record import RecordId
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.client.exchange.dealing import agreed, at, deal

HOSTILE = "<script>alert(1)</script>"


class Reviewed(Commons):
    """A community with a deal that is done."""

    done: RecordId


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reviewed, Callable[[], Commons]]:
    lanxi = Reviewed(tmp_path_factory.mktemp("reviews"))
    lanxi.done = agreed(lanxi, ClauseTerms("Bo", "Ana", "work", "2", "hours"))
    clause = deal(lanxi.bo, lanxi.done).terms[0].id.hex()
    at(lanxi.bo, lambda me: me.record("work", 2, "hours", fulfills=clause))
    lanxi.meet()
    lanxi.seal()
    return lanxi, lanxi.copies(tmp_path_factory)


def test_a_review_is_written_on_the_page_and_hidden_from_the_other(
    scene: tuple[Reviewed, Callable[[], Commons]],
) -> None:
    lanxi, path = scene[1](), f"/deals/{scene[0].done.hex()}"
    about = at(lanxi.bo, lambda me: me.view.me).hex()
    with browser(lanxi.ana.path) as ana:
        ana.get(path)
        assert "Seal my review" in ana.text
        ana.post(f"{path}/review", {"rating": "2", "on_time": "1", "note": HOSTILE, "about": about})
        assert "2 of 5 stars" in ana.text and "not as agreed" in ana.text
        assert "only here" in ana.text
        assert HOSTILE not in ana.page.text
        assert "Seal my review" not in ana.text
    lanxi.meet()
    with browser(lanxi.bo.path) as bo:
        bo.get(path)
        assert "written, 1 of 2" in bo.text
        assert "2 of 5 stars" not in bo.text
        bo.get(path, "zh")
        assert "两份之一" in bo.text


def test_what_is_no_review_is_said_on_the_page(
    scene: tuple[Reviewed, Callable[[], Commons]],
) -> None:
    lanxi, path = scene[1](), f"/deals/{scene[0].done.hex()}"
    with browser(lanxi.ana.path) as ana:
        ana.get(path)
        ana.post(f"{path}/review", {"rating": "9", "note": "kept words"})
        assert "a rating has 1 to 5 stars" in ana.text
        assert "kept words" in ana.text
