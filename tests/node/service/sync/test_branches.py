"""The void branches that a peer asks for are read once each, and few for one frame."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Send
from commonweal.node.service.sync import serve_named
from commonweal.node.service.sync.serve_named import BRANCHES_AT_ONCE
from commonweal.node.transport import FrameReceived
from commonweal.protocol.records import fork_proof, log
from commonweal.protocol.records.record import (
    CommunityId,
    Record,
    RecordId,
    from_bytes_unchecked,
)
from commonweal.protocol.wire import frame_codec, messages
from tests.fuzz.test_service import Stage
from tests.protocol.authors import EVE, write

LENGTH = 12


@pytest.fixture
def forked() -> tuple[Stage, list[Record]]:
    """A node before a member, and a void branch of a log that it keeps."""
    stage = Stage(1)
    stage.link(stage.member)
    community = stage.node.community
    good = chain(community, None, 3, 0)
    void = chain(community, good[0], LENGTH, 1)
    stage.store.append(EVE.device, good)
    stage.store.freeze(fork_proof.check(good[1], void[0], community))
    keep(stage, void)
    return stage, void


def chain(
    community: CommunityId, last: Record | None, count: int, mark: int, *, badly: bool = False
) -> list[Record]:
    """Return records that EVE wrote after `last`; of another mark they are others.

    badly: their signatures are not EVE's.
    """
    written: list[Record] = []
    for n in range(count):
        last = write(
            EVE, last, community=community, basis=RecordId(community), data={"n": n, "m": mark}
        )
        if badly:
            last = from_bytes_unchecked(last.header + bytes(len(last.signature)))
        written.append(last)
    return written


def keep(stage: Stage, void: list[Record]) -> None:
    """Keep a void branch."""
    stage.store.append_branch(void)
    stage.store.commit()
    stage.service.core.replica.reload()


def asked(stage: Stage, ids: list[RecordId]) -> list[messages.Branch]:
    """Ask for branches; return those that the member is sent."""
    frame = frame_codec.encode(messages.WantBranch(tuple(ids)))
    actions = stage.service.handle(FrameReceived(stage.member, frame), stage.now_ms)
    sent = [frame_codec.decode(action.frame) for action in actions if isinstance(action, Send)]
    return [message for message in sent if isinstance(message, messages.Branch)]


def test_a_branch_that_is_named_often_is_sent_once(forked: tuple[Stage, list[Record]]) -> None:
    stage, void = forked
    (branch,) = asked(stage, [void[-1].id] * messages.IDS_MAX)
    assert list(branch.wires) == [record.wire for record in void]


def test_few_branches_are_read_for_one_frame(forked: tuple[Stage, list[Record]]) -> None:
    stage, void = forked
    assert len(asked(stage, [record.id for record in void])) == BRANCHES_AT_ONCE < LENGTH
    assert len(asked(stage, [record.id for record in void[:BRANCHES_AT_ONCE]])) == BRANCHES_AT_ONCE


def test_the_end_of_a_badly_signed_branch_is_looked_for_once(
    forked: tuple[Stage, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, void = forked
    other = chain(stage.node.community, void[0], 300, 2, badly=True)
    keep(stage, other)
    checked: list[Record] = []
    is_signed = log.is_signed

    def counted(record: Record) -> bool:
        checked.append(record)
        return is_signed(record)

    monkeypatch.setattr(log, "is_signed", counted)
    (branch,) = asked(stage, [other[-1].id])
    assert list(branch.wires) == [void[0].wire]
    assert len(checked) == len(other) + 1
    assert not asked(stage, [other[-1].id]), "of the rest no record is signed"
    checked.clear()
    assert not asked(stage, [other[-1].id])
    assert len(checked) <= 1, "it may show what it holds of that log"


def test_few_ends_are_remembered(
    forked: tuple[Stage, list[Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, void = forked
    monkeypatch.setattr(serve_named, "SIGNED_ENDS_MAX", 2)
    for mark in range(2, 6):
        other = chain(stage.node.community, void[0], mark, mark)
        keep(stage, other)
        assert asked(stage, [other[-1].id])
    assert len(stage.service.named_server._signed_ends) == 2
