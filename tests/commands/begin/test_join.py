"""Joining by a link: the request, the addresses of a link, and links that are not whole."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from commonweal.client.community.join_requests import BAD_LINKS, places
from commonweal.client.language.words import words_in
from commonweal.node.control.messages.control import Meet
from commonweal.node.control.messages.question import Done
from commonweal.protocol.errors import BadLink, NotReachable, UsageError
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity import join_code
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.keys import PeerKey
from commonweal.protocol.records.record import CommunityId
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.address_book import Address
from tests.builders.weal import founder, good, member, weal
from tests.commands.node.test_node import node


def link_of(home: Path) -> str:
    text: str = good("invite", "create", "--home", home, "-o", "json").json["link"]
    return text


def knocks(monkeypatch: pytest.MonkeyPatch, ends: str | Exception) -> list[Any]:
    """Stand at the door of the network: note who knocks, and answer as told."""
    heard: list[Any] = []

    def knock(*about: Any) -> str:
        heard.append(about)
        if isinstance(ends, Exception):
            raise ends
        return ends

    door = ModuleType("commonweal.node.control.join_once")
    door.request_admission = knock  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "commonweal.node.control.join_once", door)
    return heard


def test_a_request_is_kept_when_no_node_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    link = link_of(ann)
    heard = knocks(monkeypatch, NotReachable("nobody"))
    ran = weal("join", link, "--home", bo)
    assert ran.code == 69
    assert "the request is kept" in ran.err
    dialled = places(links.from_text(link))
    for contact in dialled.contacts:
        for address in contact.addresses:
            assert address in ran.out
    assert len(heard) == 1
    status = good("status", "--home", bo, "-o", "json").json
    assert status["state"] == "waiting-for-admission"
    assert status["community"] == links.from_text(link).community.hex()
    assert status["records"] == 2
    with Home(bo).store(readonly=True) as store:
        assert Settings.read(store).link == links.to_text(dialled)
        assert len(store.addresses()) == 1


def test_joining_again_knocks_again_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    link = link_of(ann)
    heard = knocks(monkeypatch, "waiting-for-admission")
    good("join", link, "--home", bo)
    ran = good("join", f"  {link[:40]}\n {link[40:]}\n", "--home", bo, "-o", "json")
    assert ran.json["state"] == "waiting-for-admission"
    assert len(heard) == 2
    assert good("status", "--home", bo, "-o", "json").json["records"] == 2
    good("join", link_of(ann), "--home", bo)
    assert good("status", "--home", bo, "-o", "json").json["records"] == 3


def test_one_home_does_not_join_a_second_community(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, other = founder(tmp_path / "ann"), founder(tmp_path / "other", "Eve", "Else")
    knocks(monkeypatch, "waiting-for-admission")
    ran = weal("join", link_of(other), "--home", ann)
    assert ran.code == 78
    assert "one home is one community" in ran.err
    assert weal("join", link_of(ann), "--home", ann).code == 78


def moved(link: str, address: str, peer: bytes | None = None) -> str:
    """Return a link whose only node is at another address, or is another node."""
    found = links.from_text(link)
    contact = Contact(PeerKey(peer or found.contacts[0].peer), (address,))
    return links.to_text(replace(found, contacts=(contact,)))


def test_a_member_enters_a_link_for_its_addresses_and_nothing_is_lost(tmp_path: Path) -> None:
    ann = founder(tmp_path / "ann")
    before = good("status", "--home", ann, "-o", "json").json["records"]
    old = Address(PeerKey(b"b" * 32), None, ("/ip4/192.0.2.1/tcp/1",), b"signed", 7, "signed", "x")
    with Home(ann).store() as store:
        store.put_address(old)
        store.commit()
    link = moved(link_of(ann), "/ip4/192.0.2.9/tcp/4001", b"b" * 32)
    ran = good("join", link, "--home", ann)
    assert "/ip4/192.0.2.9/tcp/4001" in ran.out and "weal up" in ran.out
    with Home(ann).store(readonly=True) as store:
        assert store.addresses() == [
            old._replace(addresses=("/ip4/192.0.2.9/tcp/4001", *old.addresses), source="link")
        ]
    ran = good("join", without(link), "--home", ann, "-o", "json")
    assert ran.json["state"] == "member" and ran.json["tried"] == ["/ip4/192.0.2.9/tcp/4001"]
    records = good("status", "--home", ann, "-o", "json").json["records"]
    assert records == before + 1, "the invite, and no request"
    many = [moved(link, f"/ip4/192.0.2.{number}/tcp/4001", b"b" * 32) for number in range(20, 40)]
    for one in many:
        good("join", one, "--home", ann)
    with Home(ann).store(readonly=True) as store:
        assert len(store.addresses()[0].addresses) == links.ADDRESSES_MAX


def test_a_running_node_is_told_of_the_link_and_not_of_its_invite(tmp_path: Path) -> None:
    ann = founder(tmp_path / "ann")
    link = moved(link_of(ann), "/ip4/192.0.2.9/tcp/4001", b"b" * 32)
    with node(ann, {"meet": [Done()]}) as heard:
        ran = good("join", link, "--home", ann)
    assert heard == [Meet(without(link))]
    assert "weal up" not in ran.out


def test_a_newcomer_writes_nothing_before_he_is_admitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    knocks(monkeypatch, "waiting-for-admission")
    good("join", link_of(ann), "--home", bo)
    ran = weal("record", "work", "1", "hour", "--home", bo)
    assert ran.code == 75
    assert good("status", "--home", bo, "-o", "json").json["records"] == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link[:-5],
        lambda link: link[:50] + "A" + link[50:],
        lambda link: link.replace("weal://", "http://"),
        lambda link: "weal://",
        lambda link: "weal://" + "A" * 5000,
        lambda link: "",
        lambda link: "weal://\x1b[2J",
        lambda link: links.to_text(without_invite(link)),
    ],
    ids=["cut", "changed", "scheme", "empty", "long", "nothing", "escape", "no invite"],
)
def test_a_link_that_is_not_whole_is_refused_and_nothing_written(
    change: Any, tmp_path: Path
) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    ran = weal("join", change(link_of(ann)), "--home", bo)
    assert ran.code == 65
    assert "This link cannot be read" in ran.err
    assert "\x1b" not in ran.err
    assert good("status", "--home", bo, "-o", "json").json["state"] == "no-community"


def without(text: str) -> str:
    return links.to_text(without_invite(text))


def without_invite(text: str) -> CommunityLink:
    link = links.from_text(text)
    return replace(link, invite=None)


def test_a_mistyped_community_does_not_hold_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = founder(tmp_path / "ann"), member(tmp_path / "bo", "Bo")
    link = links.from_text(link_of(ann))
    wrong = links.to_text(replace(link, community=CommunityId(b"\7" * 32)))
    knocks(monkeypatch, NotReachable("nobody"))
    assert weal("join", wrong, "--home", bo).code == 69
    with Home(bo).store(readonly=True) as store:
        device = Settings.read(store).device
        asked = store.log(device).head
    assert weal("join", links.to_text(link), "--home", bo).code == 69
    with Home(bo).store(readonly=True) as store:
        settings = Settings.read(store)
        assert settings.community == link.community
        assert [row.author for row in store.logs()] == [device]
        assert store.record(asked) is None, "the request to nobody is gone"
        request = store.record(store.log(device).head)
        assert request is not None and link.invite is not None
        assert request.data["invite"] == link.invite.id
    assert good("status", "--home", bo, "-o", "json").json["state"] == "waiting-for-admission"


def test_a_home_that_is_in_a_community_stays_there(tmp_path: Path) -> None:
    ann, bo = founder(tmp_path / "ann"), founder(tmp_path / "bo")
    ran = weal("join", link_of(ann), "--home", bo)
    assert ran.code and "in a community already" in ran.err
    assert good("members", "--home", bo).out


def test_what_is_wrong_with_a_link_is_said_in_the_language_of_the_reader() -> None:
    sources = [Path(str(module.__file__)).read_text("utf-8") for module in (links, join_code)]
    said = [text for source in sources for text in re.findall(r'BadLink\("([^"]+)"\)', source)]
    assert len(said) == 7
    forms: list[str] = []
    for typed in ("abc", "weal://abc", "https://example.org"):
        for read in (links.from_text, join_code.from_text):
            with pytest.raises(BadLink) as caught:
                read(typed)
            forms.append(str(caught.value))
    assert {*said, *forms} <= {*BAD_LINKS}
    chinese = words_in("zh")
    assert all(chinese.details(BadLink(text)) != text for text in BAD_LINKS)
    assert chinese.details(UsageError(BAD_LINKS[0])) == BAD_LINKS[0], "others name what was typed"
