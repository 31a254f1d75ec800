"""What takes a content along: only what an event begins, never what is there already."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.protocol.ledger.exchange.data.contents import data_row
from commonweal.protocol.records.record import Record
from commonweal.protocol.seal.cut import delta_to_bytes
from commonweal.protocol.seal.formats import sealed_to_bytes
from tests.builders.data_story import ONE, DataStory
from tests.protocol.ledger.archive import Archive
from tests.protocol.ledger.bakery import amount
from tests.second_reader import fold, records


def lent(archive: Archive) -> Record:
    """Let Lin use the bike of Jun's."""
    said = {"provider": archive.jun.owner.id, "receiver": archive.lin.owner.id}
    said |= {"resourceInventoriedAs": archive.bike.id} | amount(1, "one")
    return archive.event(archive.lin, "use", said, *archive.records[-1:])


@pytest.mark.parametrize("n", [0, 1])
def test_data_of_another_does_not_make_a_thing_into_data(n: int) -> None:
    archive = Archive()
    data = archive.add(archive.ana)
    said: dict[str, Any] = {"provider": archive.ana.owner.id, "receiver": archive.jun.owner.id}
    said |= {"resourceInventoriedAs": data.id, "toResourceInventoriedAs": archive.bike.id}
    moved = archive.event(archive.ana, "transfer", said | amount(n, "one"), data)
    assert archive.verdict(moved) is None
    assert data_row(archive.state, archive.bike.id) is None
    assert archive.verdict(lent(archive)) is None


def test_what_nobody_attests_does_not_make_the_community_s_into_data() -> None:
    archive = Archive()
    data = archive.add(archive.ana)
    said = {"provider": archive.community, "newInventoriedResource": {}}
    said |= {"resourceConformsTo": archive.book.id} | amount(1, "one")
    thing = archive.event(archive.mei, "raise", said, data)
    given = {"provider": archive.ana.owner.id, "receiver": archive.community}
    given |= {"resourceInventoriedAs": data.id, "toResourceInventoriedAs": thing.id}
    moved = archive.event(archive.ana, "transfer", given | amount(1, "one"), thing)
    assert archive.verdict(moved) is None
    assert data_row(archive.state, thing.id) is None


def test_what_an_event_begins_takes_the_content_along_and_back() -> None:
    archive = Archive()
    moved = archive.give_away(archive.ana)
    assert archive.data_row(moved).hash == archive.data_row(archive.data).hash
    assert archive.data_row(moved).event == moved.id
    said: dict[str, Any] = {"provider": archive.ana.owner.id, "receiver": archive.jun.owner.id}
    said |= {"resourceInventoriedAs": moved.id, "toResourceInventoriedAs": archive.data.id}
    back = archive.event(archive.ana, "transfer", said | amount(1, "one"), moved)
    assert archive.verdict(back) is None
    assert archive.data_row(archive.data).owner == archive.jun.owner.id


def test_what_the_community_is_given_as_new_is_data_before_anybody_attests_it() -> None:
    archive = Archive()
    said: dict[str, Any] = {"resourceInventoriedAs": archive.data.id}
    said |= {"receiver": archive.community, "newInventoriedResource": {}} | amount(1, "one")
    given = archive.event(archive.jun, "transfer", said, archive.data)
    assert archive.verdict(given) is None
    assert archive.data_row(given).hash == archive.data_row(archive.data).hash


def test_another_reader_says_so_too() -> None:
    story = DataStory()
    said = {"action": "raise", "provider": story.id("Jun"), "resourceQuantity": ONE}
    thing = story.write("Jun", "event", said | {"newInventoriedResource": {}})
    story.cut()
    moved: dict[str, Any] = {"action": "transfer", "provider": story.id("Ana")}
    moved |= {"resourceInventoriedAs": story.ana.id, "receiver": story.id("Jun")}
    moved |= {"resourceQuantity": {"n": 0, "scale": 0, "unit": "one"}}
    to_thing = story.write("Ana", "event", moved | {"toResourceInventoriedAs": thing.id})
    begun = story.write("Ana", "event", moved | {"newInventoriedResource": {}})
    story.cut()
    assert story.history.verdict(to_thing.id) is None
    assert data_row(story.history.final, thing.id) is None
    assert data_row(story.history.final, begun.id) is not None
    wires = [records.Record.read(one.wire) for one in story.records]
    reader = fold.Reader(bytes(story.community), wires, story.documents)
    for sealed, delta in story.sealed:
        height = reader.read(sealed_to_bytes(sealed), delta_to_bytes(delta))
        assert height.state_root == sealed.seal.state_root, height.void
