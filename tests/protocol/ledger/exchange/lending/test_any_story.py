"""Whatever members write of things that are lent, in any order: the fold comes to a verdict."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest

from commonweal.protocol.codec import INT_MAX
from commonweal.protocol.ledger.exchange.lending.calendar_slots import DAY_MS, DAYS_MAX
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import amount
from tests.protocol.ledger.library import HOUR_MS, Library, at
from tests.protocol.ledger.village import Pen

RUNS = 5_000 if "COMMONWEAL_RUNS" in os.environ else 200
STEPS = 90
LATEST = 5
"""Of how many of the latest records of a kind one is meant."""
OUTSIDE = (b"o" * 16, b"p" * 16)
TIMES = (0, 1_000, DAYS_MAX * DAY_MS - HOUR_MS, DAYS_MAX * DAY_MS, 2**62, INT_MAX - 3 * DAY_MS)


class Story:
    """A library in which everybody does what may be meant, or is not."""

    def __init__(self, seed: int) -> None:
        self.rng, self.library = Random(seed), Library()
        library = self.library
        self.pens = [library.mei, library.jun, library.lin, library.ana]
        self.acts = (
            *(self.terms, self.ask, self.ask, self.ask, self.say, self.say, self.say, self.end),
            *(self.claim, self.hand, self.hand, self.undo, self.attest, self.block, self.seal),
        )

    def act(self) -> None:
        """Let somebody write something."""
        self.rng.choice(self.acts)()

    def terms(self) -> None:
        rng, said = self.rng, dict[str, Any]()
        said["replaces"] = self.one("resource.terms").id
        chosen = {
            "capacity": rng.randint(1, 3),
            "buffer_ms": rng.choice([0, HOUR_MS, 7 * DAY_MS]),
            "utc_offset_minutes": rng.choice([-840, 0, 840]),
            "late_fee": self.library.fee(1, HOUR_MS),
        }
        said |= {name: value for name, value in chosen.items() if rng.random() < 0.5}
        if rng.random() < 0.6:
            said |= {"days_max": rng.randint(1, 3), "per": rng.choice(["week", "month", 3, 92])}
        if rng.random() < 0.5:
            del said["replaces"]
        self.library.terms(pen=rng.choice([self.library.jun, self.pen()]), **said)

    def ask(self) -> None:
        rng, pen = self.rng, self.pen()
        days, hours = rng.randint(0, 9), rng.randint(0, 23)
        begin = rng.choice(TIMES) if rng.random() < 0.3 else at(days, hours)
        end = begin + rng.choice([HOUR_MS, DAY_MS, 3 * DAY_MS])
        receiver = pen.owner.id if rng.random() < 0.6 else self.agent()
        over: dict[str, Any] = {"receiver": receiver, "resourceInventoriedAs": self.resource()}
        over["action"] = rng.choice(["transferCustody", "use"])
        if rng.random() < 0.2:
            over["provider"] = self.agent()
        clause = self.library.clause(pen, begin, end, **over)
        self.library.agreement(rng.choice([pen, self.library.jun]), clause)

    def say(self) -> None:
        pen = self.rng.choice([self.library.jun, self.pen()])
        word = self.rng.choice(["yes", "yes", "yes", "no", "withdraw"])
        self.write("agreement.sign", pen, agreement=self.one("agreement").id, say=word)

    def end(self) -> None:
        why = self.rng.choice(["done", "given up"])
        self.write("agreement.end", self.pen(), agreement=self.one("agreement").id, why=why)

    def claim(self) -> None:
        self.write("agent.claim", self.pen(), agent=self.rng.choice(OUTSIDE))
        claim = self.library.records[-1]
        self.write("attest", self.pen(), event=claim.id, say="yes")

    def hand(self) -> None:
        rng, pen = self.rng, self.pen()
        data: dict[str, Any] = {"provider": pen.owner.id, "receiver": self.agent()}
        data["action"] = rng.choice(["transferCustody", "transferCustody", "transfer"])
        data["resourceInventoriedAs"] = self.resource()
        data |= amount(1, "one")
        if rng.random() < 0.6:
            data["newInventoriedResource"] = {}
        else:
            data["toResourceInventoriedAs"] = self.resource()
        if rng.random() < 0.5:
            data["fulfills"] = self.one("commitment").id
        self.write("event", pen, **data)

    def undo(self) -> None:
        event = self.one("event")
        pen = next(pen for pen in self.pens if pen.key == event.author)
        data = {"action": event.data.get("action"), "corrects": event.id}
        self.write("event", pen, **data, **amount(-1, "one"))

    def attest(self) -> None:
        self.write("attest", self.pen(), event=self.one("event").id, say="yes")

    def block(self) -> None:
        begin = self.rng.choice([at(2), *TIMES])
        end = self.rng.choice([None, begin + DAY_MS])
        self.library.block(begin, end, self.rng.choice(["repair", "hint"]))

    def seal(self) -> None:
        sealed = len(self.library.sealed)
        self.library.seal(at(self.rng.randint(0, 3)) + sealed * DAY_MS)

    def write(self, kind: str, pen: Pen, **data: Any) -> None:
        pen.write(kind, data, self.library.records[-1:])

    def pen(self) -> Pen:
        return self.rng.choice(self.pens)

    def agent(self) -> bytes:
        everybody = [bytes(pen.owner.id) for pen in self.pens]
        return self.rng.choice([*everybody, *OUTSIDE, bytes(self.library.community)])

    def resource(self) -> bytes:
        return self.rng.choice([self.library.bike.id, self.library.bike.id, self.one("event").id])

    def one(self, kind: str) -> Record:
        known = [record for record in self.library.records if record.kind == kind]
        return self.rng.choice(known[-LATEST:] or self.library.records[-1:])


@pytest.mark.many
@pytest.mark.parametrize("seed", range(RUNS))
def test_every_record_has_a_verdict(seed: int) -> None:
    story = Story(seed)
    for _ in range(STEPS):
        story.act()
    ledger = story.library.open()
    assert ledger.fold()
    assert ledger.state.to_bytes()


def test_stories_come_to_all_that_is_lent() -> None:
    counted = dict.fromkeys(("agreement.sign", "agreement.end", "resource.terms", "agent.claim"), 0)
    for seed in range(12):
        story = Story(seed)
        for _ in range(STEPS):
            story.act()
        ledger = story.library.open()
        ledger.fold()
        for record in story.library.records:
            if record.kind in counted and story.library.verdict(record) is None:
                counted[record.kind] += 1
    assert all(counted.values()), counted
