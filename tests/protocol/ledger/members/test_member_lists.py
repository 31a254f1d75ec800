"""What ends with a membership is listed by member: nobody reads that of everybody for one leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commonweal.protocol.ledger.contributions.attestation import DISPUTE, DISPUTED
from commonweal.protocol.ledger.governance.membership_end import LISTED, listed_rows
from commonweal.protocol.ledger.members.invites import (
    ASKED,
    INVITE,
    INVITED,
    REQUEST,
    REQUEST_OF,
    InviteRow,
    RequestRow,
)
from commonweal.protocol.ledger.state import local_lists
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import event_row
from tests.builders.local_rows import LISTS, without_order
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.workshop import paying

OWNER, OTHER = b"o" * 32, b"p" * 32
IDS = [bytes([number]) * 32 for number in range(5)]

READS_MORE = 40
"""How many more keys a leave may read where members have, or had, a hundred rows more."""


class Coming(Treasury):
    """A workshop from which members go, and to which they return."""

    def __init__(self) -> None:
        super().__init__(paying(), "Jun", "Ana", "Bo")
        self.letter = self.mei.invite(self.invite_key, 1000)
        self.cut()

    def go(self, name: str) -> None:
        """Let a member leave, and return by a vouch."""
        pen, bo = self.pens[name], self.pens["Bo"]
        self.write(name, "member.leave", {})
        asked = pen.request(self.letter, self.invite_key)
        bo.write("member.vouch", {"member": pen.owner.id, "request": asked.id}, [asked])
        self.learn()

    def fill(self, name: str, rows: int) -> None:
        """Let a member make invites, and dispute as many events."""
        pen = self.pens[name]
        for _ in range(rows):
            done = self.write("Jun", "event", self.hour)
            pen.write("dispute", {"event": done.id}, [done])
            pen.invite(self.invite_key)
        self.learn()

    @property
    def hour(self) -> dict[str, Any]:
        hour = {"n": 1, "scale": 0, "unit": "hour"}
        return {"action": "work", "provider": self.id("Jun"), "effortQuantity": hour}


def reads(monkeypatch: pytest.MonkeyPatch, shop: Coming) -> tuple[int, set[bytes]]:
    """Return how many pairs the next cut would read, and the prefixes."""
    get, items, count, scanned = State.get, State.items, 0, set[bytes]()

    def counted_get(state: State, key: bytes) -> Any:
        nonlocal count
        count += 1
        return get(state, key)

    def counted_items(state: State, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        nonlocal count
        scanned.add(prefix)
        for pair in items(state, prefix):
            count += 1
            yield pair

    with monkeypatch.context() as patch:
        patch.setattr(State, "get", counted_get)
        patch.setattr(State, "items", counted_items)
        shop.outcome()
    return count, scanned


def third_return(monkeypatch: pytest.MonkeyPatch, shop: Coming) -> int:
    """Return how many pairs a third leave and return in one cut reads."""
    shop.go("Ana")
    shop.go("Ana")
    two, _ = reads(monkeypatch, shop)
    shop.go("Ana")
    three, scanned = reads(monkeypatch, shop)
    assert not any(prefix.startswith(REQUEST_OF) for prefix in scanned)
    assert not scanned & {INVITE, DISPUTE, REQUEST}
    return three - two


@pytest.mark.parametrize("who", ["Bo", "Ana"])
def test_a_leave_reads_no_more_where_there_are_many_invites_and_disputes(
    monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    few, many = Coming(), Coming()
    many.fill(who, 100)
    many.cut()
    assert third_return(monkeypatch, many) <= third_return(monkeypatch, few) + READS_MORE


def test_what_a_member_has_ends_with_their_membership_and_that_of_others_stays() -> None:
    shop = Coming()
    shop.fill("Ana", 3)
    shop.fill("Bo", 2)
    withdrawn, *_ = [one for one in shop.pens["Ana"].log if one.kind == "dispute"]
    kept = {"event": withdrawn.data["event"]}
    shop.write("Ana", "dispute", {**kept, "say": "withdraw"})
    for sealed_before in (True, False):
        if sealed_before:
            shop.cut()
        closed = shop.write("Jun", "invite.create", {"key": shop.invite_key.key, "uses": 1})
        shop.write("Jun", "invite.revoke", {"invite": closed.id})
        shop.write("Ana", "member.leave", {})
        for letter in (closed, shop.letter):
            shop.pens["Ana"].request(letter, shop.invite_key)
        shop.learn()
        state = shop.history.state
        rows = [InviteRow(*value) for _, value in state.items(INVITE)]
        assert {row.ended for row in rows if row.author == shop.id("Ana")} == {True}
        assert {row.ended for row in rows if row.author != shop.id("Ana")} == {False}
        said = [key[33:] for key, _ in state.items(DISPUTE)]
        assert said == [shop.id("Bo")] * 2
        disputes = [event_row(state, key[1:33]) for key, _ in state.items(DISPUTE)]
        assert [row and row.disputes for row in disputes] == [1, 1]
        open_now = [key[1:] for key, value in state.items(REQUEST) if RequestRow(*value).open]
        assert open_now == local_lists.take(state.above(), ASKED, shop.id("Ana"))
        assert len(open_now) == 1, "what the open invite did not answer"
    shop.cut()
    assert shop.history.final.get(DISPUTED + shop.id("Ana")) is None


def test_what_is_listed_follows_from_the_rows() -> None:
    shop = Coming()
    shop.fill("Ana", 4)
    shop.go("Jun")
    newcomer = shop.pens["Lin"] = shop.pen("Lin")
    newcomer.enrol([shop.pens["Ana"].log[-1]])
    newcomer.request(shop.pens["Bo"].invite(shop.invite_key), shop.invite_key)
    shop.learn()
    for _ in range(2):
        shop.cut()
        final = shop.history.final
        pairs = [pair for table in LISTED for pair in final.items(table)]
        local = [pair for sort in LISTS for pair in final.items(sort)]
        assert without_order(local) == without_order(listed_rows(pairs)) != {}
        assert [*listed_rows(pairs, final)] == [], "nothing is listed twice"
        shop.go("Ana")


def test_a_list_is_emptied_at_once_and_loses_any_of_it() -> None:
    state = State()
    for id in (*IDS, IDS[0]):
        local_lists.add(state, INVITED, OWNER, id)
        local_lists.add(state, INVITED, OTHER, id)
    mark = state.mark()
    for id in (IDS[1], IDS[4], IDS[1]):
        local_lists.remove(state, INVITED, OWNER, id)
    assert local_lists.take(state, INVITED, OWNER) == [IDS[0], IDS[2], IDS[3]]
    assert [*state.items(INVITED + OWNER)] == [] and local_lists.take(state, INVITED, OWNER) == []
    assert len([*state.local_changes()]) == 1 + 2 * len(IDS), "that of the other"
    state.rollback(mark)
    assert local_lists.take(state, INVITED, OWNER) == IDS
    local_lists.remove(state, INVITED, OTHER, IDS[0])
    for id in IDS[1:]:
        local_lists.remove(state, INVITED, OTHER, id)
    assert [*state.local_changes()] == []
