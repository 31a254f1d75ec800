"""What the owner's node hands over by itself: when, for which uses, to which devices, and once."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.bindings import crypto_core_ed25519_add

from commonweal.client import Member
from commonweal.client.exchange.data.readings import HERE, WAITING
from commonweal.node.runtime.ledger import data_releases
from commonweal.node.runtime.ledger.data_releases import DataReleases
from commonweal.node.service.events import ReleaseDue, Wish
from commonweal.node.service.upkeep.releases import PARTS_REMEMBERED_MAX, Releases
from commonweal.protocol.keys import DeviceKey, MemberId
from commonweal.protocol.ledger.exchange.data import releases
from commonweal.protocol.ledger.exchange.data.uses import UseRow
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.records import sealed_body
from commonweal.protocol.records.data_content import PART_BYTES_MAX
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.contents import Contents
from commonweal.storage.ledger import releases as due_releases
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.releases import DueRelease
from tests.builders import data_uses
from tests.builders.archivists import SECRET, Archivists, due, hand_over, handle
from tests.protocol.authors import BO


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists(tmp_path_factory.mktemp("first") / "homes")


@pytest.fixture
def lanxi(first: Archivists, tmp_path_factory: pytest.TempPathFactory) -> Archivists:
    return Archivists.of(first.copies(tmp_path_factory)(), first.data)


def state_at(lanxi: Archivists, use: RecordId) -> str:
    """Return what Bo sees of a use."""
    with Member(lanxi.bo) as bo:
        return bo.find_reading(use).state


def test_a_use_that_a_seal_covers_is_handed_over_once(lanxi: Archivists, tmp_path: Path) -> None:
    use = lanxi.granted_use()
    assert state_at(lanxi, use) == WAITING
    assert hand_over(lanxi.mei) == 1
    assert due(lanxi.mei) is None, "what was written is known before a seal covers it"
    lanxi.meet()
    assert state_at(lanxi, use) == HERE
    lanxi.seal()
    assert due(lanxi.mei) is None
    with Member(lanxi.bo) as bo:
        bo.open_data("yields", tmp_path / "mine")
    assert (tmp_path / "mine").read_bytes() == SECRET


def test_nothing_is_handed_over_before_a_seal_covers_the_use(lanxi: Archivists) -> None:
    """A use that is provisional may turn out void, and what was read cannot be unread."""
    use = lanxi.use(lanxi.grant())
    assert due(lanxi.mei) is None
    lanxi.seal()
    event = due(lanxi.mei)
    assert event is not None and event.use == use


def test_nothing_is_handed_over_for_a_use_that_is_void(lanxi: Archivists) -> None:
    """EXCHANGE.md 6: revoke and use apart: seal order decides."""
    granted = lanxi.grant()
    data_uses.revoke(lanxi.mei.path, granted)
    data_uses.use(lanxi.bo.path, "yields", granted)
    lanxi.seal()
    with Member(lanxi.bo) as bo:
        uses = bo.readings()
    assert [row.state for row in uses] in ([], [WAITING])
    assert hand_over(lanxi.mei) == len(uses), "only what counts in seal order"


def test_revoking_stops_what_is_used_later_and_not_what_was_used_before(lanxi: Archivists) -> None:
    granted = lanxi.grant()
    use = lanxi.use(granted)
    lanxi.seal()
    data_uses.revoke(lanxi.mei.path, granted)
    lanxi.seal()
    event = due(lanxi.mei)
    assert event is not None and event.use == use
    assert hand_over(lanxi.mei) == 1


def test_no_other_home_hands_it_over(lanxi: Archivists) -> None:
    lanxi.granted_use()
    assert due(lanxi.bo) is None
    assert due(lanxi.ana) is None
    content = Contents(lanxi.mei).get(Contents(lanxi.mei).hashes()[0])
    assert content is not None
    Contents(lanxi.ana).put(content)
    assert due(lanxi.ana) is None, "whoever has the content is not its owner"


def test_only_the_devices_of_who_used_it_can_read_it(lanxi: Archivists) -> None:
    lanxi.granted_use()
    event = due(lanxi.mei)
    assert event is not None
    ((_number, body),) = event.bodies
    from tests.builders.homes import identity

    assert sealed_body.from_bytes(body).devices == (identity(lanxi.bo).device,)
    assert SECRET[:64] not in body


def test_a_device_that_was_revoked_before_gets_nothing(
    lanxi: Archivists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no seal covers the revocation yet."""
    lanxi.granted_use()
    readers = releases.readers
    asked: list[State] = []

    def fewer(state: State, row: UseRow) -> tuple[DeviceKey, ...]:
        asked.append(state)
        return readers(state, row) if len(asked) == 1 else ()

    monkeypatch.setattr(releases, "readers", fewer)
    assert due(lanxi.mei) is None
    assert len(asked) == 2, "the final state, and all that is held"


def test_a_device_whose_key_nothing_seals_to_stops_nothing(
    lanxi: Archivists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key with a part of small order signs, and is no key to seal to: a member may enrol one."""
    small = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
    odd = DeviceKey(crypto_core_ed25519_add(BO.device, small))
    assert not sealed_body.can_seal_to(odd)
    assert sealed_body.can_seal_to(BO.device)
    first, second = lanxi.granted_use(), lanxi.granted_use()
    found = due_releases.due_releases

    def with_odd(
        kept: LedgerState, member: MemberId, holds: Callable[[bytes], bool]
    ) -> Iterator[DueRelease]:
        for row in found(kept, member, holds):
            yield row._replace(devices=(odd,)) if row.use == min(first, second) else row

    monkeypatch.setattr(data_releases, "due_releases", with_odd)
    event = due(lanxi.mei)
    assert event is not None and event.use == max(first, second)


def test_a_content_that_is_damaged_or_gone_is_not_handed_over(lanxi: Archivists) -> None:
    lanxi.granted_use()
    kept = Contents(lanxi.mei)
    (digest,) = kept.hashes()
    whole = kept.path(digest).read_bytes()
    with Member(lanxi.mei) as mei:
        member = mei.view.me
    running = DataReleases(kept, member)
    kept.path(digest).write_bytes(whole[:-1])
    assert due(lanxi.mei, running) is None
    kept.path(digest).write_bytes(whole)
    assert due(lanxi.mei, running) is None, "until the node starts again"
    assert due(lanxi.mei) is not None
    kept.drop(digest)
    assert due(lanxi.mei) is None


@pytest.mark.parametrize("call", ["iterdir", "is_file", "open"])
def test_contents_that_cannot_be_read_for_a_moment_wait_and_end_no_ledger_thread(
    lanxi: Archivists, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    use = lanxi.granted_use()
    kept = Contents(lanxi.mei)
    with Member(lanxi.mei) as mei:
        running = DataReleases(kept, mei.view.me)
    before = getattr(Path, call)

    def refuse(path: Path, *how: Any, **more: Any) -> Any:
        if path.is_relative_to(kept.folder):
            raise OSError(errno.EMFILE, "Too many open files")
        return before(path, *how, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, refuse)
        for _ in range(3):
            assert due(lanxi.mei, running) is None
    told = [line for line in caplog.messages if line.startswith("a content cannot be released")]
    assert len(told) == 1 and told[0].endswith(": Too many open files")
    event = due(lanxi.mei, running)
    assert event is not None and event.use == use


def test_what_the_owner_erased_is_not_handed_over(lanxi: Archivists) -> None:
    lanxi.granted_use()
    content = Contents(lanxi.mei).get(Contents(lanxi.mei).hashes()[0])
    with Member(lanxi.mei) as mei:
        assert mei.remove_data("yields").was_kept
    assert content is not None
    Contents(lanxi.mei).put(content)
    assert due(lanxi.mei) is None, "the ledger says that it is erased, whatever is on the disk"


def test_the_parts_of_a_large_content_come_one_by_one(tmp_path: Path) -> None:
    content = bytes(range(256)) * (2 * PART_BYTES_MAX // 256) + b"end"
    lanxi = Archivists(tmp_path / "homes", content)
    use = lanxi.granted_use()
    event = due(lanxi.mei)
    assert event is not None and event.of == 3
    assert [number for number, _ in event.bodies] == [0, 1, 2]
    few = ReleaseDue(event.use, event.of, event.bodies[1:2], event.seal)
    assert handle(lanxi.mei, [few]) == 1
    rest = due(lanxi.mei)
    assert rest is not None and [number for number, _ in rest.bodies] == [0, 2]
    assert hand_over(lanxi.mei) == 2
    lanxi.meet()
    assert list(lanxi.parts(use, lanxi.bo)) == [0, 1, 2]
    with Member(lanxi.bo) as bo:
        bo.open_data(use, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == content


def test_the_service_writes_a_part_once_however_often_it_is_told(lanxi: Archivists) -> None:
    lanxi.granted_use()
    event = due(lanxi.mei)
    assert event is not None
    assert handle(lanxi.mei, [event, event, event]) == 1


def wish_log(room: int) -> tuple[list[Wish], Callable[[Wish], bool]]:
    """Return what takes so many records and refuses the rest, and the list of those it took."""
    taken: list[Wish] = []

    def write(wish: Wish) -> bool:
        if len(taken) >= room:
            return False
        taken.append(wish)
        return True

    return taken, write


def some_due(parts: int) -> ReleaseDue:
    bodies = tuple((number, b"body") for number in range(parts))
    return ReleaseDue(RecordId(b"u" * 32), parts, bodies, RecordId(b"s" * 32))


def test_what_the_budget_has_no_room_for_waits(lanxi: Archivists) -> None:
    taken, write = wish_log(room=2)
    writing = Releases(write)
    writing.write(some_due(5))
    writing.write(some_due(5))
    assert [wish.data["part"] for wish in taken] == [0, 1]
    more, writing._write = wish_log(room=9)
    writing.write(some_due(5))
    assert [wish.data["part"] for wish in more] == [2, 3, 4]
    writing.reload()
    writing.write(some_due(1))
    assert [wish.data["part"] for wish in more] == [2, 3, 4, 0], "a commit that failed undid it"


def test_so_many_parts_are_remembered_and_no_more() -> None:
    _taken, write = wish_log(room=2 * PARTS_REMEMBERED_MAX)
    writing = Releases(write)
    writing.write(some_due(PARTS_REMEMBERED_MAX + 1))
    assert len(writing._written) == PARTS_REMEMBERED_MAX
