"""The parts of the events that stand behind the source of an income: shares.md."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.second_reader.context import Context
from tests.second_reader.resources import PAIRS
from tests.second_reader.things import signs

Row = dict[str, Any]
Place = tuple[int, int, bytes]
MOST = 50_000
FINEST = 2**256


def behind(c: Context, source: bytes) -> dict[bytes, Fraction]:
    """Return the part above 0 of each event behind a source."""
    walk = Walk(c, source)
    return {id: part for id, part in Parts(walk).known.items() if part}


class Walk:
    """Which events are reached, and the lists that were read on the way."""

    def __init__(self, c: Context, source: bytes) -> None:
        self.c, self.source, self.steps = c, source, 1
        self.reached: list[bytes] = []
        self.lists: dict[bytes, list[bytes]] = {}
        self.visited: list[tuple[str, bytes]] = []
        self.queue: list[tuple[str, bytes]] = []
        sorts = ("RESOURCE", "PROCESS", "EVENT")
        self.sort = next((s for s in sorts if c.state.get(s, source) is not None), None)
        if self.sort == "EVENT":
            self._reach(source)
        elif self.sort is not None:
            self.queue.append((self.sort, source))
        place = 0
        while place < len(self.queue) and self._visit(*self.queue[place]):
            self.visited.append(self.queue[place])
            place += 1

    def row(self, event: bytes) -> Row:
        """Return the row of an event."""
        return self.c.state.known("EVENT", event)

    def place(self, event: bytes) -> Place:
        """Return by what events are in order."""
        height = self.c.state.known("EVENT", event)["height"]
        return height, self.row(event)["clock"], event

    def amount(self, event: bytes) -> Fraction:
        """Return the amount of an event."""
        quantity = self.row(event)["quantity"]
        return Fraction(quantity[0], 10 ** quantity[1]) if quantity else Fraction(0)

    def draws(self, event: bytes) -> bool:
        """Whether an event draws on its source."""
        row = self.row(event)
        lowers = -1 in signs(row["action"], 0) or row["action"] == "copy"
        return row["source"] is not None and lowers

    def sign(self, resource: bytes, event: bytes) -> int:
        """Return the sign of an event for a resource, in the measure of that resource."""
        places = {id: self._signs(resource, id) for id in self.lists[b"t" + resource]}
        measure = 1 if any(both[1] for both in places.values()) else 0
        return places[event][measure]

    def _signs(self, resource: bytes, event: bytes) -> tuple[int, int]:
        row = self.row(event)
        return signs(row["action"], 0 if row["source"] == resource else 1)

    def pair(self, event: bytes) -> tuple[bytes, str, bytes] | None:
        """Return under which balance an event takes or gives back."""
        row = self.row(event)
        taker = PAIRS.get(row["action"], row["action"])
        if taker not in PAIRS.values() or row["source"] is None:
            return None
        process = row["output_of"] if row["action"] in PAIRS else row["input_of"]
        return row["source"], str(taker), b"" if taker == "combine" else process or b""

    def of_pair(self, key: tuple[bytes, str, bytes]) -> list[bytes]:
        """Return the events under a balance, in order; none where its list was not read."""
        return [id for id in self.lists.get(b"t" + key[0], []) if self.pair(id) == key]

    def _reach(self, event: bytes) -> None:
        if event in self.reached:
            return
        self.reached.append(event)
        row = self.row(event)
        wanted: list[tuple[str, bytes]] = []
        if row["output_of"] is not None:
            wanted.append(("PROCESS", row["output_of"]))
        if self.draws(event):
            wanted.append(("RESOURCE", row["source"]))
        if row["action"] in PAIRS and row["source"] is not None:
            taker = next(iter(self._key_name(event)))
            wanted.append(("PAIR", taker))
        self.queue += [stop for stop in wanted if stop not in self.queue]

    def _key_name(self, event: bytes) -> list[bytes]:
        key = self.pair(event)
        assert key is not None
        return [key[0] + key[1].encode() + b"\0" + key[2]]

    def _visit(self, sort: str, id: bytes) -> bool:
        """Visit what is queued; return whether the walk goes on."""
        if sort == "PROCESS":
            if not self._read("OF_PROCESS", id + b"i", b"i" + id):
                return False
            if not self._read("OF_PROCESS", id + b"o", b"o" + id):
                return False
            for event in self.lists[b"i" + id]:
                self._reach(event)
            return True
        if not self._read("OF_RESOURCE", id[:32], b"t" + id[:32]):
            return False
        for event in self.lists[b"t" + id[:32]]:
            if sort == "PAIR":
                takes = self.row(event)["action"] in PAIRS.values()
                if takes and self._key_name(event) == [id]:
                    self._reach(event)
            elif self.sign(id, event) > 0:
                self._reach(event)
        return True

    def _read(self, table: str, begin: bytes, name: bytes) -> bool:
        if name in self.lists:
            return True
        rows = self.c.state.all(table, begin)
        if 1 + len(rows) > MOST - self.steps:
            return False
        self.steps += 1 + len(rows)
        self.lists[name] = sorted((key[len(begin) :] for key, _ in rows), key=self.place)
        return True


class Parts:
    """The parts, found by trying again and again whatever is not known."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.known: dict[bytes, Fraction] = {}
        self.needs: dict[bytes, Fraction] = {}
        self._begin()
        while True:
            before = (len(self.known), len(self.needs))
            for sort, id in walk.visited:
                if sort == "RESOURCE" and id != walk.source:
                    self._resource(id)
                if sort == "PROCESS" and id != walk.source:
                    self._process(id)
            for event in walk.reached:
                self._taker(event)
            if before == (len(self.known), len(self.needs)):
                late = [event for event in self._late() if event not in self.needs]
                if not late:
                    return
                self.needs[max(late, key=walk.place)] = Fraction(0)

    def _begin(self) -> None:
        walk, source = self.walk, self.walk.source
        if walk.sort == "EVENT":
            self.known[source] = Fraction(1)
        if (walk.sort or "", source) in walk.visited:
            events = walk.lists[(b"t" if walk.sort == "RESOURCE" else b"i") + source]
            for event in events:
                if walk.sort == "PROCESS" or walk.sign(source, event) > 0:
                    self.known[event] = self.needs[event] = Fraction(1)

    def _part(self, event: bytes) -> Fraction | None:
        return self.known.get(event) if event in self.walk.reached else Fraction(0)

    def _note(self, event: bytes, part: Fraction) -> None:
        if event in self.walk.reached:
            self.known.setdefault(event, part)

    def _resource(self, id: bytes) -> None:
        walk, d = self.walk, Fraction(0)
        history = walk.lists[b"t" + id]
        taken = self._taken([(event, walk.sign(id, event)) for event in history])
        for event in reversed(history):
            sign = walk.sign(id, event)
            if sign > 0:
                self._note(event, d)
            elif sign < 0 or (walk.row(event)["source"] == id and walk.draws(event)):
                part, t = self._part(event), taken[event]
                if part is None:
                    return
                if sign < 0:
                    d = cut(t * part + (1 - t) * d)
                else:
                    t = Fraction(1) if walk.row(event)["action"] == "copy" else t
                    d = min(Fraction(1), cut(d + t * part))

    def _taken(self, events: list[tuple[bytes, int]]) -> dict[bytes, Fraction]:
        """Return which portion of what is there each event takes."""
        there, taken = Fraction(0), {}
        for event, sign in events:
            amount = self.walk.amount(event)
            if sign > 0:
                there += amount
                continue
            taken[event] = Fraction(0)
            if amount:
                taken[event] = amount / there if there > amount else Fraction(1)
            if sign < 0:
                there = max(Fraction(0), there - amount)
        return taken

    def _leads_on(self, event: bytes) -> bool:
        return self.walk.draws(event) or self.walk.row(event)["output_of"] is not None

    def _process(self, id: bytes) -> None:
        walk = self.walk
        inputs, outputs = walk.lists[b"i" + id], walk.lists[b"o" + id]
        lines = [(walk.place(event), 0, event) for event in outputs]
        lines += [(walk.place(event), 1, event) for event in inputs]
        w, a, rest = Fraction(0), Fraction(0), []
        for _, side, event in sorted(lines, reverse=True):
            if side == 0:
                part, weight = self._part(event), self._weight(event, outputs)
                if part is None:
                    return
                if weight:
                    w, a = cut(w + weight), cut(a + weight * part)
            elif w and self._leads_on(event):
                self._need(event, min(Fraction(1), cut(a / w)))
            else:
                rest.append(event)
        for event in rest:
            self._need(event, min(Fraction(1), cut(a / w)) if w else Fraction(0))

    def _weight(self, event: bytes, outputs: list[bytes]) -> Fraction:
        walk = self.walk
        unit = walk.row(event)["quantity"][2]
        same = [other for other in outputs if walk.row(other)["quantity"][2] == unit]
        total = sum(map(walk.amount, same), Fraction(0))
        return walk.amount(event) / total if total else Fraction(0)

    def _need(self, event: bytes, part: Fraction) -> None:
        self.needs.setdefault(event, part)

    def _taker(self, event: bytes) -> None:
        """Give what an input needs as its part, or for one that took under a pair, the sum."""
        walk, row = self.walk, self.walk.row(event)
        key = walk.pair(event)
        if row["action"] not in PAIRS.values() or key is None or event not in walk.of_pair(key):
            if event in self.needs:
                self._note(event, self.needs[event])
            return
        needed = self.needs.get(event)
        if ("PROCESS", row["input_of"]) not in walk.visited:
            needed = Fraction(0)
        history = walk.of_pair(key)
        takes = [(other, 1 if walk.row(other)["action"] == key[1] else -1) for other in history]
        taken = self._taken(takes)
        back, kept = Fraction(0), Fraction(1)
        for other in reversed(history[history.index(event) + 1 :]):
            if other in taken:
                part, t = self._part(other), taken[other]
                if part is None:
                    return
                back, kept = cut(t * part + (1 - t) * back), cut((1 - t) * kept)
        if needed is not None:
            self._note(event, cut(back + kept * needed))

    def _late(self) -> list[bytes]:
        walk, late = self.walk, []
        for sort, id in walk.visited:
            if sort == "PROCESS" and id != walk.source and walk.lists[b"o" + id]:
                last = max(map(walk.place, walk.lists[b"o" + id]))
                inputs = walk.lists[b"i" + id]
                late += [e for e in inputs if self._leads_on(e) and walk.place(e) >= last]
        return late


def cut(number: Fraction) -> Fraction:
    """Return b(x)."""
    if number.denominator > FINEST:
        return Fraction(number.numerator * FINEST // number.denominator, FINEST)
    return number
