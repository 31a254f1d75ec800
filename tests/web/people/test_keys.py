"""Keys on the page: each act asks for the passphrase; new words count once they are on paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from commonweal.client import Member
from commonweal.client.community.key_recovery import new_key
from commonweal.protocol.errors import CommonwealError
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home
from tests.builders.browser import Browser, browser
from tests.builders.commons import Commons
from tests.web.people.conftest import id_of

PASSPHRASE = "correct horse battery"


@pytest.fixture
def lanxi(copy: Callable[[], Commons]) -> Commons:
    """Give the community, with Mei's keys behind a passphrase."""
    lanxi = copy()
    keystore.change_passphrase(lanxi.mei.keystore, None, PASSPHRASE)
    return lanxi


def entropy(home: Home, passphrase: str = PASSPHRASE) -> bytes | None:
    return keystore.unlock(home.keystore, passphrase).member_entropy


def typed(mei: Browser, **more: str) -> dict[str, object]:
    """Return the answer to a page of new words, read off the page."""
    phrase = re.findall(r"<li>(\w+)</li>", mei.page.text.partition('class="words"')[2])[:24]
    places = re.findall(r'name="place" value="(\d+)"', mei.page.text)
    words = {f"word{place}": phrase[int(place) - 1] for place in places}
    return {"words": " ".join(phrase), "place": places, **words, **more}


@pytest.mark.parametrize("path", ["sponsors", "give", "revoke", "new", "change", "passphrase"])
@pytest.mark.parametrize("passphrase", ["", "wrong horse"])
def test_every_act_on_keys_asks_for_the_passphrase(
    lanxi: Commons, path: str, passphrase: str
) -> None:
    key = new_key()
    words = key.words.split()
    form = {
        "passphrase": passphrase,
        "sure": "yes",
        "none": "yes",
        "member": id_of(lanxi.mei, "Bo"),
        "code": key.code,
        "device": "00",
        "new": "another one",
        "again": "another one",
        "words": key.words,
        "place": ["1", "2", "3"],
        **{f"word{n}": words[n - 1] for n in (1, 2, 3)},
    }
    before, held = entropy(lanxi.mei), lanxi.records(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/settings/keys")
        answer = mei.post(f"/settings/keys/{path}", form)
        assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert (entropy(lanxi.mei), lanxi.records(lanxi.mei)) == (before, held)


def test_the_passphrase_is_changed(lanxi: Commons) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/settings/keys")
        form = {"passphrase": PASSPHRASE, "new": "a new one, long", "again": "a new one"}
        assert mei.post("/settings/keys/passphrase", form).status_code == 422
        form["again"] = form["new"]
        mei.post("/settings/keys/passphrase", form)
        assert "The new passphrase opens your keys now." in mei.text
        empty = {"passphrase": "a new one, long", "new": "", "again": ""}
        assert mei.post("/settings/keys/passphrase", empty).status_code == 422
    assert entropy(lanxi.mei, "a new one, long")


def test_sponsors_are_named_and_give_a_key(lanxi: Commons) -> None:
    key = new_key()
    with browser(lanxi.mei.path) as mei:
        mei.get("/settings/keys")
        form = {"passphrase": PASSPHRASE, "member": [id_of(lanxi.mei, "Bo")], "needed": "many"}
        assert mei.post("/settings/keys/sponsors", form).status_code == 422
        mei.post("/settings/keys/sponsors", {**form, "needed": "1"})
        assert "1 of these together: Bo" in mei.text
    lanxi.meet()
    with browser(lanxi.bo.path) as bo:
        bo.get("/settings/keys")
        wrong = {"member": id_of(lanxi.bo, "Mei"), "code": "none"}
        assert bo.post("/settings/keys/give", wrong).status_code == 422
        unsure = bo.post("/settings/keys/give", {**wrong, "code": key.code})
        assert unsure.status_code == 422 and "Confirm that you are sure." in unsure.text
        bo.post("/settings/keys/give", {**wrong, "code": key.code, "sure": "yes"})
        assert "Mei has the new key now." in bo.text


def test_new_words_count_once_three_of_them_are_typed(lanxi: Commons) -> None:
    before = entropy(lanxi.mei)
    with browser(lanxi.mei.path) as mei:
        mei.get("/settings/keys")
        mei.post("/settings/keys/new", {"passphrase": PASSPHRASE})
        assert "Your new words" in mei.text and entropy(lanxi.mei) == before
        right = typed(mei, passphrase=PASSPHRASE)
        places = right["place"]
        assert isinstance(places, list) and len(places) == 3
        wrong = mei.post("/settings/keys/change", {**right, f"word{places[0]}": "no"})
        assert wrong.status_code == 422 and entropy(lanxi.mei) == before
        fewer = mei.post("/settings/keys/change", {**right, "place": places[:2]})
        assert fewer.status_code == 422 and entropy(lanxi.mei) == before
        assert mei.post("/settings/keys/change", {**right, "words": "a b c"}).status_code == 422
        mei.get("/settings/keys")
        mei.post("/settings/keys/change", right)
        assert "Your new key counts." in mei.text
    after = entropy(lanxi.mei)
    assert before is not None and after != before
    with Member(lanxi.mei, passphrase=PASSPHRASE) as member:
        member.check_key_change()
        keystore.change_member(lanxi.mei.keystore, PASSPHRASE, before)
        with pytest.raises(CommonwealError):
            member.check_key_change()


def test_a_device_of_others_is_not_ended(lanxi: Commons) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get("/settings/keys")
        device = bo.page.text.partition('id="d-')[2][:12]
        for named, sure in ((device, "yes"), ("00" * 32, "yes"), (device, "")):
            form = {"device": named, "sure": sure}
            assert bo.post("/settings/keys/revoke", form).status_code == 422
