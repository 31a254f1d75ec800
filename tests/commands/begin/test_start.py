"""`weal start`: the member's way in, typed line by line; and a member's other devices."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.community.homes import found_community, make_home
from commonweal.client.community.standing import WAITING
from commonweal.commands.node import up
from commonweal.node.control import code_fetch
from commonweal.protocol import keys
from commonweal.protocol.errors import NodeNotStarted
from commonweal.protocol.identity import founding, join_code
from commonweal.protocol.identity import invite as links
from commonweal.protocol.identity.identity import inception_from_entropy, member_signer
from commonweal.protocol.identity.invite import Contact
from commonweal.protocol.identity.join_code import JoinCode
from commonweal.protocol.keys import PeerKey
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.commons import meet
from tests.builders.weal import founder, good, member, weal

pytestmark = pytest.mark.usefixtures("started")


def test_a_founder_comes_in_with_a_few_lines(tmp_path: Path, started: list[Home]) -> None:
    home = tmp_path / "home"
    ran = good("start", "--home", home, answers="Mei\n\n\n\nLanxi\n\n")
    assert [one.path for one in started] == [home]
    assert " 24 " in ran.out
    assert "weal://" in ran.out
    status = good("status", "--home", home, "-o", "json").json
    assert (status["community_name"], status["member_name"]) == ("Lanxi", "Mei")
    assert not keystore.needs_passphrase(home / "keystore")
    assert len(good("invite", "list", "--home", home, "-o", "json").json["invites"]) == 1


@pytest.mark.parametrize("typed", ["2", "open-source", "9\nrules\nOpen-Source"])
def test_a_founder_is_offered_the_templates(typed: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = good("start", "--home", home, answers=f"Mei\n\n\n\nLanxi\n{typed}\n")
    assert "2 open-source: makers of something public" in ran.out
    assert ran.out.count("no such rules") == typed.count("\n")
    assert good("rules", "show", "--home", home, "-o", "json").json["document"]["pools"]


@pytest.mark.parametrize(("rules", "shares"), [("time-bank", True), ("none", False)])
def test_rules_that_are_given_are_not_asked_for(rules: str, shares: bool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = good("start", "--rules", rules, "--home", home, answers="Mei\n\n\n\nLanxi\n")
    assert "By which rules" not in ran.out
    document = good("rules", "show", "--home", home, "-o", "json").json["document"]
    assert bool(document.get("pools")) is shares


def test_rules_that_cannot_be_read_are_told_before_a_home_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert weal("start", "--rules", "open-sauce", "--home", home, answers="Mei\n").code == 65
    assert not home.exists()


def test_rules_are_for_who_founds(tmp_path: Path) -> None:
    link = good("invite", "create", "--home", founder(tmp_path / "a"), "-o", "json").json["link"]
    ran = weal("start", link, "--rules", "none", "--home", tmp_path / "home", answers="Bo\n")
    assert ran.code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("is_pasted", [False, True], ids=["typed", "pasted"])
def test_a_newcomer_comes_in_with_a_link(
    is_pasted: bool, tmp_path: Path, started: list[Home]
) -> None:
    ann = founder(tmp_path / "ann")
    link = good("invite", "create", "--home", ann, "-o", "json").json["link"]
    home = tmp_path / "home"
    if is_pasted:
        lines = f"Bo\n\n\nnot a link\n{link}\n"
        ran = good("start", "--home", home, answers=lines)
        assert "This link cannot be read" in ran.out
    else:
        ran = good("start", link, "--home", home, answers="Bo\n\n\n")
    assert "waits" in ran.out
    assert [one.path for one in started] == [home]
    assert good("status", "--home", home, "-o", "json").json["state"] == WAITING


def test_a_member_starts_with_a_link_and_its_addresses_are_used(
    tmp_path: Path, started: list[Home]
) -> None:
    ann, far = founder(tmp_path / "ann"), "/ip4/192.0.2.9/tcp/4001"
    link = good("invite", "create", "--home", ann, "-o", "json").json["link"]
    other = founder(tmp_path / "eve", "Eve", "Else")
    foreign = good("invite", "create", "--home", other, "-o", "json").json["link"]
    contact = Contact(PeerKey(b"b" * 32), (far,))
    there = links.to_text(replace(links.from_text(link), contacts=(contact,)))
    assert far in good("start", there, "--home", ann).out
    with Home(ann).store(readonly=True) as store:
        assert [(one.addresses, one.source) for one in store.addresses()] == [((far,), "link")]
    assert len(started) == 1
    ran = weal("start", foreign, "--home", ann)
    assert ran.code == 78 and "one home is one community" in ran.err
    with Home(ann).lock():
        ran = weal("start", foreign, "--home", ann)
    assert ran.code == 78 and "one home is one community" in ran.err
    assert len(started) == 1


@pytest.mark.parametrize("is_typed_later", [False, True], ids=["argument", "answer"])
def test_a_newcomer_comes_in_with_a_code(
    is_typed_later: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, home = founder(tmp_path / "ann"), tmp_path / "home"
    invite = good("invite", "create", "--home", ann, "-o", "json").json
    assert invite["code"] is None  # no node runs
    code = join_code.to_text(JoinCode("/ip4/192.0.2.7/tcp/4001", bytes(10)))
    asked: list[JoinCode] = []

    def fetch(wanted: JoinCode) -> str:
        asked.append(wanted)
        return str(invite["link"])

    monkeypatch.setattr(code_fetch, "fetch_link", fetch)
    if is_typed_later:
        wrong = code[:-2] + "ZZ"
        ran = good("start", "--home", home, answers=f"Bo\n\n\n{wrong}\n{code.lower()}\n")
        assert "a character of the code is mistyped" in ran.out
    else:
        good("start", code, "--home", home, answers="Bo\n\n\n")
    assert [wanted.address for wanted in asked] == ["/ip4/192.0.2.7/tcp/4001"]
    assert good("status", "--home", home, "-o", "json").json["state"] == WAITING


def test_a_mistyped_code_is_told_before_a_home_is_made(tmp_path: Path) -> None:
    code = join_code.to_text(JoinCode("/ip4/192.0.2.7/tcp/4001", bytes(10)))
    for command in ("start", "join"):
        ran = weal(command, code[:-2] + "ZZ", "--home", tmp_path / "home", answers="Bo\n")
        assert (ran.code, "mistyped" in ran.err) == (65, True)
    assert not (tmp_path / "home").exists()


def test_a_code_of_nowhere_is_not_dialled(tmp_path: Path) -> None:
    code = join_code.to_text(JoinCode("/ip4/224.0.0.1/tcp/4001", bytes(10)))
    ran = weal("join", code, "--home", member(tmp_path / "home"))
    assert (ran.code, "no address that can be dialled" in ran.err) == (65, True)


def test_a_bad_link_is_told_before_a_home_is_made(tmp_path: Path, started: list[Home]) -> None:
    ran = weal("start", "weal://broken", "--home", tmp_path / "home", answers="Bo\n")
    assert ran.code == 65
    assert not (tmp_path / "home").exists()
    assert started == []


def test_a_bad_name_is_asked_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = good("start", "--home", home, answers=f"{'x' * 81}\nMei\n\n\n\nLanxi\n\n")
    assert "1 to 64" in ran.out
    assert good("status", "--home", home, "-o", "json").json["member_name"] == "Mei"


def test_a_home_that_stands_is_only_started(tmp_path: Path, started: list[Home]) -> None:
    home = founder(tmp_path / "home")
    assert "weal://" in good("start", "--home", home).out  # a founder alone needs a first member
    before = good("status", "--home", home, "-o", "json").json
    assert "weal://" not in good("start", "--home", home).out
    assert len(started) == 2
    assert good("status", "--home", home, "-o", "json").json == before
    with Home(home).lock():
        good("start", "--home", home)
    assert len(started) == 2


def test_answers_that_end_early_end_quietly(tmp_path: Path, started: list[Home]) -> None:
    ran = weal("start", "--home", tmp_path / "home", answers="")
    assert (ran.code, ran.err, started) == (130, "", [])
    assert not (tmp_path / "home" / "ledger.db").exists()


@pytest.mark.parametrize("refused", ["mdns", "port_mapping", "relay", None])
def test_what_the_node_does_not_do_is_handed_on(
    refused: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def start(*_about: object, **how: object) -> list[str]:
        told.update(how)
        return []

    monkeypatch.setattr(up, "start", start)
    flag = [] if refused is None else [f"--no-{refused.replace('_', '-')}"]
    good("start", "--home", founder(tmp_path / "home"), *flag)
    flags = {name: told[name] for name in ("mdns", "port_mapping", "relay")}
    assert flags == {name: name != refused for name in flags}


def test_a_node_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_about: Any, **_how: Any) -> list[str]:
        raise NodeNotStarted("the port is taken")

    monkeypatch.setattr(up, "start", fail)
    ran = weal("start", "--home", founder(tmp_path / "home"))
    assert ran.code == NodeNotStarted.exit_code
    assert "the port is taken" in ran.err


def second_device(home: Path) -> str:
    """Enrol another device of the home's member, as a restored home would; return its id."""
    secrets = keystore.unlock(home / "keystore", None)
    assert secrets.member_entropy is not None
    seed = os.urandom(32)
    signer = keys.device_signer(seed)
    with Home(home).store() as store:
        community = Settings.read(store).here
        enrolled = founding.enrol(
            member_signer(secrets.member_entropy),
            inception_from_entropy(secrets.member_entropy),
            signer,
            keys.peer_signer(seed),
            community,
            1,
        )
        store.append(enrolled.author, [enrolled])
        store.commit()
    return signer.key.hex()


def test_a_lost_device_is_ended_from_another(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    lost = second_device(home)
    rows = good("device", "list", "--home", home, "-o", "json").json["devices"]
    assert {row["device"]: row["status"] for row in rows}[lost] == "active"
    ended = good("device", "revoke", lost[:10], "--home", home, "-o", "json").json
    assert (ended["device"], ended["last"]) == (lost, 0)
    rows = good("device", "list", "--member", "Ann", "--home", home, "-o", "json").json["devices"]
    assert {row["device"]: row["status"] for row in rows}[lost] == "revoked"
    assert sorted(row["status"] for row in rows) == ["active", "revoked"]


def test_devices_and_invites_stand_as_the_rules_in_force_say(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('name = "Lanxi"\n[membership]\nvouches = 2\nen = "Two."\nzh = "两人。"\n')
    mei = Home(tmp_path / "mei")
    make_home(mei, "Mei", None, "en")
    found_community(mei, "Lanxi", rules=str(rules))
    stands = []
    (own,) = good("members", "-o", "json", "--home", mei.path).json["members"]
    known = {own["member"]: None}
    for name in ("Bo", "Chen"):
        link = homes.invited(mei)
        assert link.invite is not None
        meet(mei, homes.newcomer(tmp_path / name, link, name))
        listed = good("members", "-o", "json", "--home", mei.path).json["members"]
        (newcomer,) = [one["member"] for one in listed if one["member"] not in known]
        known[newcomer] = None
        of_member = ("device", "list", "--member", newcomer[:12])
        (row,) = good(*of_member, "-o", "json", "--home", mei.path).json["devices"]
        used = {
            one["id"]: one["used"]
            for one in good("invite", "list", "-o", "json", "--home", mei.path).json["invites"]
        }
        stands.append((row["status"], used[link.invite.id.hex()]))
    # Mei, by the invite, is all who can vouch for Bo; of Chen the rules ask that Bo does too.
    assert stands == [("active", 1), ("requested", 0)]


def test_a_member_is_named_by_enough_of_his_id(tmp_path: Path) -> None:
    home = founder(tmp_path / "home")
    ran = weal("ledger", "--member", "zz", "--home", home)
    assert ran.code == 65
    own = good("status", "--home", home, "-o", "json").json["member"]
    assert good("ledger", "--member", own[:8], "--home", home, "-o", "json").json["total"] == 0
    assert weal("ledger", "--member", own[:3], "--home", home).code == 65


def test_a_home_without_a_community_is_told_the_next_step(tmp_path: Path) -> None:
    home = member(tmp_path / "home")
    assert "weal found" in good("status", "--home", home).out
