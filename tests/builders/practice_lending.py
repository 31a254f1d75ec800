"""A chapter of the practice community: a bike that is lent, lost, late, moved and blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commonweal.protocol.records.record import Record
from tests.protocol.ledger.council import DAY, HOUR
from tests.protocol.ledger.village import TEXT

if TYPE_CHECKING:
    from tests.builders.practice_community import Practice

ONE = {"n": 1, "scale": 0, "unit": "one"}
MINUTE = HOUR // 60


class Lending:
    """The chapter; `practice` is the story that it belongs to."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice

    def tell(self) -> None:
        """Let Jun lend a bike: on terms, to some, for a time; and let it come back."""
        for part in (
            *(self._terms, self._blocks, self._ask, self._lend, self._bring_back),
            *(self._quotas, self._end, self._move, self._common),
        ):
            part()
            self.practice.witnessed(1, "Mei", "Jun")

    def id(self, name: str) -> bytes:
        """Return a member's id, or the community's for "all"."""
        return bytes(self.practice.community if name == "all" else self.practice.id(name))

    def write(self, name: str, kind: str, data: dict[str, Any], **more: Any) -> Record:
        """Let a member write a record."""
        return self.practice.write(name, kind, data, **more)

    def at(self, day: int, hour: int = 0, minute: int = 0) -> int:
        """Return a time so long from the beginning of the chapter."""
        return self.begun + day * DAY + hour * HOUR + minute * MINUTE

    def fee(self, n: int, per_ms: int, unit: str = "EUR") -> dict[str, Any]:
        """Return a fee as terms state it."""
        return {"quantity": {"n": n, "scale": 2, "unit": unit}, "per_ms": per_ms}

    def terms(self, name: str, **said: Any) -> Record:
        """Let a member say on which terms the bike is lent."""
        return self.write(
            name, "resource.terms", {"resource": self.bike.id, "accepts": "ask"} | said
        )

    def block(self, name: str, **said: Any) -> Record:
        """Let a member block the bike."""
        return self.write(name, "resource.block", {"resource": self.bike.id} | said)

    def clause(self, name: str, begin: int, end: int, **over: Any) -> Record:
        """Let a member write that they have the bike of Jun for a time."""
        data: dict[str, Any] = {"action": "transferCustody", "resourceQuantity": ONE}
        data |= {"provider": self.id("Jun"), "receiver": self.id(name), "clause": True}
        data |= {"resourceInventoriedAs": self.bike.id, "hasBeginning": begin, "hasEnd": end}
        return self.write(name, "commitment", data | over)

    def ask(self, name: str, *clauses: Record, **over: Any) -> Record:
        """Let a member ask for what clauses say."""
        data = {"stipulates": [clause.id for clause in clauses]}
        return self.write(name, "agreement", data | over)

    def book(self, name: str, begin: int, end: int, **over: Any) -> tuple[Record, Record]:
        """Let a member ask for the bike for a time; return the clause and the agreement."""
        clause = self.clause(name, begin, end, **over)
        return clause, self.ask(name, clause)

    def say(self, name: str, deal: Record, say: str = "yes", speaker: str = "") -> Record:
        """Let a member answer an agreement. speaker: for this one, "all"."""
        data = {"agreement": deal.id, "say": say}
        data |= {"for": self.id(speaker)} if speaker else {}
        return self.write(name, "agreement.sign", data)

    def hand(
        self, name: str, giver: str, taker: str, source: Record, target: Record | None, **over: Any
    ) -> Record:
        """Let a member say that the bike goes from one to another."""
        data: dict[str, Any] = {"action": "transferCustody", "resourceQuantity": ONE}
        data |= {"provider": self.id(giver), "receiver": self.id(taker)}
        data |= {"resourceInventoriedAs": source.id}
        if target is None:
            data["newInventoriedResource"] = {}
        else:
            data["toResourceInventoriedAs"] = target.id
        return self.write(name, "event", data | over)

    def wait(self, hours: int) -> None:
        """Seal after some hours, with something to seal."""
        self.write("Mei", "member.profile", {}, body=TEXT)
        self.practice.witnessed(hours, "Mei", "Jun")

    def _terms(self) -> None:
        self.begun = self.practice.now_ms
        self.write("Ana", "role.claim", {"role": "helper"})
        begun: dict[str, Any] = {"newInventoriedResource": {}, "resourceQuantity": ONE}
        self.bike = self.write(
            "Jun", "event", {"action": "raise", "provider": self.id("Jun")} | begun
        )
        self.terms("Mei")
        self.terms("Jun", accepts=["driver"])
        self.terms("Jun", capacity=0)
        self.terms("Jun", fee=self.fee(100, DAY, "furlong"))
        self.terms("Jun", resource=bytes(32))
        self.first = self.terms(
            "Jun",
            accepts=["helper"],
            min_ms=HOUR,
            max_ms=3 * DAY,
            buffer_ms=30 * MINUTE,
            ahead_ms=60 * DAY,
            fee=self.fee(150, DAY),
            late_fee=self.fee(200, HOUR),
            days_max=4,
            per=30,
            utc_offset_minutes=480,
        )
        self.terms("Jun", capacity=2)

    def _blocks(self) -> None:
        self.block("Mei", sort="repair", begin=self.at(20))
        repair = self.block("Jun", sort="repair", begin=self.at(20))
        self.repair = self.block(
            "Jun", sort="repair", begin=self.at(20), end=self.at(21), replaces=repair.id
        )
        hint = self.block("Jun", sort="hint", begin=self.at(2), end=self.at(9))
        self.block("Jun", sort="lifted", replaces=hint.id)
        self.block("Jun", sort="lifted", replaces=hint.id)
        self.block("Jun", sort="hint", begin=self.at(0), end=self.at(0, 1))
        self.block("Jun", sort="holiday", begin=self.at(0))

    def _ask(self) -> None:
        self.block("Jun", sort="hint", begin=self.at(5))
        self.lost_clause, self.lost = self.book("Mei", self.at(5, 9), self.at(5, 17))
        held = self.clause("Ana", self.at(5, 12), self.at(5, 14))
        paid: dict[str, Any] = {"action": "transfer", "provider": self.id("Ana")}
        paid["receiver"] = self.id("Jun")
        paid |= {"resourceQuantity": {"n": 150, "scale": 2, "unit": "EUR"}, "clause": True}
        fee = self.write("Ana", "commitment", paid)
        self.held = self.ask("Ana", held, stipulatesReciprocal=[fee.id])
        self.ask("Ana", self.clause("Ana", self.at(30), self.at(30, 2)))
        self.say("Jun", self.lost)
        for begin, end in (
            *((self.at(6), self.at(6) + 1), (self.at(6), self.at(10))),
            *((self.at(70), self.at(70, 2)), (self.begun - DAY, self.begun + DAY)),
        ):
            self.book("Mei", begin, end)
        self.book("Mei", self.at(6), self.at(6, 2), provider=self.id("Ana"))
        both = [self.clause("Mei", self.at(8), self.at(8, 2)) for _ in range(2)]
        self.ask("Mei", *both)
        _, blocked = self.book("Mei", self.at(20, 23), self.at(21, 2))
        self.say("Jun", blocked)
        soon = self.practice.now_ms
        self.soon_clause, self.soon = self.book("Mei", soon + 2 * HOUR, soon + 4 * HOUR)
        self.say("Jun", self.soon)

    def _lend(self) -> None:
        self.out = self.hand("Jun", "Jun", "Mei", self.bike, None, fulfills=self.soon_clause.id)
        self.wait(1)
        self.on = self.hand("Mei", "Mei", "Ana", self.out, None)
        data = {"agreement": self.soon.id, "why": "given up"}
        self.write("Mei", "agreement.end", data)

    def _bring_back(self) -> None:
        self.wait(5)
        back = self.hand("Ana", "Ana", "Jun", self.on, self.bike)
        self.wait(1)
        undone = {"action": "transferCustody", "corrects": back.id}
        undo = self.write("Ana", "event", undone | {"resourceQuantity": ONE | {"n": -1}})
        self.write("Jun", "attest", {"event": undo.id, "say": "yes"})
        self.wait(1)
        self.hand("Jun", "Ana", "Jun", self.on, self.bike)

    def _quotas(self) -> None:
        terms = {"min_ms": HOUR, "days_max": 2, "replaces": self.first.id}
        weekly = self.terms("Jun", **terms, per="week")
        for day in (13, 14, 15):
            _, deal = self.book("Mei", self.at(day), self.at(day, 4))
            self.say("Jun", deal)
        self.monthly = self.terms("Jun", **terms | {"replaces": weekly.id}, per="month")
        self.book("Mei", self.at(16), self.at(19))

    def _end(self) -> None:
        free = self.terms("Jun", replaces=self.monthly.id)
        self.free = free
        _, deal = self.book("Ana", self.at(9), self.at(10))
        self.say("Jun", deal)
        _, cancelled = self.book("Mei", self.at(11), self.at(12))
        self.say("Jun", cancelled)
        now = self.practice.now_ms
        _, running = self.book(
            "Mei",
            now + 2 * HOUR,
            now + 3 * DAY,
            action="use",
            effortQuantity={"n": 70, "scale": 0, "unit": "hour"},
        )
        self.say("Jun", running)
        self.wait(1)
        self.write("Jun", "agreement.end", {"agreement": cancelled.id, "why": "given up"})
        self.wait(30)
        for name in ("Mei", "Jun"):
            self.write(name, "agreement.end", {"agreement": running.id, "why": "given up"})
        _, asked = self.book("Mei", self.practice.now_ms, self.practice.now_ms + 2 * HOUR)
        self.wait(1)
        self.wait(2)
        self.say("Jun", asked)

    def _move(self) -> None:
        now = self.practice.now_ms
        one, first = self.book("Mei", now + 40 * DAY, now + 41 * DAY)
        _, second = self.book("Mei", now + 42 * DAY, now + 43 * DAY)
        for deal in (first, second):
            self.say("Jun", deal)
        self.wait(1)
        self.home = self.hand("Jun", "Jun", "Ana", self.bike, None)
        self.say("Mei", first)
        self.say("Ana", first, "withdraw")
        self.say("Ana", first)
        self.say("Ana", second, "no")
        self.terms("Jun", replaces=self.free.id)
        self.terms("Ana", replaces=self.free.id, capacity=3, resource=self.home.id)
        self.wait(1)
        self.hand("Ana", "Ana", "Mei", self.home, None, fulfills=one.id)

    def _common(self) -> None:
        begun: dict[str, Any] = {"newInventoriedResource": {}, "resourceQuantity": ONE}
        data = {"action": "raise", "provider": self.id("Jun"), "receiver": self.id("all")}
        cart = self.write("Jun", "event", data | begun)
        self.write("Mei", "attest", {"event": cart.id, "say": "yes"})
        self.write("Ana", "attest", {"event": cart.id, "say": "yes"})
        ours = {"resource": cart.id, "accepts": "ask"}
        for name in ("Mei", "Ana"):
            self.write(name, "resource.terms", ours)
        now = self.practice.now_ms
        clause, deal = self.book(
            "Mei",
            now + 5 * DAY,
            now + 6 * DAY,
            provider=self.id("all"),
            resourceInventoriedAs=cart.id,
        )
        self.say("Ana", deal, speaker="all")
        self.wait(1)
        out = self.hand("Ana", "all", "Mei", cart, None, fulfills=clause.id)
        self.write("Jun", "attest", {"event": out.id, "say": "yes"})
        self.hand("Mei", "Mei", "all", out, cart)
