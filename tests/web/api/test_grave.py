"""What cannot be undone needs the passphrase again, also where a running node would sign."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commonweal.client import Member, create_home
from tests.builders.api_calls import Caller, calling
from tests.builders.weal import good
from tests.web.api.village import WORK

PASSPHRASE = "right horse"


@pytest.fixture(scope="module")
def grave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Give a caller with a token of scope grave; the home has a passphrase, and its node runs."""
    home = tmp_path_factory.mktemp("grave") / "mei"
    create_home(home, "Mei", passphrase=PASSPHRASE)
    with Member(home, passphrase=PASSPHRASE) as mei:
        mei.found("Lanxi", rules="value-network")
        token = mei.create_token("grave").token
        mei.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        with calling(home) as caller:
            caller.headers = {"Authorization": f"Bearer {token}"}
            yield caller
        mei.stop_node()


GRAVE: dict[str, dict[str, Any]] = {
    "/leave": {},
    "/key": {"words": "abandon " * 23 + "art"},
    "/key-gifts": {"member": "Mei", "code": "x"},
    "/devices/0123/revocation": {},
    "/sponsors": {"members": []},
}


@pytest.mark.parametrize("path", GRAVE)
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "passphrase_needed"),
        ({"passphrase": None}, "passphrase_needed"),
        ({"passphrase": "wrong horse"}, "wrong_passphrase"),
    ],
    ids=["none", "null", "wrong"],
)
def test_without_the_passphrase_nothing_grave_is_done(
    grave: Caller, path: str, given: dict[str, Any], code: str
) -> None:
    before = grave.get("/status")["records"]
    answered = grave.try_post(path, GRAVE[path] | given)
    assert (answered.status_code, answered.json()["error"]["code"]) == (403, code)
    assert grave.get("/status")["records"] == before


def test_what_is_not_grave_is_signed_by_the_node(grave: Caller) -> None:
    assert grave.post("/contributions", WORK)["seq"]


def test_with_the_passphrase_it_is_done_once_and_no_answer_is_kept(grave: Caller) -> None:
    words = grave.post("/keys")["words"]
    asked = {"words": words, "passphrase": PASSPHRASE}
    first = grave.try_post("/key", asked, "change")
    assert first.status_code == 201, first.text
    again = grave.try_post("/key", asked, "change")
    assert (again.status_code, again.json()["records"]) == (200, [first.json()])
    assert (
        grave.try_post("/key", asked | {"passphrase": "wrong horse"}, "change").status_code == 403
    )
    other = grave.post("/keys")["words"]
    taken = grave.try_post("/key", asked | {"words": other}, "change")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "key_taken")


def test_words_that_are_none_change_nothing(grave: Caller) -> None:
    answered = grave.try_post("/key", {"words": "one two", "passphrase": PASSPHRASE})
    assert (answered.status_code, answered.json()["error"]["code"]) == (422, "wrong_word_count")


def test_made_keys_are_of_a_member(tmp_path: Path, grave: Caller) -> None:
    made = grave.post("/keys")
    assert len(made["words"].split()) == 24
    wanted = good("key", "new", "-o", "json").json
    assert made.keys() == wanted.keys() and len(made["code"]) == len(wanted["code"])
