"""Who left comes back, and a name means who is a member now."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.client.community.homes import LANGUAGES
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.identity.identity import inception_from_entropy
from commonweal.protocol.identity.phrase import phrase_from_entropy
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.commons import Commons, meet
from tests.builders.git_histories import commit, git
from tests.builders.weal import good, weal
from tests.commands.keep.test_refound import running, until
from tests.commands.members.test_seats import state
from tests.node.service.test_admission import THREE


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community."""
    made = Commons(tmp_path_factory.mktemp("commons"))
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def ask(home: Home, link: str) -> int:
    """Ask to join under a link while no node is reached; return how that ends."""
    return weal("join", link, "--home", home.path, "--seconds", "0").code


def link_of(lanxi: Commons, uses: int = 1) -> str:
    link: str = lanxi.json(lanxi.mei, "invite", "create", "--uses", str(uses))["link"]
    return link


# Coming back.


def test_who_left_is_a_member_again_by_a_new_invite_from_the_same_home(lanxi: Commons) -> None:
    given = lanxi.json(lanxi.bo, "record", "work", "2", "hours")["id"]
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    for _ in range(2):  # and leave once more
        link, before = link_of(lanxi), lanxi.records(lanxi.bo)
        assert ask(lanxi.bo, link) == 69
        assert ask(lanxi.bo, link) == 69, "asked again, and nothing more is written"
        assert lanxi.records(lanxi.bo) == before + 1
        assert state(lanxi.bo.path) == "waiting-for-admission"
        lanxi.meet()
        assert state(lanxi.bo.path) == "member"
        assert ask(lanxi.bo, link) == 0
        lanxi.good(lanxi.bo, "record", "work", "1", "hour")
        lanxi.seal()
        assert state(lanxi.bo.path) == "member"
        lanxi.good(lanxi.bo, "leave", "--yes")
        lanxi.seal()
        assert state(lanxi.bo.path) == "left"
    lanxi.good(lanxi.mei, "attest", given)


def test_who_left_does_not_come_back_by_an_invite_that_ended(lanxi: Commons) -> None:
    theirs = lanxi.json(lanxi.bo, "invite", "create", "--uses", "5")["link"]
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    assert ask(lanxi.bo, theirs) == 69
    lanxi.meet()
    lanxi.seal()
    assert state(lanxi.bo.path) == "refused"
    members = lanxi.json(lanxi.mei, "members")["members"]
    assert {one["name"]: one["status"] for one in members}["Bo"] == "left"
    assert lanxi.refused(lanxi.bo, "record", "work", "1", "hour").code == 77


def test_who_asked_twice_and_left_is_not_brought_back_by_the_other_request(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(THREE.replace("vouches = 3", "vouches = 2"), "utf-8")
    mei = homes.founder(tmp_path / "mei", rules=str(rules))
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei), "Bo")
    meet(mei, bo)
    link = good("invite", "create", "--home", mei.path, "-o", "json").json["link"]
    cleo = homes.newcomer(tmp_path / "cleo", homes.invited(mei), "Cleo")
    assert ask(cleo, link) == 69
    meet(mei, bo, cleo)
    id = good("status", "--home", cleo.path, "-o", "json").json["member"]
    good("vouch", id, "--home", bo.path)
    meet(mei, bo, cleo)
    assert state(cleo.path) == "member"
    good("leave", "--yes", "--home", cleo.path)
    meet(mei, bo, cleo)
    ran = weal("vouch", id, "--home", bo.path)
    assert ran.code == 65 and "nobody asks" in ran.err


def test_who_left_and_lost_the_device_comes_back_with_the_words(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    secrets = keystore.unlock(lanxi.bo.keystore, None)
    assert secrets.member_entropy is not None
    words = lanxi.bo.path.parent / "words"
    words.write_text(phrase_from_entropy(secrets.member_entropy, LANGUAGES["en"]))
    shutil.rmtree(lanxi.bo.path)
    link = link_of(lanxi)
    made = ("restore", "--words-file", words, "--contact", link, "--no-passphrase")
    lanxi.good(lanxi.bo, *made)
    with running(lanxi.mei.path):
        lanxi.good(lanxi.bo, "join", link)
        with running(lanxi.bo.path):
            until(lambda: state(lanxi.bo.path) == "member")
            lanxi.good(lanxi.bo, "record", "work", "1", "hour", "--wait", "1")
    member = inception_from_entropy(secrets.member_entropy).member
    with lanxi.bo.store(readonly=True) as store:
        assert Settings.read(store).member == member


# Names.


def second_bo(lanxi: Commons, folder: Path) -> str:
    """Let Bo leave and another Bo come; return the id of the new one."""
    lanxi.good(lanxi.bo, "record", "work", "5", "hours")
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    other = homes.newcomer(folder / "other", homes.invited(lanxi.mei), "Bo")
    meet(*lanxi.all, other)
    homes.write(other, Wish("member.profile", {}, text=Text("text/plain", b"Bo")))
    meet(*lanxi.all, other)
    id: str = good("status", "--home", other.path, "-o", "json").json["member"]
    return id


def test_a_name_means_the_member_where_another_of_the_name_left(
    lanxi: Commons, tmp_path: Path
) -> None:
    id = second_bo(lanxi, tmp_path)
    lanxi.good(lanxi.mei, "record", "work", "3", "hours", "--provider", "Bo")
    (listed,) = lanxi.json(lanxi.mei, "ledger", "--member", "Bo")["records"]
    assert (listed["member"], listed["quantity"]) == (id, "3")
    assert lanxi.json(lanxi.mei, "balance", "Bo")["member"] == id
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("who,what,n,unit\nBo,work,7,hour\n")
    columns = "provider=who,action=what,quantity=n,unit=unit"
    lanxi.good(lanxi.mei, "import", "csv", "--yes", sheet, "--map", columns)
    listed = lanxi.json(lanxi.mei, "ledger", "--member", "Bo")["records"]
    assert [one["member"] for one in listed] == [id, id]


def test_the_name_of_who_left_reads_their_history_and_writes_nothing(lanxi: Commons) -> None:
    lanxi.good(lanxi.bo, "record", "work", "5", "hours")
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    (listed,) = lanxi.json(lanxi.mei, "ledger", "--member", "Bo")["records"]
    assert listed["quantity"] == "5"
    lanxi.good(lanxi.mei, "attest", "--member", "Bo")
    record = ("record", "work", "1", "hour", "--provider")
    refused = lanxi.refused(lanxi.mei, *record, "Bo")
    assert refused.code == 65 and "a former member" in refused.err
    assert lanxi.refused(lanxi.mei, "remove", "Bo", "--yes").code == 65
    lanxi.good(lanxi.mei, *record, listed["member"])


def test_an_authors_file_names_nobody_who_left(lanxi: Commons, tmp_path: Path) -> None:
    lanxi.good(lanxi.bo, "leave", "--yes")
    lanxi.seal()
    made = tmp_path / "garden"
    made.mkdir()
    git(made, "init", "--quiet")
    commit(made, "first", ("Ada", "ada@example.org"))
    authors = tmp_path / "authors"
    authors.write_text("Bo <ada@example.org>\n")
    ran = lanxi.refused(lanxi.mei, "import", "git", "--yes", made, "--authors", authors)
    assert ran.code == 65 and "a former member" in ran.err


def test_a_removal_is_asked_about_before_it_is_proposed(lanxi: Commons) -> None:
    before = lanxi.records(lanxi.mei)
    refused = lanxi.refused(lanxi.mei, "remove", "Bo")
    assert refused.code == 2 and "--yes" in refused.err
    assert lanxi.records(lanxi.mei) == before
    lanxi.good(lanxi.mei, "remove", "Bo", "--yes")
    assert lanxi.records(lanxi.mei) == before + 1


# What others know and this node does not.


def test_who_was_removed_while_away_is_told_that_the_others_refuse_them(lanxi: Commons) -> None:
    id = lanxi.json(lanxi.mei, "remove", "Bo", "--yes")["id"]
    lanxi.good(lanxi.mei, "rules", "vote", id[:12], "yes")
    meet(lanxi.mei, lanxi.ana)
    lanxi.good(lanxi.ana, "rules", "vote", id[:12], "yes")
    meet(lanxi.mei, lanxi.ana)
    lanxi.good(lanxi.mei, "seal")
    assert state(lanxi.bo.path) == "member"
    assert lanxi.json(lanxi.bo, "status")["refused"] is None
    with running(lanxi.mei.path), running(lanxi.bo.path):
        until(lambda: bool(lanxi.json(lanxi.bo, "status")["refused"]))
        assert "refuse this device" in lanxi.good(lanxi.bo, "status").out
        assert "refuse this device" in lanxi.good(lanxi.bo, "record", "work", "1", "hour").err
