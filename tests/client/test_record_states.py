"""`Member.record_states`: whether records are only here, held by others, or final."""

from __future__ import annotations

from pathlib import Path

import pytest

from commonweal.client import Member
from commonweal.client.contributions.record_states import RecordState, Safety
from commonweal.client.language.plain import plain
from commonweal.node.control.messages.held_records import CountHolders, HolderCounts
from commonweal.node.service.events import PLACES_ASKED_MAX
from commonweal.protocol.errors import UsageError
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Settings
from tests.builders.commons import Commons, worked
from tests.commands.members.test_forked import forked


@pytest.fixture
def lanxi(tmp_path: Path) -> Commons:
    return Commons(tmp_path)


def ids(hexes: list[str]) -> list[RecordId]:
    return [RecordId(bytes.fromhex(id)) for id in hexes]


def test_without_a_node_what_is_final_is_known_and_who_holds_the_rest_is_not(
    lanxi: Commons,
) -> None:
    sealed = ids(worked(lanxi, 1, 2, 3))
    lanxi.seal()
    mine, theirs = ids(worked(lanxi, 4, 5))
    lanxi.meet()
    with Member(lanxi.mei) as mei:
        height = mei.seals()[-1].height
        states = mei.record_states([*sealed, mine, theirs, mine, b"x" * 32])
    assert list(states) == [*sealed, mine, theirs], "in order, each once, and only what is held"
    final = RecordState(Safety.FINAL, None, None, height)
    assert [states[id] for id in sealed] == [final] * 3
    assert states[mine] == RecordState(Safety.HERE, None, None, None)
    assert states[theirs] == RecordState(Safety.HELD, None, None, None)
    assert plain(states[mine])["safety"] == "here"


def test_a_running_node_is_asked_once_for_all(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = ids(worked(lanxi, 1, 2))
    (more,) = ids(worked(lanxi, 3))
    lanxi.meet()
    asked: list[CountHolders] = []

    def answer(_member: Member, question: CountHolders) -> HolderCounts:
        asked.append(question)
        return HolderCounts((0, 2, 1), 2)

    monkeypatch.setattr(Member, "node_answer", answer)
    with Member(lanxi.mei) as mei:
        states = mei.record_states([mine, more, theirs])
        assert mei.record_states([b"x" * 32]) == {}
    assert states == {
        mine: RecordState(Safety.ONLY_HERE, 0, 2, None),
        more: RecordState(Safety.HELD, 2, 2, None),
        theirs: RecordState(Safety.HELD, 1, 2, None),
    }
    with lanxi.mei.store(readonly=True) as store:
        places = [(record.author, record.seq) for id in states if (record := store.record(id))]
    assert asked == [CountHolders(tuple(places))]


def test_a_record_beyond_the_fork_of_its_log_is_not_taken_for_the_one_in_its_place(
    lanxi: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanxi.seal()
    forked(lanxi)
    with lanxi.bo.store(readonly=True) as store:
        device = Settings.read(store).device
        (void, *_) = store.void(device)
        first = store.id_at(device, 0)
    assert first is not None
    monkeypatch.setattr(Member, "node_answer", lambda *_: HolderCounts((2,), 2))
    with Member(lanxi.bo) as bo:
        states = bo.record_states([void.id, first])
    assert states[void.id] == RecordState(Safety.HERE, None, 2, None)
    assert (states[first].safety, states[first].held_by) == (Safety.FINAL, 2)


def test_more_ids_than_one_question_takes_are_refused(lanxi: Commons) -> None:
    most = [number.to_bytes(32, "big") for number in range(PLACES_ASKED_MAX)]
    with Member(lanxi.mei) as mei:
        assert mei.record_states([*most, *most]) == {}
        with pytest.raises(UsageError, match=f"{PLACES_ASKED_MAX + 1} records"):
            mei.record_states([*most, b"x" * 32])
