"""The question `watch`: who asks is told what changed, in bounds, and nothing is kept for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from commonweal.node.service import change_feed
from commonweal.node.service.change_feed import (
    CHANGES_KEPT_MAX,
    COALESCE_MS,
    LOOK_MS,
    QUIET_MS_MAX,
    TOPICS,
    WATCHERS_MAX,
    ChangeFeed,
)
from commonweal.node.service.events import (
    Answer,
    Asked,
    Committed,
    Event,
    Forgotten,
    Started,
    Submitted,
    Ticket,
    Wake,
    Wish,
    Woke,
)
from commonweal.node.service.peer import Identity
from commonweal.node.service.replica.recent_records import (
    RECENT_IDS_MAX,
    RECENT_KINDS_MAX,
    RecentRecords,
)
from commonweal.node.service.service import Service
from commonweal.node.transport import Disconnected
from commonweal.protocol.errors import UsageError
from commonweal.protocol.keys import DeviceKey
from commonweal.storage.records.logs.log_store import Store
from tests.protocol.authors import COMMUNITY, FIRST, FOUNDING, MEI, NOW_MS
from tests.sim.world.node import Node
from tests.sim.world.world import World

WORK = Wish("event", {"action": "work"})


class Watched:
    """A node's service, its clock, and what its callers are told."""

    def __init__(self, service: Service, now_ms: int) -> None:
        self.service, self.now_ms = service, now_ms
        self.wakes_at_ms = 0
        self.told: dict[Ticket, Any] = {}
        self._tickets = 0

    def handle(self, *events: Event) -> None:
        """Let a batch happen, and note what is answered and when it is to be woken."""
        store = self.service.core.replica.store
        for event in (*events, Committed()):
            if event == Committed():
                store.commit()
            for action in self.service.handle(event, self.now_ms):
                match action:
                    case Answer(ticket, value, last):
                        assert last
                        self.told[ticket] = value
                    case Wake(at_ms):
                        self.wakes_at_ms = at_ms
                    case _:
                        pass
        store.commit()

    def run(self, ms: int) -> None:
        """Let time pass; the service is woken whenever it asked for that."""
        end_ms = self.now_ms + ms
        while self.wakes_at_ms <= end_ms:
            self.now_ms = max(self.now_ms, self.wakes_at_ms)
            self.wakes_at_ms = end_ms + 1
            self.handle(Woke())
        self.now_ms = end_ms

    def ask(self, known: Mapping[str, Any] | None = None) -> Ticket:
        """Ask for the change after one that is known."""
        self._tickets += 1
        ticket = Ticket(1_000 + self._tickets)
        about = {"epoch": b"", "after": 0}
        if known is not None:
            about = {"epoch": known["epoch"], "after": known["number"]}
        self.handle(Asked(ticket, "watch", about))
        return ticket

    def write(self, records: int = 1) -> list[bytes]:
        """Let the member write in one batch; return the ids."""
        ticket = Ticket(self._tickets)
        self.handle(Submitted(ticket, (WORK,) * records))
        return [record["id"] for record in self.told.pop(ticket)["records"]]

    def next(self, known: Mapping[str, Any] | None = None) -> Any:
        """Return the change after one that is known, which must come within its 200 ms."""
        ticket = self.ask(known)
        self.run(COALESCE_MS)
        return self.told.pop(ticket)


@pytest.fixture
def founder() -> Iterator[Watched]:
    """A lone founder's node, some time after its start."""
    store = Store()
    assert FIRST.body is not None
    store.append(MEI.device, [FIRST], {FIRST.body.hash: FOUNDING.body})
    watched = Watched(Service(store, COMMUNITY, Identity(MEI.signer, MEI.host), Random(1)), NOW_MS)
    watched.handle(Started())
    watched.run(5_000)
    yield watched
    store.close()


def of(node: Node) -> Watched:
    """Return a simulated node as it stands now."""
    return Watched(node.service, node.now_ms)


def test_the_first_answer_comes_at_once_and_says_to_read_anew(founder: Watched) -> None:
    first = founder.told[founder.ask()]
    assert (first["number"], first["topics"], first["is_more"]) == (1, list(TOPICS), True)
    assert len(first["epoch"]) == 8
    now = first["now"]
    assert (now["state"], now["records"], now["connected"]) == ("member", 1, 0)
    assert (now["height"], now["behind"], now["writable"]) == (0, 0, True)
    assert now["own"] == {"records": 1, "final": 0, "held": []}


def test_nothing_is_told_while_nothing_changes_but_that_the_node_works(founder: Watched) -> None:
    first = founder.next()
    ticket = founder.ask(first)
    founder.run(QUIET_MS_MAX - 1)
    assert founder.told == {}
    founder.run(1)
    assert founder.told[ticket] == {
        **first,
        "topics": [],
        "kinds": [],
        "records": [],
        "is_more": False,
    }


def test_what_is_written_is_told_at_once_when_it_was_quiet(founder: Watched) -> None:
    first = founder.next()
    ticket = founder.ask(first)
    founder.run(COALESCE_MS)
    assert founder.told == {}
    (id,) = founder.write()
    change = founder.told[ticket]
    assert (change["epoch"], change["number"]) == (first["epoch"], first["number"] + 1)
    assert (change["topics"], change["kinds"]) == (["records", "holders"], ["event"])
    assert (change["records"], change["is_more"]) == ([id], False)
    assert change["now"]["records"] == 2


def test_what_happens_within_the_pause_is_told_as_one_change(founder: Watched) -> None:
    first = founder.next()
    second = founder.ask(first)
    founder.run(COALESCE_MS)
    founder.write()
    ticket = founder.ask(founder.told[second])
    ids = [*founder.write(), *founder.write()]
    founder.run(COALESCE_MS - 1)
    assert ticket not in founder.told
    founder.run(1)
    change = founder.told[ticket]
    assert (change["number"], change["records"]) == (first["number"] + 2, ids)


def test_who_asks_late_is_told_all_that_came_meanwhile_in_one_answer(founder: Watched) -> None:
    first = founder.next()
    known, ids = first, []
    for _ in range(3):
        ids += founder.write()
        known = founder.next(known)
    late = founder.told[founder.ask(first)]
    assert (late["number"], late["records"], late["is_more"]) == (known["number"], ids, False)
    assert late["topics"] == ["records", "holders"]


def test_ids_are_listed_up_to_a_limit_in_one_change_and_over_several(founder: Watched) -> None:
    first = founder.next()
    ids = founder.write(RECENT_IDS_MAX)
    change = founder.next(first)
    assert (change["records"], change["is_more"]) == (ids, False)
    more = founder.write()
    assert founder.next(change)["records"] == more
    late = founder.told[founder.ask(first)]
    assert (late["records"], late["is_more"]) == (ids, True)
    founder.write(RECENT_IDS_MAX + 1)
    last = founder.next(late)
    assert (len(last["records"]), last["is_more"]) == (RECENT_IDS_MAX, True)


def test_ids_are_noted_up_to_a_limit() -> None:
    recent = RecentRecords()
    assert not recent
    recent.add([FIRST] * (RECENT_IDS_MAX - 1))
    recent.add([FIRST])
    assert (recent.ids, recent.is_more) == ([FIRST.id] * RECENT_IDS_MAX, False)
    recent.add([FIRST])
    assert (recent.ids, recent.is_more) == ([FIRST.id] * RECENT_IDS_MAX, True)


def test_kinds_are_noted_up_to_a_limit() -> None:
    recent = RecentRecords()
    kinds = [FIRST._replace(kind=f"kind.{number}") for number in range(RECENT_KINDS_MAX)]
    recent.add([*kinds, kinds[0]])
    assert (len(recent.kinds), recent.is_more) == (RECENT_KINDS_MAX, False)
    recent.add([FIRST])
    assert (len(recent.kinds), recent.is_more) == (RECENT_KINDS_MAX, True)


def test_who_knows_an_older_change_than_is_kept_reads_anew(founder: Watched) -> None:
    known = [founder.next()]
    for _ in range(CHANGES_KEPT_MAX):
        founder.write()
        known.append(founder.next(known[-1]))
    kept = founder.told[founder.ask(known[0])]
    assert (len(kept["records"]), kept["is_more"]) == (CHANGES_KEPT_MAX, False)
    founder.write()
    founder.next(known[-1])
    lost = founder.told[founder.ask(known[0])]
    assert (lost["topics"], lost["is_more"]) == (list(TOPICS), True)


@pytest.mark.parametrize("known", [{"epoch": b"another1"}, {"number": 9}, {"number": -1}])
def test_who_knows_a_change_of_another_run_reads_anew(
    founder: Watched, known: dict[str, Any]
) -> None:
    first = founder.next()
    other = founder.told[founder.ask(first | known)]
    assert (other["number"], other["is_more"], other["topics"]) == (1, True, list(TOPICS))


def test_two_runs_of_a_node_have_different_epochs() -> None:
    epochs = set()
    for seed in range(2):
        store = Store()
        service = Service(store, COMMUNITY, Identity(MEI.signer, MEI.host), Random(seed))
        epochs.add(Watched(service, NOW_MS).next()["epoch"])
        store.close()
    assert len(epochs) == 2


def test_so_many_may_wait_and_a_place_comes_back(founder: Watched) -> None:
    first = founder.next()
    tickets = [founder.ask(first) for _ in range(WATCHERS_MAX)]
    assert founder.told == {}
    refused = founder.ask(first)
    assert isinstance(founder.told.pop(refused), UsageError)
    founder.handle(Forgotten(tickets[0]))
    waiting = [*tickets[1:], founder.ask(first)]
    founder.write()
    founder.run(COALESCE_MS)
    assert list(founder.told) == waiting


@pytest.mark.parametrize("about", [{}, {"epoch": "", "after": 0}, {"epoch": b"", "after": None}])
def test_a_question_that_names_no_change_is_refused(founder: Watched, about: Any) -> None:
    founder.handle(Asked(Ticket(1), "watch", about))
    assert isinstance(founder.told[Ticket(1)], UsageError)


def test_the_node_is_looked_at_once_in_a_pause_and_never_while_nobody_waits(
    founder: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = ChangeFeed._look

    def counted(feed: ChangeFeed) -> None:
        looks.append(founder.now_ms)
        look(feed)

    monkeypatch.setattr(ChangeFeed, "_look", counted)
    for _ in range(20):
        founder.write()
        founder.run(COALESCE_MS)
    assert looks == []
    known = founder.next()
    ticket = founder.ask(known)
    for _ in range(50):
        founder.write()
        founder.run(10)
        if ticket in founder.told:
            known = founder.told.pop(ticket)
            ticket = founder.ask(known)
    pauses = [later - sooner for sooner, later in pairwise(looks)]
    assert len(pauses) >= 3 and min(pauses[2:]) >= COALESCE_MS and min(pauses) >= LOOK_MS
    assert known["number"] <= 2 + 50 * 10 // COALESCE_MS
    founder.run(COALESCE_MS)
    ticket = founder.ask(founder.told.pop(ticket))
    founder.run(COALESCE_MS)
    looks.clear()
    for _ in range(100):
        founder.handle()
        founder.run(1)
    assert 2 <= len(looks) <= 1 + 100 // LOOK_MS
    assert ticket not in founder.told


def test_after_a_commit_that_failed_the_next_change_says_to_read_anew(founder: Watched) -> None:
    first = founder.next()
    founder.service.handle(Submitted(Ticket(1), (WORK,)), founder.now_ms)
    founder.service.core.replica.store.rollback()
    founder.service.reload(keeps=False)
    change = founder.next(first)
    assert (change["topics"], change["records"]) == (["records", "node"], [])
    assert change["is_more"]
    assert (change["now"]["records"], change["now"]["writable"]) == (1, False)


def test_an_answer_that_was_lost_with_a_commit_is_given_again(founder: Watched) -> None:
    ticket = founder.ask(founder.next())
    founder.run(COALESCE_MS)
    founder.service.handle(Submitted(Ticket(1), (WORK,)), founder.now_ms)
    lost = founder.service.handle(Committed(), founder.now_ms)
    assert ticket in [action.ticket for action in lost if isinstance(action, Answer)]
    founder.service.core.replica.store.rollback()
    founder.service.reload(keeps=False)
    founder.run(COALESCE_MS)
    founder.handle()
    assert founder.told[ticket]["is_more"]
    assert founder.told[ticket]["now"]["records"] == 1


def test_holders_of_the_own_log_are_told_as_they_confirm() -> None:
    world = World(31)
    world.grow(3)
    world.settle()
    node = world.nodes[0]
    watched = of(node)
    first = watched.next()
    length = first["now"]["own"]["records"]
    assert first["now"]["own"]["held"] == [length, length]
    assert first["now"]["connected"] == 2
    watched.write()
    mine = watched.next(first)
    assert mine["now"]["own"]["held"] == [length, length]
    peer = node.service.core.members()[0]
    peer.confirm(node.person.device, length + 1, length + 1)
    held = watched.next(mine)
    assert (held["topics"], held["records"]) == (["holders"], [])
    assert held["now"]["own"] == {"records": length + 1, "final": 0, "held": [length + 1, length]}


def test_peers_that_go_and_what_is_missing_here_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(32)
    world.grow(3)
    world.settle()
    watched = of(world.nodes[0])
    first = watched.next()
    near, far = watched.service.core.members()
    for number in range(4):
        near.theirs[DeviceKey(bytes([number]) * 32)] = 10
    far.height = 7
    behind = watched.next(first)
    assert behind["topics"] == ["peers"]
    assert (behind["now"]["behind"], behind["now"]["seals_behind"]) == (40, 7)
    monkeypatch.setattr(change_feed, "LOGS_COUNTED_MAX", 2 * (len(near.theirs) - 1))
    bounded = watched.next(behind)
    assert bounded["now"]["behind"] == 30, "each of two members has half of what is counted"
    watched.handle(Disconnected(near.key, "gone"))
    gone = watched.next(bounded)
    assert "peers" in gone["topics"]
    assert (gone["now"]["connected"], gone["now"]["behind"]) == (1, 0)


def test_seals_and_what_they_decide_are_told() -> None:
    world = World(33, seals=True)
    world.grow(2)
    world.settle()
    watched = of(world.nodes[0])
    first = watched.next()
    world.nodes[0].submit(Wish("event", {"action": "work", "provider": bytes(32)}))
    world.run(120_000)
    watched.now_ms = world.nodes[0].now_ms
    sealed = watched.next(first)
    assert "seal" in sealed["topics"]
    assert sealed["now"]["height"] > first["now"]["height"]
    assert sealed["now"]["own"]["final"] == sealed["now"]["own"]["records"]
    assert sealed["now"]["sealed_ms"] > 0
    replica = watched.service.core.replica
    replica.ruleset = b"r" * 32
    assert watched.next(sealed)["topics"] == ["rules"]
