"""The part of each event behind a source that reached it, from 0 to 1, as an exact fraction.

Of the source all counts that went into it. What is drawn from a resource takes its portion of all
that is in it at that moment, as a mixture; what a process takes is shared among what it gives; what
was accepted, picked up or combined comes back with its pair. docs/protocol/shares.md has each step.

An event depends on events after it, so that the parts follow one from another backwards in time.
Only an input that was written after all outputs of its process goes back into them; where such
inputs make a circle, the latest of them counts nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

from commonweal.protocol.ledger.contributions.trace import FlowNode
from commonweal.protocol.ledger.sharing.flows import Flow, Flows, Movement, ProcessFlows
from commonweal.protocol.ledger.things.pairs import TAKERS, pair_key

GRAIN = 2**256
"""A fraction whose denominator is larger is rounded down to a whole number of 1 / GRAIN."""

NONE, ALL = Fraction(0), Fraction(1)


def used_parts(flows: Flows) -> dict[bytes, Fraction]:
    """Return the part of each event that reached the source, by id; those of 0 are left out."""
    return _Reckoning(flows).parts()


def bounded(number: Fraction) -> Fraction:
    """Return a number, rounded down where its denominator is larger than GRAIN."""
    if number.denominator <= GRAIN:
        return number
    return Fraction(number.numerator * GRAIN // number.denominator, GRAIN)


def portion(amount: Fraction, stock: Fraction) -> Fraction:
    """Return which portion of a stock an amount is; of less than it asks for, all."""
    if not amount:
        return NONE
    return ALL if amount >= stock else Fraction(amount, stock)


class _Reckoning:
    """The parts that are known, and what waits for others to become known."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        self.known: dict[bytes, Fraction] = {}
        self.generic: dict[bytes, Fraction] = {}
        self.waiting: deque[Callable[[], None]] = deque()
        self.resources = {id: _Resource(self, id) for id in flows.drawn}
        self.processes = {id: _Process(self, of) for id, of in flows.processes.items()}
        self.pairs = {
            key: _Pair(self, key)
            for flow in flows.reached.values()
            if (key := taker_key(flow)) is not None and key in flows.pairs
        }

    def parts(self) -> dict[bytes, Fraction]:
        """Reckon all parts."""
        self._begin()
        self.waiting.extend(resource.advance for resource in self.resources.values())
        self.waiting.extend(process.advance for process in self.processes.values())
        self.waiting.extend(pair.advance for pair in self.pairs.values())
        late = iter(self._late())
        while True:
            while self.waiting:
                self.waiting.popleft()()
            latest = next((flow for flow in late if flow.id not in self.generic), None)
            if latest is None:
                return {id: part for id, part in self.known.items() if part}
            self.enter(latest, NONE)

    def settle(self, flow: Flow, part: Fraction) -> None:
        """Note the part of an event, and go on with whatever waits for it."""
        if flow.id in self.known or flow.id not in self.flows.reached:
            return
        self.known[flow.id] = part
        resource = self.resources.get(flow.row.source or b"")
        process = self.processes.get(flow.row.output_of or b"")
        pair = self.pairs.get(pair_key(flow.row) or b"")
        if resource is not None:
            self.waiting.append(resource.advance)
        if process is not None:
            self.waiting.append(process.advance)
        if pair is not None:
            self.waiting.append(pair.advance)

    def enter(self, flow: Flow, part: Fraction) -> None:
        """Note which part of an input of a process the process needs."""
        self.generic[flow.id] = part
        pair = self.pairs.get(taker_key(flow) or b"")
        if pair is None or flow.id not in pair.takers:
            self.settle(flow, part)
        elif flow.id in pair.back:
            pair.finish(flow)

    def is_open(self, flow: Flow) -> bool:
        """Return whether the part of an event is still to come."""
        return flow.id in self.flows.reached and flow.id not in self.known

    def _begin(self) -> None:
        """Let all that went into the source count whole."""
        if self.flows.start is None:
            return
        sort, id = self.flows.start
        match sort:
            case FlowNode.EVENT:
                self.settle(self.flows.reached[id], ALL)
            case FlowNode.PROCESS if id in self.flows.processes:
                for flow in self.flows.processes[id].inputs:
                    self.generic[flow.id] = ALL
                    self.settle(flow, ALL)
                del self.processes[id]
            case FlowNode.RESOURCE if id in self.flows.drawn:
                for flow, movement, _ in self.resources.pop(id).lines:
                    if movement is Movement.IN:
                        self.settle(flow, ALL)

    def _late(self) -> list[Flow]:
        """Return the inputs after all outputs of their process, the latest first."""
        late = [flow for process in self.processes.values() for flow in process.late()]
        return sorted(late, key=lambda flow: flow.place, reverse=True)


def taker_key(flow: Flow) -> bytes | None:
    """Return the key of the pair of an event that takes; None for any other."""
    return pair_key(flow.row) if flow.row.action in TAKERS else None


class _Resource:
    """The events of a resource, gone through backwards.

    demand: the part that reaches the source of whatever is in the resource at that moment.
    """

    def __init__(self, reckoning: _Reckoning, id: bytes) -> None:
        self.reckoning, self.demand = reckoning, NONE
        self.lines = list(_portions(id, reckoning.flows))
        self.left = len(self.lines)

    def advance(self) -> None:
        """Go back as far as the parts are known."""
        while self.left:
            flow, movement, taken = self.lines[self.left - 1]
            if movement is not Movement.IN and self.reckoning.is_open(flow):
                return
            self.left -= 1
            part = self.reckoning.known.get(flow.id, NONE)
            match movement:
                case Movement.IN:
                    self.reckoning.settle(flow, self.demand)
                case Movement.OUT:
                    self.demand = bounded(taken * part + (1 - taken) * self.demand)
                case Movement.LEFT_THERE:
                    self.demand = min(ALL, bounded(self.demand + taken * part))


def _portions(id: bytes, flows: Flows) -> Iterator[tuple[Flow, Movement, Fraction]]:
    """Yield what each event does to a resource, and which portion of what is there it takes."""
    by_hand, stock = flows.is_by_hand(id), NONE
    for flow in flows.histories[id]:
        movement, taken = flow.movement(id, by_hand), NONE
        match movement:
            case Movement.IN:
                stock += flow.amount
            case Movement.OUT:
                taken = portion(flow.amount, stock)
                stock = max(NONE, stock - flow.amount)
            case Movement.LEFT_THERE:
                is_copy = flow.row.action == "copy"
                taken = ALL if is_copy else portion(flow.amount, stock)
        if movement is not Movement.NONE:
            yield flow, movement, taken


class _Process:
    """The outputs of a process, and the inputs with something behind them, gone through backwards.

    weight: of the outputs so far, each its portion of all outputs in its unit; needed: the parts
    of these weights that reach the source.
    """

    def __init__(self, reckoning: _Reckoning, flows: ProcessFlows) -> None:
        self.reckoning, self.flows = reckoning, flows
        self.weight = self.needed = NONE
        self.rest = [flow for flow in flows.inputs if not flow.leads_on]
        self.by_unit: dict[str, Fraction] = {}
        for flow in flows.outputs:
            unit = self._unit(flow)
            self.by_unit[unit] = self.by_unit.get(unit, NONE) + flow.amount
        inputs = [(flow.place, True, flow) for flow in flows.inputs if flow.leads_on]
        outputs = [(flow.place, False, flow) for flow in flows.outputs]
        self.lines = sorted([*inputs, *outputs])
        self.left = len(self.lines)

    def late(self) -> list[Flow]:
        """Return the inputs with something behind them that come after all outputs."""
        last = max((flow.place for flow in self.flows.outputs), default=None)
        if last is None:
            return []
        return [flow for place, is_input, flow in self.lines if is_input and place >= last]

    def advance(self) -> None:
        """Go back as far as the parts are known."""
        while self.left:
            _, is_input, flow = self.lines[self.left - 1]
            if not is_input and self.reckoning.is_open(flow):
                return
            self.left -= 1
            if not is_input:
                self._add(flow)
            elif self.weight:
                self._enter(flow)
            else:
                self.rest.append(flow)
        rest, self.rest = self.rest, []
        for flow in rest:
            self._enter(flow)

    def _enter(self, flow: Flow) -> None:
        if flow.id not in self.reckoning.generic:
            part = bounded(Fraction(self.needed, self.weight)) if self.weight else NONE
            self.reckoning.enter(flow, min(ALL, part))

    def _add(self, flow: Flow) -> None:
        if flow.amount:
            weight = Fraction(flow.amount, self.by_unit[self._unit(flow)])
            part = self.reckoning.known.get(flow.id, NONE)
            self.weight = bounded(self.weight + weight)
            self.needed = bounded(self.needed + weight * part)

    def _unit(self, flow: Flow) -> str:
        return flow.row.quantity[2] if flow.row.quantity else ""


class _Pair:
    """What one action of a pair took and the other gave back, gone through backwards.

    back: by event that took, the part that reaches the source with what was given back, and the
    portion that was not given back.
    """

    def __init__(self, reckoning: _Reckoning, key: bytes) -> None:
        self.reckoning = reckoning
        self.back: dict[bytes, tuple[Fraction, Fraction]] = {}
        self.returned, self.kept = NONE, ALL
        self.takers: set[bytes] = set()
        self.lines: list[tuple[Flow, Fraction]] = []
        stock = NONE
        for flow in reckoning.flows.pairs[key]:
            taken = NONE
            if flow.row.action in TAKERS:
                self.takers.add(flow.id)
                stock += flow.amount
            else:
                taken = portion(flow.amount, stock)
                stock = max(NONE, stock - flow.amount)
            self.lines.append((flow, taken))
        self.left = len(self.lines)

    def advance(self) -> None:
        """Go back as far as the parts are known."""
        while self.left:
            flow, taken = self.lines[self.left - 1]
            is_taker = flow.row.action in TAKERS
            if not is_taker and self.reckoning.is_open(flow):
                return
            self.left -= 1
            if is_taker:
                self.back[flow.id] = (self.returned, self.kept)
                self.finish(flow)
            else:
                part = self.reckoning.known.get(flow.id, NONE)
                self.returned = bounded(taken * part + (1 - taken) * self.returned)
                self.kept = bounded((1 - taken) * self.kept)

    def finish(self, flow: Flow) -> None:
        """Settle an event that took, once it is known what its process needs of it."""
        needed = self.reckoning.generic.get(flow.id)
        if flow.row.input_of not in self.reckoning.flows.processes:
            needed = NONE
        if needed is not None:
            returned, kept = self.back[flow.id]
            self.reckoning.settle(flow, bounded(returned + kept * needed))
