"""A home was copied and both copies wrote: what does not count is named, and recorded again."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from commonweal.client.community.homes import LANGUAGES
from commonweal.node.service.events import Text, Wish
from commonweal.protocol.identity.phrase import phrase_from_entropy
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.fork_proof import ForkProof
from commonweal.protocol.records.record import from_bytes
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from tests.builders import homes
from tests.builders.commons import Commons
from tests.commands.keep.test_refound import running, until
from tests.commands.members.test_seats import state


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Commons]:
    """Give copies of one community."""
    made = Commons(tmp_path_factory.mktemp("commons"))
    made.seal()
    return made.copies(tmp_path_factory)


@pytest.fixture
def lanxi(scene: Callable[[], Commons]) -> Commons:
    return scene()


def forked(lanxi: Commons) -> Home:
    """Let Bo copy the home, write in both, and meet the others; return the copy."""
    copy = Home(lanxi.bo.path.parent / "copy")
    shutil.copytree(lanxi.bo.path, copy.path)
    lanxi.good(lanxi.bo, "record", "work", "3", "hours", "--note", "dug", "--receiver", "Mei")
    lanxi.good(copy, "record", "work", "4", "hours")
    homes.write(lanxi.bo, Wish("member.profile", {}, text=Text("text/plain", b"Bo")))
    proof = proof_of(lanxi.bo, copy)
    for home in (*lanxi.all, copy):
        with home.store() as store:
            store.freeze(proof)
            store.commit()
    return copy


def proof_of(one: Home, other: Home) -> ForkProof:
    with one.store(readonly=True) as store, other.store(readonly=True) as again:
        settings = Settings.read(store)
        ours = store.wires(settings.device, 0, 100, 1 << 20)
        theirs = again.wires(settings.device, 0, 100, 1 << 20)
    pairs = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
    return fork_proof.check(from_bytes(pairs[0][0]), from_bytes(pairs[0][1]), settings.here)


def test_what_a_fork_made_void_is_named_to_its_owner_with_the_way_on(lanxi: Commons) -> None:
    forked(lanxi)
    said = lanxi.good(lanxi.bo, "ledger").out
    assert "work 3 hour: does not count, since the log was frozen" in said
    assert f"weal import home {lanxi.bo.path}" in said
    found = lanxi.json(lanxi.bo, "ledger")
    assert found["records"] == [] and [one["kind"] for one in found["not_counting"]] == [
        "event",
        "member.profile",
    ]
    first = found["not_counting"][0]
    assert (first["quantity"], first["note"]) == ("3", "dug")
    assert "frozen" in first["why"]
    shown = lanxi.json(lanxi.bo, "show", first["id"][:12])
    assert shown["counts"] is False and shown["signature"] == "void"
    assert lanxi.json(lanxi.bo, "status")["not_counting"] == 2
    assert "2 records of yours do not count" in lanxi.good(lanxi.bo, "status").out
    assert "2 records of yours do not count" in lanxi.good(lanxi.bo, "ledger", "-o", "csv").err
    assert lanxi.json(lanxi.mei, "status")["not_counting"] == 0
    assert lanxi.json(lanxi.mei, "ledger")["not_counting"] == []


def test_both_copies_are_taken_in_again_once_on_the_new_device(lanxi: Commons) -> None:
    copy = forked(lanxi)
    secrets = keystore.unlock(lanxi.bo.keystore, None)
    assert secrets.member_entropy is not None
    words = lanxi.bo.path.parent / "words"
    words.write_text(phrase_from_entropy(secrets.member_entropy, LANGUAGES["en"]))
    again = Home(lanxi.bo.path.parent / "again")
    link = lanxi.json(lanxi.mei, "device", "add")["link"]
    lanxi.good(again, "restore", "--words-file", words, "--contact", link, "--no-passphrase")
    with running(lanxi.mei.path), running(again.path):
        until(lambda: state(again.path) == "member")
        for old, many in ((lanxi.bo, (1, 1, 0)), (copy, (1, 1, 0)), (copy, (1, 0, 1))):
            ran = lanxi.json(again, "import", "home", old.path)
            assert (ran["void"], ran["written"], ran["here"]) == many
        listed = lanxi.json(again, "ledger")["records"]
    given = [(one["quantity"], one["note"], one["receiver"] is None) for one in listed]
    assert sorted(given) == [("3", "dug", False), ("4", None, True)]


def test_only_a_home_of_the_same_member_is_taken_in(lanxi: Commons) -> None:
    forked(lanxi)
    assert lanxi.refused(lanxi.ana, "import", "home", lanxi.bo.path).code == 77
