"""The rows of members: written when a member or the text of a name changes, and never otherwise."""

from __future__ import annotations

from random import Random

import pytest

from commonweal.protocol.keys import MemberId
from commonweal.protocol.records import record
from commonweal.protocol.records.record import BodyRef, Record
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from commonweal.storage.ledger.views import member_views
from tests.protocol.ledger.village import Pen, Village
from tests.storage.ledger.test_ledger import Home, founding_documents

ROWS = "SELECT * FROM member_row ORDER BY id"
NAMES = ("Jun", "Ana", "Bo")


class Place:
    """A village of four, a store that its records arrive at, and the state kept beside it."""

    def __init__(self) -> None:
        self.village = Village()
        self.pens = [self.village.mei, *map(self.village.join, NAMES)]
        self.home = Home(self.village.community, founding_documents(self.village))
        self.texts: dict[bytes, tuple[BodyRef, bytes]] = {}
        self._held = 0

    def profile(self, pen: Pen, name: str) -> Record:
        """Let a member write their name; its text arrives by itself."""
        salt = len(self.texts).to_bytes(16)
        data, ref = record.erasable_body(salt, "text/plain", name.encode())
        self.texts[ref.hash] = ref, data
        return pen.write("member.profile", {}, [self.village.records[-1]], body=ref)

    def arrive(self) -> None:
        """Take in every record that was written since."""
        for one in self.village.records[self._held :]:
            self.home.store.append(one.author, [one], self.home.documents)
        self._held = len(self.village.records)

    def text(self, digest: bytes) -> None:
        """Take in a text, if it is wanted."""
        store, (ref, data) = self.home.store, self.texts[digest]
        if store.wanted_body(digest):
            store.put_body(ref, data)

    def names(self) -> dict[MemberId, str | None]:
        """Return what the rows call the members, which are those of a new fold too."""
        kept = self.home.state
        rows = kept.layers.rows(ROWS)
        again = LedgerState(self.home.store, StateDb(), self.home.community)
        assert rows == again.layers.rows(ROWS)
        return {row[0]: row[1] for row in rows}


def test_a_name_stands_from_the_arrival_of_its_text_until_it_is_erased() -> None:
    place = Place()
    ana = place.pens[2]
    first = place.profile(ana, "Ana")
    place.arrive()
    assert first.body is not None
    assert place.names()[ana.owner.id] is None
    place.text(first.body.hash)
    assert place.names()[ana.owner.id] == "Ana"
    second = place.profile(ana, "Ana of the mill")
    place.arrive()
    assert second.body is not None
    assert place.names()[ana.owner.id] is None
    place.text(second.body.hash)
    assert place.names()[ana.owner.id] == "Ana of the mill"
    place.home.store.erase_body(second.body.hash)
    assert place.names()[ana.owner.id] is None


def test_an_erased_name_goes_although_another_text_is_wanted_again_meanwhile() -> None:
    place = Place()
    jun, ana = place.pens[1:3]
    texts = [place.profile(pen, name).body for pen, name in ((jun, "Jun"), (ana, "Ana"))]
    place.arrive()
    refs = [ref for ref in texts if ref is not None]
    for ref in refs:
        place.text(ref.hash)
    place.home.store.erase_body(refs[0].hash)
    names = place.names()
    assert (names[jun.owner.id], names[ana.owner.id]) == (None, "Ana")
    place.home.store.erase_body(refs[1].hash)
    place.home.store.want_again(refs[0])
    place.text(refs[0].hash)
    names = place.names()
    assert (names[jun.owner.id], names[ana.owner.id]) == ("Jun", None)


def test_a_name_that_the_disk_lost_comes_again_with_its_text() -> None:
    place = Place()
    ana = place.pens[2]
    ref = place.profile(ana, "Ana").body
    place.arrive()
    assert ref is not None
    place.text(ref.hash)
    assert place.names()[ana.owner.id] == "Ana"
    place.home.store.lose_body(ref.hash)
    assert place.names()[ana.owner.id] is None
    place.text(ref.hash)
    assert place.names()[ana.owner.id] == "Ana"


@pytest.mark.parametrize("seed", range(8))
def test_the_rows_are_those_of_a_new_fold_whatever_came_and_went(seed: int) -> None:
    place, rng = Place(), Random(seed)
    store = place.home.store
    for number in range(40):
        pen = rng.choice(place.pens)
        digest = rng.choice([*place.texts, b""])
        match rng.randrange(9):
            case 0 | 1:
                place.profile(pen, f"{pen.owner.name} {number}")
            case 2 | 3 if digest:
                place.text(digest)
            case 4 if digest:
                store.erase_body(digest)
            case 5 if digest and store.is_erased(digest):
                store.want_again(place.texts[digest][0])
            case 6:
                pen.write("role.claim", {"role": "promoter"})
            case 7:
                pen.write("referral", {"referrer": rng.choice(place.pens).owner.id})
            case 8 if number > 30:
                pen.write("member.leave", {})
        if rng.random() < 0.6:
            place.arrive()
            place.names()
    place.arrive()
    assert len(place.names()) == len(place.pens)


def test_no_row_is_written_for_a_record_that_changes_no_member(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place()
    jun, ana = place.pens[1:3]
    profile = place.profile(ana, "Ana")
    place.arrive()
    assert profile.body is not None
    place.text(profile.body.hash)
    assert place.home.state.is_whole
    looked: list[bytes | None] = []
    name = member_views._name

    def counted(store: object, profile: bytes | None) -> object:
        looked.append(profile)
        return name(store, profile)  # type: ignore[arg-type]

    monkeypatch.setattr(member_views, "_name", counted)
    jun.write("unit.define", {"unit": "cup"}, [profile])
    place.arrive()
    assert place.home.state.is_whole
    assert looked == []
    ana.write("role.claim", {"role": "promoter"}, [place.village.records[-1]])
    place.arrive()
    assert place.home.state.is_whole
    assert looked == [profile.id]
