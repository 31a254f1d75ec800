"""The void branches that a peer asks for are read once each, and few for one frame."""

from __future__ import annotations

import pytest

from commonweal.node.service.events import Send
from commonweal.node.service.sync.serve import BRANCHES_AT_ONCE
from commonweal.node.transport import FrameReceived
from commonweal.protocol.records import fork_proof
from commonweal.protocol.records.record import Record, RecordId
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

    def chain(last: Record | None, count: int, mark: int) -> list[Record]:
        written: list[Record] = []
        for n in range(count):
            last = write(
                EVE, last, community=community, basis=RecordId(community), data={"n": n, "m": mark}
            )
            written.append(last)
        return written

    good = chain(None, 3, 0)
    void = chain(good[0], LENGTH, 1)
    stage.store.append(EVE.device, good)
    stage.store.freeze(fork_proof.check(good[1], void[0], community))
    stage.store.append_branch(void)
    stage.store.commit()
    stage.service.core.replica.reload()
    return stage, void


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
