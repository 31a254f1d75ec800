"""A chapter of the practice community: offers and needs, deals, a ring, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import HOUR, SAID
from tests.protocol.ledger.village import TEXT
from tests.protocol.ledger.workshop import hours

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice


class Deals:
    """The chapter; `practice` is the story that it belongs to."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice

    def tell(self) -> None:
        """Let members offer, need, agree, be too late, keep their word, and end it."""
        for part in (
            *(self._offer, self._counter, self._ring, self._lose, self._fulfil, self._speak),
            self._end,
        ):
            part()
            self.practice.witnessed(1, "Mei", "Jun")

    def id(self, name: str) -> bytes:
        """Return a member's id, or the community's for "all"."""
        return bytes(self.practice.community if name == "all" else self.practice.id(name))

    def write(self, name: str, kind: str, data: dict[str, Any], body: Any = None) -> Record:
        """Let a member write a record."""
        return self.practice.write(name, kind, data, body)

    def intent(self, name: str, n: int, side: str = "provider", **over: Any) -> Record:
        """Let a member offer or need so many hours."""
        data = {"action": "work", side: self.id(name), "effortQuantity": hours(n)}
        return self.write(name, "intent", data | over)

    def clause(self, by: str, n: int, giver: str, taker: str, *of: Record, **over: Any) -> Record:
        """Let a member write that one is to give another so many hours."""
        data: dict[str, Any] = {"action": "work", "effortQuantity": hours(n)}
        data |= {"provider": self.id(giver), "receiver": self.id(taker), "clause": True}
        return self.write(by, "commitment", data | {"satisfies": [one.id for one in of]} | over)

    def deal(self, by: str, *clauses: Record, **over: Any) -> Record:
        """Let a member propose an agreement."""
        return self.write(by, "agreement", {"stipulates": [one.id for one in clauses]} | over)

    def say(self, by: str, deal: Record, say: str = "yes", **over: Any) -> Record:
        """Let a member answer an agreement."""
        return self.write(by, "agreement.sign", {"agreement": deal.id, "say": say} | over)

    def done(self, by: str, clause: Record, n: int, **over: Any) -> Record:
        """Let a member say how many hours of a clause were given."""
        data = {key: clause.data[key] for key in ("action", "provider", "receiver")}
        return self.write(
            by, "event", data | {"fulfills": clause.id, "effortQuantity": hours(n)} | over
        )

    def _offer(self) -> None:
        soon = self.practice.now_ms
        self.repair = self.intent(
            "Ana",
            6,
            resourceClassifiedAs=["bike", "自行车"],
            minimumQuantity=hours(2),
            availableQuantity=hours(8),
            inScopeOf="oven",
            hasBeginning=soon,
            hasEnd=soon + 200 * HOUR,
        )
        self.intent("Ana", 1, resourceClassifiedAs=["bike", "Bike"])
        self.intent("Ana", 1, minimumQuantity=hours(2))
        self.garden = self.intent("Jun", 5, "receiver", due=soon + 300 * HOUR)
        self.brief = self.intent("Ana", 3, hasEnd=soon + 3 * HOUR)
        wanted = {"action": "transfer", "resourceQuantity": hours(1) | {"unit": "one"}}
        self.price = self.write("Ana", "intent", wanted | {"receiver": self.id("Ana")})
        data: dict[str, Any] = {
            "purpose": "offer",
            "publishes": [self.repair.id],
            "reciprocal": [self.price.id],
        }
        data |= {"unitBased": True, "hasEnd": soon + 100 * HOUR, "eligibleLocation": "oven"}
        data |= {"proposedTo": [self.id("Jun"), "helper"]}
        first = self.write("Ana", "proposal.offer", data)
        self.write("Ana", "proposal.offer", data | {"replaces": first.id})
        self.write("Ana", "proposal.offer", data | {"replaces": first.id})
        self.write("Jun", "proposal.offer", {"purpose": "offer", "publishes": [self.garden.id]})
        data = {"purpose": "request", "publishes": [self.garden.id]}
        asked = self.write("Jun", "proposal.offer", data)
        for name in ("Ana", "Jun", "Jun"):
            self.write(name, "proposal.withdraw", {"offer": asked.id})
        self.write("Jun", "intent.pause", {"intent": self.garden.id, "paused": True})
        self.write("Jun", "intent.pause", {"intent": self.garden.id, "paused": False})
        self.write("Mei", "intent.withdraw", {"intent": self.garden.id})
        self.old = self.intent("Mei", 2)
        new = self.intent("Mei", 3, replaces=self.old.id)
        self.write("Mei", "intent.withdraw", {"intent": new.id})

    def _counter(self) -> None:
        first = self.clause("Jun", 3, "Ana", "Jun", self.repair, self.garden)
        back = self.clause("Jun", 1, "Jun", "Ana")
        asked = self.deal("Jun", first, stipulatesReciprocal=[back.id])
        self.write("Ana", "agreement.comment", {"agreement": asked.id}, TEXT)
        self.write("Mei", "agreement.comment", {"agreement": asked.id}, TEXT)
        self.first = self.clause("Ana", 3, "Ana", "Jun", self.repair, self.garden)
        more = self.clause("Ana", 2, "Jun", "Ana")
        self.kept = self.deal("Ana", self.first, stipulatesReciprocal=[more.id], counters=asked.id)
        self.say("Ana", asked)
        self.back = more
        self.say("Jun", self.kept)
        self.say("Jun", self.kept, "withdraw")
        self.deal("Jun", self.clause("Jun", 1, "Ana", "Jun"), counters=self.kept.id)

    def _ring(self) -> None:
        names = ("Mei", "Jun", "Ana")
        self.ring_clauses = [
            self.clause("Mei", 2, giver, taker)
            for giver, taker in zip(names, (*names[1:], names[0]), strict=True)
        ]
        self.ring = self.deal("Mei", *self.ring_clauses)
        self.say("Jun", self.ring)
        self.done("Mei", self.ring_clauses[0], 1)
        self.say("Ana", self.ring)
        declined = self.deal("Mei", self.clause("Mei", 1, "Mei", "Jun"))
        self.say("Jun", declined, "no")
        taken_back = self.deal("Mei", self.clause("Mei", 1, "Mei", "Jun"))
        self.say("Mei", taken_back, "withdraw")
        self.say("Jun", taken_back)
        soon = self.practice.now_ms + HOUR
        self.late = self.deal("Jun", self.clause("Jun", 1, "Ana", "Jun"), answerBy=soon)

    def _lose(self) -> None:
        rest = [self.deal("Jun", self.clause("Jun", 4, "Ana", "Jun", self.repair))]
        rest.append(self.deal("Mei", self.clause("Mei", 4, "Ana", "Mei", self.repair)))
        for deal in rest:
            self.say("Ana", deal)
        void = self.deal("Jun", self.clause("Jun", 1, "Ana", "Jun", self.brief))
        self.say("Ana", void)
        self.say("Ana", self.late)
        moved = self.clause("Jun", 1, "Ana", "Jun")
        gone = self.deal("Jun", moved)
        self.clause("Jun", 2, "Ana", "Jun", replaces=moved.id)
        self.say("Ana", gone)

    def _fulfil(self) -> None:
        self.done("Ana", self.first, 2)
        more = self.done("Ana", self.first, 2)
        less = {"action": "work", "corrects": more.id, "effortQuantity": hours(-1)}
        back = self.write("Ana", "event", less)
        self.write("Jun", "attest", {"event": back.id, "say": "yes"})
        self.done("Ana", self.first, 1, receiver=self.id("Mei"))
        self.done("Mei", self.ring_clauses[0], 2)
        supplied = {"provider": b"s" * 16, "receiver": self.id("Jun")}
        data = {"action": "work", "effortQuantity": hours(2)}
        said = self.write("Jun", "commitment", data | supplied)
        self.write("Jun", "event", data | supplied | {"fulfills": said.id})
        mine = data | {"provider": self.id("Jun"), "receiver": self.id("all")}
        promise = self.write("Jun", "commitment", mine)
        self.write("Jun", "commitment", mine | {"replaces": promise.id})
        need = self.intent("Mei", 3, "receiver")
        gift = data | {"provider": self.id("Ana"), "receiver": self.id("Mei")}
        self.write("Ana", "event", gift | {"satisfies": need.id})
        self.write("Mei", "intent.withdraw", {"intent": need.id})
        self.write("Ana", "event", gift | {"satisfies": need.id})

    def _speak(self) -> None:
        practice = self.practice
        proposal = practice.patch("Jun", {"exchange": {"speaks_for_community": "helper", **SAID}})
        practice.say(proposal, "yes", "Mei Jun Ana Dan")
        practice.witnessed(1, "Mei", "Jun")
        self.write("Jun", "role.resign", {"role": "helper"})
        wanted = {"receiver": self.id("all"), "action": "work", "effortQuantity": hours(4)}
        self.write("Jun", "intent", wanted)
        need = self.write("Ana", "intent", wanted)
        clause = self.clause("Jun", 4, "Jun", "all", need)
        deal = self.deal("Jun", clause)
        ours: dict[str, Any] = {"for": self.id("all")}
        for name in ("Jun", "Mei", "Ana"):
            self.say(name, deal, **ours)

    def _end(self) -> None:
        for name, why in (("Jun", "done"), ("Jun", "done"), ("Ana", "given up")):
            self.write(name, "agreement.end", {"agreement": self.kept.id, "why": why})
        self.done("Jun", self.back, 1)
        for name in ("Mei", "Jun", "Ana"):
            self.write(name, "agreement.end", {"agreement": self.ring.id, "why": "done"})
        self.intent("Dan", 5)
        self.deal("Jun", self.clause("Jun", 1, "Dan", "Jun"))
        removal = {"subject": "removal", "member": self.id("Dan")}
        proposal = self.write("Mei", "rules.propose", removal)
        self.practice.say(proposal, "yes", "Mei Jun Ana")
