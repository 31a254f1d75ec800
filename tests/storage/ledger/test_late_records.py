"""Late records: folded on top of the others where that is the same as one fold in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.ledger.members.registry import DEVICE, DeviceRow
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.records import fork_proof, record
from commonweal.protocol.records.record import LogPosition, Record, RecordDraft
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state import late_records, pending_state
from commonweal.storage.records.seal_store import SealStore
from tests.protocol.ledger import scenes
from tests.protocol.ledger.scenes import Act, Scene
from tests.protocol.ledger.village import Pen, Village
from tests.protocol.ledger.workshop import Workshop, hours, paying
from tests.storage.ledger.test_ledger import Home, everything, founding_documents

PLAIN: list[Act] = [scenes.event] * 6 + [scenes.event_attested] * 3
ALL: list[Act] = [*PLAIN, *scenes.ACTS]
MANY = 10**9


class Arrival:
    """A scene whose records arrive in any order at a home, beside a plain fold of what is held."""

    def __init__(self, seed: int, acts: int, kinds: Sequence[Act]) -> None:
        self.scene = Scene(seed, acts, chosen=kinds)
        self.village = self.scene.village
        self.home = Home(self.village.community, founding_documents(self.village))
        self.home.hold(self.village.records)
        self.logs = {author: list(run) for author, run in self.home.logs.items()}
        self.held: dict[DeviceKey, int] = dict.fromkeys(self.logs, 0)
        self.frozen: dict[DeviceKey, int] = {}
        self.kept: LedgerState | None = None
        self.arrive(self.village.mei.key, 1)

    def arrive(self, author: DeviceKey, count: int) -> None:
        """Take in the next records of a log, as far as they are good."""
        end = self.frozen.get(author, len(self.logs[author]))
        count = min(count, end - self.held[author])
        if count > 0:
            self.home.arrive(author, count)
            self.held[author] += count

    def fork(self, author: DeviceKey, seq: int) -> None:
        """Take in the proof that a record of a log has a twin."""
        if author in self.frozen or not 0 < seq < len(self.logs[author]):
            return
        one = self.logs[author][seq]
        pen = next(pen for pen in self.scene.pens if pen.key == author)
        place = LogPosition(one.community, one.seq, one.prev, one.clock, one.basis)
        twin = record.sign(
            pen.signer, place, RecordDraft("unit.define", {"unit": "twin"}, 0, one.deps)
        )
        self.home.store.freeze(fork_proof.check(one, twin, self.village.community))
        self.frozen[author] = seq
        self.held[author] = min(self.held[author], seq)

    def check(self) -> None:
        """Compare what is kept with one fold of all that is held, in order."""
        self.kept = self.kept or self.home.state
        self.kept.refresh()
        plain = Ledger(self.village.community, documents=self.home.documents)
        for author, seq in self.frozen.items():
            plain.freeze(author, seq)
        held = [one for author, run in self.logs.items() for one in run[: self.held[author]]]
        plain.add(held)
        assert everything(self.kept.state) == everything(plain.state)
        for one in held:
            assert self.kept.verdict(one) == plain.verdict(one.id), one


STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 9), st.booleans(), st.integers(0, 19)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    acts=st.integers(10, 80),
    is_plain=st.booleans(),
    layers=st.sampled_from([(9, 3, 5), (4, 1, 40), (200, 90, 50)]),
    steps=STEPS,
)
def test_any_order_of_arrival_comes_to_one_fold_in_order(
    seed: int, acts: int, is_plain: bool, layers: tuple[int, int, int], steps: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(("MAX", "KEPT"), layers[:2], strict=True):
            patch.setattr(pending_state, f"NEWEST_RECORDS_{name}", value)
        patch.setattr(pending_state, "PORTION_RECORDS_MAX", layers[2])
        patch.setattr(late_records, "LATE_REFOLDS_MAX", MANY)
        arrival = Arrival(seed, acts, PLAIN if is_plain else ALL)
        authors = list(arrival.logs)
        for whose, count, is_checked, fork in steps:
            author = authors[whose % len(authors)]
            arrival.arrive(author, count)
            if fork == 0:
                arrival.fork(author, arrival.held[author] - count // 2)
            if is_checked:
                arrival.check()
        for author in authors:
            arrival.arrive(author, acts)
            arrival.check()


def test_a_device_that_ends_itself_and_is_ended_earlier_is_revoked_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by seed 309 of the test above."""
    for name, value in (("MAX", 4), ("KEPT", 1)):
        monkeypatch.setattr(pending_state, f"NEWEST_RECORDS_{name}", value)
    village = Village()
    second = Pen(village, village.founder, 1)
    second.enrol([village.mei.log[0]], is_new=False)
    for number in range(8):
        second.write("unit.define", {"unit": f"jar{number}"})
    second.revoke(second, 4)
    second.write("unit.define", {"unit": "lid"})
    village.mei.write("unit.define", {"unit": "shelf"}, [second.log[-1]])
    village.mei.revoke(second, 2)
    home = Home(village.community, founding_documents(village))
    home.hold(village.records)
    home.arrive(village.mei.key, 1)
    home.arrive(second.key, len(second.log))
    assert home.state.state.get(b"Ujar3") is not None
    home.arrive(village.mei.key, len(village.mei.log))
    plain = village.ledger()
    kept = home.state
    assert kept.state.get(DEVICE + second.key) == plain.state.get(DEVICE + second.key)
    assert DeviceRow(*kept.state.get(DEVICE + second.key)).revocations == 2
    assert [kept.verdict(one) for one in second.log] == [
        plain.verdict(one.id) for one in second.log
    ]


class Busy:
    """A sealed workshop; then Mei writes a lot, and others write late."""

    def __init__(self, patch: pytest.MonkeyPatch, refolds: int = MANY) -> None:
        for name, value in (("MAX", 12), ("KEPT", 4)):
            patch.setattr(pending_state, f"NEWEST_RECORDS_{name}", value)
        patch.setattr(late_records, "LATE_REFOLDS_MAX", refolds)
        self.shop = Workshop(paying(), "Jun", "Ana", "Bo")
        self.done = self.shop.work("Jun", 3)
        bo = self.shop.pens["Bo"]
        self.second = Pen(self.shop, bo.owner, 1)
        self.second.enrol([bo.log[-1]], is_new=False)
        self.shop.cut()
        self.home = Home(self.shop.community, self.shop.documents)
        self.home.hold(self.shop.records)
        self.home.seal(self.shop)
        for author in list(self.home.logs):
            self.home.arrive(author, len(self.shop.records))
        for number in range(60):
            self.take(self.shop.mei.write("unit.define", {"unit": f"jar{number}"}))
        self.kept = self.home.state
        self.folded = 0
        add = Ledger.add

        def counted(ledger: Ledger, records: Any) -> None:
            some = list(records)
            self.folded += len(some)
            add(ledger, some)

        patch.setattr(Ledger, "add", counted)

    def take(self, one: Record) -> Record:
        """Let a record arrive."""
        self.home.store.append(one.author, [one], self.shop.documents)
        return one

    def cost(self, one: Record) -> int:
        """Let a record arrive, and return how many records are folded for it."""
        self.take(one)
        self.folded = 0
        self.kept.refresh()
        return self.folded

    def work(self, name: str) -> Record:
        """Write hours without having seen what the others wrote."""
        pen = self.shop.pens[name]
        data = {"action": "work", "provider": pen.owner.id, "effortQuantity": hours(2)}
        return pen.write("event", data)

    def say(self, name: str, word: str, *seen: Record) -> Record:
        """Attest the sealed event, or take that back, after what was seen."""
        data = {"event": self.done.id, "say": word}
        return self.shop.pens[name].write("attest", data, seen)

    def counted(self, event: Record) -> int:
        """Return how often the state has a yes to an event."""
        return EventRow(*self.kept.state.get(EVENT + event.id)).yes


def test_a_late_record_is_folded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch)
    late = busy.work("Ana")
    assert late.clock < busy.shop.mei.log[-40].clock
    assert busy.cost(late) == 1
    assert busy.kept.verdict(late) is None
    said = busy.say("Bo", "yes")
    assert busy.cost(said) == 1
    assert busy.counted(busy.done) == 1
    assert busy.cost(busy.shop.mei.write("unit.define", {"unit": "lid"})) == 1


def test_many_members_who_write_late_at_one_clock_are_folded_once_or_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Busy(monkeypatch)
    late = [busy.work(name) for _ in range(30) for name in ("Jun", "Ana", "Bo")]
    costs = [busy.cost(one) for one in late]
    assert max(costs) <= pending_state.NEWEST_RECORDS_MAX + 1
    assert sum(costs) <= 3 * len(late)
    assert all(busy.kept.verdict(one) is None for one in late)


def test_a_late_record_that_others_depend_on_is_folded_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Busy(monkeypatch)
    data = {"event": busy.done.id, "say": "yes"}
    last = busy.second.write("attest", data, [busy.shop.mei.log[-1]])
    busy.cost(last)
    assert busy.counted(busy.done) == 1
    late = busy.say("Bo", "withdraw")
    assert busy.cost(late) > 1
    assert busy.kept.verdict(late) is Reason.NOTHING_NEW, "nothing was said before it"
    assert busy.counted(busy.done) == 1, "the yes came after it"


def test_who_writes_late_on_purpose_has_all_folded_again_so_often_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = Busy(monkeypatch, refolds=2)
    last = busy.shop.mei.log[-1]
    busy.cost(busy.say("Ana", "yes", last))
    for number in range(20):  # what Ana said is not among the newest
        busy.cost(busy.shop.mei.write("unit.define", {"unit": f"lid{number}"}))
    late = [busy.say("Bo", word) for word in ("yes", "withdraw") * 5]
    costs = [busy.cost(one) for one in late]
    assert [cost > 40 for cost in costs] == [True, True, *[False] * 8]
    assert max(costs[2:]) <= 2 * pending_state.NEWEST_RECORDS_MAX
    assert busy.counted(busy.done) == 1, "as if the rest had not come yet"
    assert busy.cost(busy.work("Jun")) == 1, "others are folded as before"
    assert busy.cost(busy.shop.mei.write("unit.define", {"unit": "last"})) == 1
    late.append(busy.say("Bo", "yes"))
    busy.take(late[-1])
    busy.shop.cut()
    SealStore(busy.home.store, busy.shop.community).put(*busy.shop.sealed[-1])
    busy.kept.refresh()
    assert busy.kept.is_final(late[-1])
    assert busy.counted(busy.done) == 2, "the seal has them all"
