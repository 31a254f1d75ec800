"""A market told by chance, and sealed now and then: offers, deals, work, and partings."""

from __future__ import annotations

from random import Random
from typing import Any

from commonweal.protocol.ledger.exchange.commitments import PROMISED, commitment_row
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.exchange.trading import SUPPLIER, Trading, amount
from tests.protocol.ledger.village import TEXT

NAMES = ("Mei", "Jun", "Ana", "Bo")
SPOKEN_FOR = {
    "roles": {"steward": {"endorsements": 1, **SAID}},
    "exchange": {"speaks_for_community": "steward", **SAID},
}


def told(seed: int, acts: int = 240) -> Trading:
    """Return a community whose members wrote so many records, near to right, between seals."""
    return _Story(seed, acts).town


class _Story:
    def __init__(self, seed: int, acts: int) -> None:
        self.rng = Random(seed)
        self.town = Trading(document=SPOKEN_FOR if seed % 2 else {})
        self.wishes: list[Record] = []
        self.published: list[Record] = []
        self.clauses: list[Record] = []
        self.deals: list[Record] = []
        self.events: list[Record] = []
        if seed % 2:
            for by, kind in (("Mei", "role.claim"), ("Jun", "role.endorse")):
                data = {"role": "steward", "member": self.town.id("Mei")}
                self.town.write(by, kind, data)
        written = self.town.records[-1]
        for number in range(acts):
            by = self.rng.choice(NAMES[: 3 if number > acts * 3 // 4 else 4])
            self.rng.choice(self.acts)(self, by)
            if number % 24 == 0 and self.town.records[-1] is not written:
                written = self.town.records[-1]
                self.town.cut(self.rng.choice((1, 1, 2, 60)))
            if number == acts * 3 // 4:
                self.town.write("Bo", "member.leave", {})
        self.town.work("Mei", 1)
        self.town.cut()

    def hours(self, most: int = 6) -> dict[str, Any]:
        """Return an effort, of one of two scales."""
        scale = self.rng.choice((0, 0, 1))
        return amount(self.rng.randint(1, most) * 10**scale + scale, scale=scale)

    def soon(self, *keys: str) -> dict[str, int]:
        """Return times around the next seals, for some of the keys."""
        later = self.rng.choice((-1, 0, 1, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR))
        return {key: self.town.now_ms + later for key in keys if self.rng.random() < 0.3}

    def intend(self, by: str) -> None:
        """Offer or need something, seldom for the community, or in the place of something."""
        data: dict[str, Any] = {"action": "work"} | self.hours() | self.soon("hasEnd", "due")
        whose = self.town.who("all") if self.rng.random() < 0.25 else self.town.id(by)
        data[self.rng.choice(("provider", "receiver"))] = whose
        for key, chance in (("availableQuantity", 0.2), ("minimumQuantity", 0.1)):
            if self.rng.random() < chance:
                data[key] = self.hours()["effortQuantity"]
        if self.wishes and self.rng.random() < 0.2:
            data["replaces"] = self.rng.choice(self.wishes).id
        if self.rng.random() < 0.2:
            data["resourceClassifiedAs"] = self.rng.choice((["a"], ["a", "b"], ["b", "a"]))
        self.wishes.append(self.town.write(by, "intent", data))

    def manage(self, by: str) -> None:
        """Pause, open or withdraw an intent, or an offer."""
        if self.wishes:
            wish = self.rng.choice(self.wishes)
            kind = self.rng.choice(("intent.pause", "intent.pause", "intent.withdraw"))
            data = {"intent": wish.id, "paused": self.rng.random() < 0.6}
            self.town.write(self.party(by, wish), kind, data)
        if self.published and self.rng.random() < 0.3:
            offer = self.rng.choice(self.published)
            self.town.write(by, "proposal.withdraw", {"offer": offer.id})

    def publish(self, by: str) -> None:
        """Publish intents together, or in the place of others."""
        if not self.wishes:
            return
        wishes = [self.rng.choice(self.wishes) for _ in range(self.rng.randint(1, 3))]
        some, by = [wish.id for wish in wishes], self.party(by, wishes[0])
        data: dict[str, Any] = {"purpose": self.rng.choice(("offer", "request"))}
        data |= {"publishes": some[:1], "reciprocal": [id for id in some[1:] if id != some[0]]}
        data |= {"proposedTo": [self.town.id("Jun"), "witness"]} | self.soon("hasEnd")
        if self.published and self.rng.random() < 0.3:
            data["replaces"] = self.rng.choice(self.published).id
        self.published.append(self.town.write(by, "proposal.offer", data))

    def commit(self, by: str) -> None:
        """Promise something, or ask others for it, for offers and needs or without."""
        agents: list[bytes] = [self.town.id(name) for name in NAMES]
        agents += [bytes(self.town.community), SUPPLIER]
        data: dict[str, Any] = {"action": "work"} | self.hours(4)
        data |= dict(zip(("provider", "receiver"), self.rng.sample(agents, 2), strict=True))
        number = self.rng.choice((0, 1, 1, 1, 2))
        wanted = self.rng.sample(self.wishes[-3:], min(number, len(self.wishes[-3:])))
        for wish in wanted:
            data |= {key: wish.data[key] for key in ("provider", "receiver") if key in wish.data}
        data |= {"satisfies": [wish.id for wish in wanted], "clause": self.rng.random() < 0.85}
        if self.clauses and self.rng.random() < 0.1:
            data["replaces"] = self.rng.choice(self.clauses).id
        self.clauses.append(self.town.write(by, "commitment", data))

    def party(self, by: str, *records: Record) -> str:
        """Return a member that records name, in most cases; else the one who would write."""
        ids = [value for record in records for value in record.data.values()]
        named = [name for name in NAMES if self.town.id(name) in ids]
        return self.rng.choice(named) if named and self.rng.random() < 0.8 else by

    def clauses_of(self, deal: Record) -> list[Record]:
        """Return the commitments that an agreement stipulates."""
        return [clause for clause in self.clauses if clause.id in deal.data["stipulates"]]

    def voice(self) -> dict[str, Any]:
        """Return what says that the author speaks for the community, seldom."""
        return {"for": bytes(self.town.community)} if self.rng.random() < 0.15 else {}

    def propose(self, by: str) -> None:
        """Propose an agreement, or counter one."""
        if not self.clauses:
            return
        number = min(len(self.clauses), self.rng.choice((1, 1, 2)))
        some = self.rng.sample(self.clauses[-6:], number)
        first, *back = (clause.id for clause in some)
        by = self.party(by, *some)
        data: dict[str, Any] = {"stipulates": [first], "stipulatesReciprocal": back}
        data |= self.soon("answerBy") | self.voice()
        if self.deals and self.rng.random() < 0.2:
            data["counters"] = self.rng.choice(self.deals).id
        self.deals.append(self.town.write(by, "agreement", data))

    def answer(self, by: str) -> None:
        """Answer one of the last agreements."""
        for deal in self.deals[-3:]:
            by = self.party(by, *self.clauses_of(deal))
            say = self.rng.choice(("yes",) * 6 + ("no", "withdraw"))
            data = {"agreement": deal.id, "say": say} | self.voice()
            self.town.write(by, "agreement.sign", data)

    def end(self, by: str) -> None:
        """End an agreement, or comment on it."""
        if self.deals:
            deal = self.rng.choice(self.deals)
            by = self.party(by, *self.clauses_of(deal))
            why = self.rng.choice(("done", "given up"))
            self.town.write(by, "agreement.end", {"agreement": deal.id, "why": why} | self.voice())
            self.town.write(by, "agreement.comment", {"agreement": deal.id}, TEXT)

    def give(self, by: str) -> None:
        """Give something that was promised, or that somebody needs."""
        data: dict[str, Any] = {"action": "work", "provider": self.town.id(by)} | self.hours()
        promised = [clause for clause in self.clauses if self.is_promised(clause)]
        for key, named in (("fulfills", promised or self.clauses), ("satisfies", self.wishes)):
            if named and self.rng.random() < 0.6:
                chosen = self.rng.choice(named[-6:])
                sides = ("provider", "receiver")
                data |= {side: chosen.data[side] for side in sides if side in chosen.data}
                data[key] = chosen.id
        self.events.append(self.town.write(by, "event", data))

    def is_promised(self, clause: Record) -> bool:
        """Return whether a commitment is in force, as far as is known."""
        row = commitment_row(self.town.history.state, clause.id)
        return row is not None and row.status in PROMISED

    def correct(self, by: str) -> None:
        """Correct what was given, and agree to it."""
        if self.events:
            event = self.rng.choice(self.events[-5:])
            author = next(name for name in NAMES if self.town.pens[name].key == event.author)
            change = amount(self.rng.randint(-3, 2))
            data = {"action": "work", "corrects": event.id} | change
            less = self.town.write(author, "event", data)
            self.town.attest(less, by)

    acts = (
        *(intend, manage, publish, commit, commit, commit, commit),
        *(propose, propose, propose, answer, answer, answer, end, give, give, correct),
    )
