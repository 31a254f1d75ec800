"""The page of people: who belongs, who waits for what, and each act written into the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.storage.home import keystore
from tests.builders.browser import browser
from tests.builders.commons import Commons
from tests.builders.weal import founder, weal
from tests.web.people.conftest import Lanxi, id_of

PASSPHRASE = "correct horse battery"


def test_members_newcomers_roles_and_agents_are_shown(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/people")
        text, page = mei.text, mei.page.text
        mei.get("/people", "zh")
        chinese = mei.text
    assert "3 members" in text and "Mei you founder" in text
    assert "1 of 2 vouches missing" in text and "invited by Mei" in text
    assert "Bo wants to serve as promoter 0 of 1 endorsements" in text
    assert "Comes after: promoter or producer" in text
    assert "A share of the surplus by work." in text
    assert "Next step for you: hold consumer or promoter first." in text
    assert "Next step for you: claim it; it is yours at once." in text
    assert "<b>Mill" not in page and "\u202e" not in page
    assert "按劳动分得盈余的一份。" in chinese and "A share of the surplus" not in chinese
    assert "还缺 1 份担保（共须 2 份）" in chinese and "3 名成员" in chinese


def test_a_vouch_lets_a_newcomer_in(copy: Callable[[], Commons]) -> None:
    home = copy().ana
    newcomer = id_of(home, "requested")
    with browser(home.path) as ana:
        ana.get("/people")
        ana.post("/people/vouch", {"member": newcomer})
        assert "That is enough: they are a member." in ana.text
        assert "4 members" in ana.text and "Waiting to join" not in ana.text
        assert ana.post("/people/vouch", {"member": newcomer}).status_code == 422
    with Member(home) as member:
        assert {row.status for row in member.members()} == {"active"}


def test_a_newcomer_stands_with_their_id_and_with_their_name_where_it_is_known(
    copy: Callable[[], Commons],
) -> None:
    village = copy()
    newcomer = id_of(village.ana, "requested")
    with browser(village.ana.path) as ana:
        ana.get("/people")
        assert f"A newcomer {newcomer[:8]} 1 of 2 vouches missing" in ana.text
        assert "Ask Mei, who invited them, who it is." in ana.text
        assert f"?{newcomer[:8]}" not in ana.text
    bo = id_of(village.mei, "Bo")
    village.good(village.bo, "leave", "--yes")
    village.seal()
    link = village.json(village.mei, "invite", "create")["link"]
    weal("join", link, "--home", village.bo.path, "--seconds", "0")
    village.meet()
    with browser(village.ana.path) as ana:
        ana.get("/")
        assert f"Bo {bo[:8]} · until" in ana.text
        ana.get("/people")
        assert f"Bo {bo[:8]} 1 of 2 vouches missing" in ana.text


def test_who_invited_sees_that_their_word_counts_already(lanxi: Lanxi) -> None:
    with browser(lanxi.mei.path) as mei:
        mei.get("/people")
        assert "Vouch for" not in mei.text
        answer = mei.post("/people/vouch", {"member": id_of(lanxi.mei, "requested")})
    assert answer.status_code == 422 and 'role="alert"' in answer.text


def test_a_role_is_claimed_endorsed_and_given_back(copy: Callable[[], Commons]) -> None:
    lanxi = copy()
    with browser(lanxi.mei.path) as mei:
        mei.get("/people")
        mei.post("/people/endorse", {"member": id_of(lanxi.mei, "Bo"), "role": "promoter"})
        assert "You endorsed it." in mei.text and "Roles that others claim" not in mei.text
        mei.post("/people/claim", {"role": "consumer"})
        assert "The role is yours." in mei.text
        mei.post("/people/claim", {"role": "producer"})
        assert "You claimed it. 1 member must endorse it." in mei.text
        assert "you claim it: 0 of 1 endorsements" in mei.text
        mei.post("/people/resign", {"role": "producer"})
        assert "You gave it back." in mei.text
    with Member(lanxi.mei) as member:
        held = {row.name: row.roles for row in member.members() if row.status == "active"}
    assert held["Bo"] == ("consumer", "promoter")
    assert held["Mei"] == ("consumer", "witness")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("claim", {"role": "co-owner"}),
        ("claim", {"role": "<script>"}),
        ("claim", {"role": "witness"}),
        ("resign", {"role": "producer"}),
        ("endorse", {"member": "", "role": "promoter"}),
        ("endorse", {"member": "zz", "role": "x" * 500}),
        ("vouch", {"member": "nobody"}),
        ("agents", {"name": "  "}),
        ("agents", {"name": "x" * 200}),
        ("agents/claim", {"agent": "00" * 16}),
        ("referral", {"member": ""}),
    ],
)
def test_what_cannot_be_done_is_told_in_words(
    lanxi: Lanxi, path: str, form: dict[str, str]
) -> None:
    with browser(lanxi.bo.path) as bo:
        bo.get("/people")
        answer = bo.post(f"/people/{path}", form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text and "<script>" not in answer.text


def test_agents_outside_are_named_and_claimed(copy: Callable[[], Commons]) -> None:
    home = copy().mei
    with browser(home.path) as mei:
        mei.get("/people")
        mei.post("/people/agents", {"name": "Market hall"})
        assert "They can be named in contributions now." in mei.text and "Market hall" in mei.text
        with Member(home) as member:
            agent = next(a.agent.hex() for a in member.outside_agents() if a.name == "Market hall")
        mei.post("/people/agents/claim", {"agent": agent})
        assert "It counts once another member attests it." in mei.text
        mei.post("/people/referral", {"member": id_of(home, "Bo")})
        assert "It is written who brought you here." in mei.text
        mei.get("/people")
        assert mei.post("/people/referral", {"member": id_of(home, "Ana")}).status_code == 422


def test_one_member_is_shown_and_a_removal_proposed(copy: Callable[[], Commons]) -> None:
    home = copy().ana
    bo = id_of(home, "Bo")
    with browser(home.path) as ana:
        ana.get(f"/people/{bo}")
        assert "claims" not in ana.text.partition("What they gave")[0].partition("Bo")[0]
        assert "Propose to remove Bo" in ana.text and "Leave for good" not in ana.text
        assert ana.post(f"/people/{bo}/remove", {"why": " "}).status_code == 422
        ana.post(f"/people/{bo}/remove", {"why": "Took the till.\n<i>Twice.</i>"})
        assert "The removal is proposed. 2 members can vote on it." in ana.text
        assert "Took the till." in ana.text and "<i>" not in ana.page.text
        assert ana.get("/people/" + "0" * 64).status_code == 404


def test_leaving_asks_to_be_sure_and_is_only_for_oneself(copy: Callable[[], Commons]) -> None:
    home = copy().bo
    me, mei = id_of(home, "Bo"), id_of(home, "Mei")
    with browser(home.path) as bo:
        bo.get(f"/people/{me}")
        assert bo.post(f"/people/{me}/leave").status_code == 422
        assert bo.post(f"/people/{mei}/leave", {"sure": "yes"}).status_code == 404
        bo.post(f"/people/{me}/leave", {"sure": "yes"})
        assert "You left the community." in bo.text
    with Member(home) as member:
        assert next(row.status for row in member.members() if row.you) == "left"


def test_leaving_asks_for_the_passphrase(copy: Callable[[], Commons]) -> None:
    home = copy().bo
    keystore.change_passphrase(home.keystore, None, PASSPHRASE)
    me = id_of(home, "Bo")
    with browser(home.path) as bo:
        bo.get(f"/people/{me}")
        for wrong in ("", "wrong horse"):
            answer = bo.post(f"/people/{me}/leave", {"sure": "yes", "passphrase": wrong})
            assert answer.status_code == 422
        with Member(home) as member:
            assert next(row.status for row in member.members() if row.you) == "active"
        bo.post(f"/people/{me}/leave", {"sure": "yes", "passphrase": PASSPHRASE})
        assert "You left the community." in bo.text


def test_a_node_that_runs_does_not_let_a_member_go_without_the_passphrase(
    copy: Callable[[], Commons],
) -> None:
    home = copy().bo
    keystore.change_passphrase(home.keystore, None, PASSPHRASE)
    me = id_of(home, "Bo")
    with Member(home, passphrase=PASSPHRASE) as member, browser(home.path) as bo:
        member.start_node(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)
        try:
            bo.get(f"/people/{me}")
            answer = bo.post(f"/people/{me}/leave", {"sure": "yes", "passphrase": "wrong horse"})
            member.refresh()
            status = next(row.status for row in member.members() if row.you)
        finally:
            member.stop_node()
    assert (answer.status_code, status) == (422, "active")


def test_a_community_of_one_is_taught(tmp_path: Path) -> None:
    with browser(founder(tmp_path / "ann")) as ann:
        ann.get("/people")
        assert "1 member" in ann.text and "Invite somebody" in ann.text
        assert "Nobody outside was named yet." in ann.text


@pytest.mark.parametrize("path", ["/people", "/votes", "/rules", "/rules/change", "/settings/keys"])
def test_who_waits_can_read_and_is_told_why_they_cannot_act(lanxi: Lanxi, path: str) -> None:
    with browser(lanxi.li.path) as li:
        answer = li.get(path)
        assert answer.status_code == 200
        li.get("/people")
        assert "1 of 2 vouches missing" in li.text
        assert "Vouch for" not in li.text and "Claim this role" not in li.text
        refused = li.post("/people/agents", {"name": "Market hall"})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("act", "page"),
    [
        ("/people/vouch", "/people"),
        ("/people/agents/claim", "/people"),
        ("/people/{me}/leave", "/people/{me}"),
        ("/settings/keys/give", "/settings/keys"),
    ],
)
def test_the_address_of_an_act_leads_to_its_page(lanxi: Lanxi, act: str, page: str) -> None:
    me = id_of(lanxi.mei, "Mei")
    with browser(lanxi.mei.path) as mei:
        answer = mei.get(act.format(me=me))
    assert (answer.status_code, answer.url.path) == (200, page.format(me=me))
