"""Random stories of a workshop for the tests of parts, and a reckoning of them forwards in time.

The product reckons parts backwards from a source. Here everything that is in a resource is carried
along forwards, as fractions of the events that went into it, until it reaches the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any, TypeAlias

from commonweal.protocol.ledger.sharing.flows import Flows
from commonweal.protocol.ledger.sharing.used_parts import used_parts
from commonweal.protocol.ledger.things.pairs import TAKER_OF
from commonweal.protocol.records.record import Record
from tests.protocol.ledger.bakery import Bakery, amount, effort

UNITS = ("loaf", "one")
TAKERS = tuple(TAKER_OF.values())


@dataclass(frozen=True)
class Deed:
    """An event of a story. resources and processes have numbers; amount is in whole units."""

    action: str
    amount: int = 0
    resource: int | None = None
    target: int | None = None
    process: int | None = None


@dataclass
class Story:
    """Deeds in order. units: of each resource. processes: how many there are."""

    units: list[str]
    processes: int
    deeds: list[Deed] = field(default_factory=list)


class Teller:
    """Makes up a story in which every deed counts and nothing comes back to where it was made."""

    def __init__(self, seed: int, deeds: int = 25) -> None:
        self.rng = Random(seed)
        size = self.rng.randint(3, 6)
        self.story = Story([self.rng.choice(UNITS) for _ in range(size)], self.rng.randint(1, 4))
        self.onhand = [0] * size
        self.handed_in: dict[tuple[int, str, int], int] = defaultdict(int)
        for number in range(size):
            self.tell(Deed("raise", self.rng.randint(1, 12), number))
        for _ in range(deeds):
            self.deed()
        for process in range(self.story.processes):
            target = self.rng.randrange(size)
            self.tell(Deed("produce", self.rng.randint(1, 9), target, process=process))
        for number in range(size):
            self.tell(Deed("lower", self.onhand[number], number))

    def tell(self, deed: Deed) -> None:
        """Add a deed, and keep account of what is there."""
        story = self.story
        story.deeds.append(deed)
        if deed.resource is None:
            return
        more = deed.amount if deed.action in ("raise", "produce", *TAKER_OF) else -deed.amount
        self.onhand[deed.resource] += more
        if deed.target is not None:
            self.onhand[deed.target] += deed.amount
        taker = TAKER_OF.get(deed.action, deed.action)
        if taker in TAKERS:
            process = -1 if taker == "combine" else deed.process
            assert process is not None
            self.handed_in[deed.resource, taker, process] -= more

    def deed(self) -> None:
        """Tell one deed of any sort that is possible."""
        rng, story = self.rng, self.story
        resource, process = rng.randrange(len(story.units)), rng.randrange(story.processes)
        there = self.onhand[resource]
        match rng.choice(["work", "in", "in", "in", "out", "out", "back", "back", "give", "lower"]):
            case "work":
                self.tell(Deed("work", rng.randint(1, 5), process=process))
            case "in" if there:
                action = rng.choice(["consume", "consume", *TAKERS])
                self.tell(Deed(action, rng.randint(0, there), resource, process=process))
            case "out":
                action = rng.choice(["produce", "raise"])
                at = process if action == "produce" else None
                self.tell(Deed(action, rng.randint(0, 9), resource, process=at))
            case "back":
                away = [key for key, n in self.handed_in.items() if n]
                if away:
                    of, taker, at = rng.choice(away)
                    giver = next(giver for giver, other in TAKER_OF.items() if other == taker)
                    n = rng.randint(1, self.handed_in[of, taker, at])
                    self.tell(Deed(giver, n, of, process=process if at < 0 else at))
            case "give" if there:
                others = [
                    other
                    for other, unit in enumerate(story.units)
                    if other != resource and unit == story.units[resource]
                ]
                if others:
                    action = rng.choice(["transfer", "move"])
                    n = rng.randint(0, there)
                    self.tell(Deed(action, n, resource, rng.choice(others)))
            case "lower" if there > 1:
                self.tell(Deed("lower", rng.randint(0, there // 2), resource))


Write: TypeAlias = Callable[[str, dict[str, Any]], Record]
"""Writes a record of a kind with this data."""


@dataclass
class Told:
    """A story as records. times: by unit, by how much every amount is multiplied."""

    story: Story
    write: Write
    provider: bytes
    times: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.processes = [self.write("process", {}) for _ in range(self.story.processes)]
        self.resources: dict[int, Record] = {}
        self.events = [self._event(deed) for deed in self.story.deeds]

    def _event(self, deed: Deed) -> Record:
        data: dict[str, Any] = {"action": deed.action, "provider": self.provider}
        if deed.resource is None:
            data |= effort(deed.amount)
        else:
            unit = self.story.units[deed.resource]
            data |= amount(deed.amount * self.times.get(unit, 1), unit)
            known = self.resources.get(deed.resource)
            if known is None:
                data["newInventoriedResource"] = {}
            else:
                data["resourceInventoriedAs"] = known.id
        if deed.process is not None:
            side = "outputOf" if deed.action in ("produce", *TAKER_OF) else "inputOf"
            data[side] = self.processes[deed.process].id
        if deed.target is not None:
            data |= {"toResourceInventoriedAs": self.resources[deed.target].id}
            data |= {"receiver": self.provider}
        event = self.write("event", data)
        if deed.resource is not None:
            self.resources.setdefault(deed.resource, event)
        return event


class Written(Told):
    """A story in a bakery, and the parts of what happened in it."""

    def __init__(self, story: Story, times: dict[str, int] | None = None) -> None:
        self.bakery = bakery = Bakery()
        super().__init__(
            story,
            lambda kind, data: bakery.jun.write(kind, data, [bakery.book]),
            bakery.jun.owner.id,
            times or {},
        )
        ledger = bakery.ledger()
        self.state = ledger.state
        void = [ledger.verdict(event.id) for event in self.events]
        assert not any(void), void

    def parts(self, source: bytes) -> dict[int, Fraction]:
        """Return the parts behind a source, by number of the deed."""
        numbers = {bytes(event.id): number for number, event in enumerate(self.events)}
        parts = used_parts(Flows(self.state, source, lambda _: 1))
        return {numbers[id]: part for id, part in parts.items()}


Content = dict[int, Fraction]


class Carried:
    """Goes through a story forwards and carries along what is in everything.

    source: a deed by its number, or ("resource", number), or ("process", number).
    """

    def __init__(self, story: Story, source: int | tuple[str, int]) -> None:
        self.story, self.source = story, source
        self.inside: list[Content] = [{} for _ in story.units]
        self.onhand = [Fraction(0) for _ in story.units]
        self.away: dict[tuple[int, str, int], tuple[Content, Fraction]] = {}
        self.given: dict[int, Content] = defaultdict(dict)
        self.parts: Content = {}
        self.kept = self._kept()
        for number, deed in enumerate(story.deeds):
            if deed.action == "work":
                self._enter(number, {}, lasts=True)
        for number, deed in enumerate(story.deeds):
            if deed.action != "work":
                self._carry(number, deed)

    def _kept(self) -> dict[int, Fraction]:
        """Return, by what took, which portion of it never came back."""
        kept: dict[int, Fraction] = {}
        stock: dict[tuple[int, str, int], Fraction] = defaultdict(Fraction)
        for number, deed in enumerate(self.story.deeds):
            key = self._pair(deed)
            if key is None:
                continue
            if deed.action in TAKERS:
                stock[key] += deed.amount
                kept[number] = Fraction(1)
                continue
            left = 1 - (Fraction(deed.amount) / stock[key] if deed.amount else 0)
            stock[key] -= deed.amount
            for earlier in kept:
                if self._pair(self.story.deeds[earlier]) == key:
                    kept[earlier] *= left
        return kept

    def _pair(self, deed: Deed) -> tuple[int, str, int] | None:
        taker = TAKER_OF.get(deed.action, deed.action)
        if taker not in TAKERS or deed.resource is None or deed.process is None:
            return None
        return deed.resource, taker, -1 if taker == "combine" else deed.process

    def _carry(self, number: int, deed: Deed) -> None:
        assert deed.resource is not None
        match deed.action:
            case "raise" | "produce":
                self._put(deed.resource, number, self.given.pop(number, {}), deed.amount)
            case "consume" | "lower":
                content = self._draw(deed.resource, deed.amount)
                self._enter(number, content)
            case "transfer" | "move":
                assert deed.target is not None
                content = self._draw(deed.resource, deed.amount)
                self._put(deed.target, number, content, deed.amount)
            case "accept" | "pickup" | "combine":
                self._hand_in(number, deed)
            case _:
                key = self._pair(deed)
                assert key is not None
                content, there = self.away[key]
                portion = Fraction(deed.amount) / there if deed.amount else Fraction(0)
                back = scaled(content, portion)
                self.away[key] = scaled(content, 1 - portion), there - deed.amount
                whole = added(back, self.given.pop(number, {}))
                self._put(deed.resource, number, whole, deed.amount)

    def _hand_in(self, number: int, deed: Deed) -> None:
        assert deed.resource is not None
        content, key = self._draw(deed.resource, deed.amount), self._pair(deed)
        assert key is not None
        if self.source in (number, ("process", deed.process)):
            self._count(added(content, {number: Fraction(1)}))
            content = {}
        else:
            content = added(content, {number: Fraction(1)})
        there, n = self.away.get(key, ({}, Fraction(0)))
        self.away[key] = added(there, content), n + deed.amount
        self._share(number, deed, scaled(content, self.kept[number]), lasts=False)

    def _enter(self, number: int, content: Content, lasts: bool = False) -> None:
        """Let an input go into the outputs of its process. lasts: also into those before it."""
        deed = self.story.deeds[number]
        content = added(content, {number: Fraction(1)})
        if self.source == number or (
            deed.process is not None and self.source == ("process", deed.process)
        ):
            self._count(content)
        elif deed.process is not None:
            self._share(number, deed, content, lasts)

    def _share(self, number: int, deed: Deed, content: Content, lasts: bool) -> None:
        outputs = [
            (other, each)
            for other, each in enumerate(self.story.deeds)
            if each.process == deed.process and each.action in ("produce", *TAKER_OF)
        ]
        totals: dict[str, int] = defaultdict(int)
        for _, each in outputs:
            totals[self._unit(each)] += each.amount
        weights = {
            other: Fraction(each.amount, totals[self._unit(each)])
            for other, each in outputs
            if each.amount and (lasts or other > number)
        }
        whole = sum(weights.values())
        for other, weight in weights.items():
            more = scaled(content, weight / whole)
            self.given[other] = added(self.given[other], more)

    def _unit(self, deed: Deed) -> str:
        assert deed.resource is not None
        return self.story.units[deed.resource]

    def _draw(self, resource: int, n: int) -> Content:
        there = self.onhand[resource]
        portion = Fraction(n) / there if n else Fraction(0)
        self.onhand[resource] -= n
        drawn = scaled(self.inside[resource], portion)
        self.inside[resource] = scaled(self.inside[resource], 1 - portion)
        return drawn

    def _put(self, resource: int, number: int, content: Content, n: int) -> None:
        content = added(content, {number: Fraction(1)})
        self.onhand[resource] += n
        if self.source in (number, ("resource", resource)):
            self._count(content)
        else:
            self.inside[resource] = added(self.inside[resource], content)

    def _count(self, content: Content) -> None:
        self.parts = added(self.parts, content)


def scaled(content: Content, by: Fraction) -> Content:
    """Return a content multiplied."""
    return {id: part * by for id, part in content.items() if by}


def added(content: Content, more: Content) -> Content:
    """Return two contents together."""
    none = Fraction(0)
    return {id: content.get(id, none) + more.get(id, none) for id in {**content, **more}}
