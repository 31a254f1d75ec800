"""Scenes: what a village might write in a day, valid and not, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from commonweal.protocol.keys import DeviceKey
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.actions import ACTIONS
from tests.protocol.ledger.village import TEXT, Pen, Village, seed

UNITS = ("one", "hour", "loaf", "furlong")
SCOPES = ("bakery", "library")
OUTSIDE = (bytes(16), bytes(range(16)))


def quantity(n: int, unit: str = "one", scale: int = 0) -> dict[str, Any]:
    """Return a quantity as records hold it."""
    return {"n": n, "scale": scale, "unit": unit}


class Scene:
    """A village of three members with two devices each, and what they go on to write."""

    def __init__(
        self, number: int, acts: int, kinds: str = "", chosen: Sequence[Act] | None = None
    ) -> None:
        """Write `acts` records: of acts whose name starts with `kinds`, or of those chosen."""
        self.rng = Random(number)
        self.village, self.pens = _VILLAGE.copy()
        self.freezes: list[tuple[DeviceKey, int]] = []
        self._of: dict[str, list[Record]] = {}
        for record in self.village.records:
            self._of.setdefault(record.kind, []).append(record)
        chosen = chosen or [act for act in ACTS if act.__name__.startswith(kinds)]
        for _ in range(acts):
            self.pen = self.rng.choice(self.pens)
            written = self.rng.choice(chosen)(self)
            self._of.setdefault(written.kind, []).append(written)

    def some(self, *kinds: str) -> Record:
        """Return a record of one of the kinds, or any when there is none."""
        found = [record for kind in kinds for record in self._of.get(kind, ())]
        return self.rng.choice(found or self.village.records)

    def write(self, kind: str, data: dict[str, Any], *cited: Record, body: Any = None) -> Record:
        """Write with some of what should be cited, and sometimes with something more."""
        deps = [record for record in cited if self.rng.random() < 0.9]
        if self.rng.random() < 0.2:
            deps.append(self.rng.choice(self.village.records))
        return self.pen.write(kind, data, deps, body)

    def shuffled(self) -> list[Record]:
        """Return every record, in an order that nobody chose."""
        records = list(self.village.records)
        self.rng.shuffle(records)
        return records


Act = Callable[[Scene], Record]
"""Lets somebody of a scene write a record."""


class _Seeded:
    """The village that every scene begins with, signed once."""

    def __init__(self) -> None:
        self.village = Village()
        pens = [self.village.mei, self.village.join("Jun"), self.village.join("Lin")]
        self.pens = list(pens)
        for pen in pens:
            second = Pen(self.village, pen.owner, 1)
            second.enrol([pen.log[-1]], is_new=False)
            self.pens.append(second)
        mei = self.pens[0]
        mei.write("unit.define", {"unit": "loaf"})
        spec = mei.write("spec.resource", {"name": "bread", "unit": "loaf"})
        for pen in self.pens[:3]:
            data = {
                "action": "produce",
                "provider": pen.owner.id,
                "resourceQuantity": quantity(10, "loaf"),
                "resourceConformsTo": spec.id,
                "newInventoriedResource": {},
            }
            pen.write("event", data, [spec])

    def copy(self) -> tuple[Village, list[Pen]]:
        """Return a village to go on from."""
        village = Village.__new__(Village)
        village.__dict__.update(self.village.__dict__)
        village.records = list(self.village.records)
        pens = []
        for old in self.pens:
            pen = Pen.__new__(Pen)
            pen.__dict__.update(old.__dict__)
            pen.village, pen.log = village, list(old.log)
            pens.append(pen)
        village.mei = pens[0]
        return village, pens


def member_invites(scene: Scene) -> Record:
    return scene.pen.invite(scene.village.invite_key, scene.rng.randint(1, 2))


def member_takes_an_invite_back(scene: Scene) -> Record:
    invite = scene.some("invite.create")
    return scene.write("invite.revoke", {"invite": invite.id}, invite)


def member_enrols(scene: Scene) -> Record:
    name, number = scene.rng.choice("ABCDE"), scene.rng.randint(2, 9)
    pen = scene.village.pen(name, number)
    if any(pen.key == known.key for known in scene.pens):
        return member_leaves(scene)
    scene.pens.append(pen)
    return pen.enrol([scene.some("invite.create")], is_new=scene.rng.random() < 0.8)


def member_asks(scene: Scene) -> Record:
    if not scene.pen.log:
        return member_enrols(scene)
    return scene.pen.request(scene.some("invite.create"), scene.village.invite_key)


def member_vouches(scene: Scene) -> Record:
    asked = scene.some("member.request")
    whose = [pen.owner for pen in scene.pens if pen.key == asked.author]
    pen = scene.rng.choice([scene.pen, scene.village.mei])
    return pen.vouch(asked, whose[0])


def member_leaves(scene: Scene) -> Record:
    if scene.rng.random() < 0.7:
        return scene.write("member.profile", {}, body=TEXT)
    return scene.write("member.leave", {})


def device_revoked(scene: Scene) -> Record:
    pen = scene.rng.choice([pen for pen in scene.pens if pen.log])
    by = scene.rng.choice([pen, pen, pen, scene.pen]).owner
    return scene.pen.revoke(pen, scene.rng.randrange(len(pen.log)), by)


def device_frozen(scene: Scene) -> Record:
    pen = scene.rng.choice([pen for pen in scene.pens if pen.log])
    if scene.rng.random() < 0.3:
        scene.freezes.append((pen.key, scene.rng.randint(1, len(pen.log))))
    return member_invites(scene)


def role(scene: Scene) -> Record:
    name = scene.rng.choice(("promoter", "co-owner", "consumer", "king"))
    match scene.rng.randrange(4):
        case 0 | 1:
            return scene.write("role.claim", {"role": name})
        case 2:
            claim = scene.some("role.claim")
            member = next(pen.owner.id for pen in scene.pens if pen.key == claim.author)
            data = {"role": claim.data.get("role", name), "member": member}
            return scene.write("role.endorse", data, claim)
        case _:
            return scene.write("role.resign", {"role": name})


def term(scene: Scene) -> Record:
    name = scene.rng.choice(("bread", "Bread", "flour", "book", "brеad"))
    match scene.rng.randrange(4):
        case 0:
            return scene.write("unit.define", {"unit": scene.rng.choice(("loaf", "Loaf", "sack"))})
        case 1:
            unit = scene.rng.choice((None, *UNITS))
            return scene.write("spec.resource", {"name": name, "unit": unit})
        case 2:
            return scene.write("spec.process", {"name": name})
        case _:
            spec = scene.some("spec.process")
            return scene.write("process", {"basedOn": spec.id}, spec)


def event(scene: Scene) -> Record:
    rng = scene.rng
    action = rng.choice(sorted(ACTIONS))
    amount = quantity(rng.randint(0, 6), rng.choice(("loaf",) * 8 + UNITS), rng.choice((0, 0, 1)))
    agents = [pen.owner.id for pen in scene.pens] + [*OUTSIDE, scene.village.community]
    data: dict[str, Any] = {"action": action, "provider": scene.pen.owner.id}
    if rng.random() < 0.2:
        data["provider"] = rng.choice(agents)
    cited = []
    key = "effortQuantity" if ACTIONS[action].quantity == "effort" else "resourceQuantity"
    data[key] = amount
    if rng.random() < 0.7:
        data["receiver"] = rng.choice(agents)
    for name, kind, chance in (
        ("resourceInventoriedAs", "event", 0.6),
        ("toResourceInventoriedAs", "event", 0.3),
        ("resourceConformsTo", "spec.resource", 0.2),
        ("inputOf", "process", 0.2),
        ("outputOf", "process", 0.2),
        ("fulfills", "commitment", 0.1),
        ("satisfies", "intent", 0.1),
    ):
        if rng.random() < chance:
            named = scene.some(kind)
            data[name] = named.id
            cited.append(named)
    if rng.random() < 0.4:
        data["newInventoriedResource"] = {}
    if rng.random() < 0.2:
        data["inScopeOf"] = rng.choice(SCOPES)
    return scene.write("event", data, *cited)


def event_corrected(scene: Scene) -> Record:
    was = scene.some("event")
    pens = [pen for pen in scene.pens if pen.key == was.author]
    if scene.rng.random() < 0.8 and pens:
        scene.pen = pens[0]
    key = "effortQuantity" if "effortQuantity" in was.data else "resourceQuantity"
    counted = was.data.get(key)
    unit = counted.get("unit", "loaf") if isinstance(counted, dict) else "loaf"
    data: dict[str, Any] = {
        "action": was.data.get("action", "work"),
        "corrects": was.id,
        key: quantity(scene.rng.randint(-3, 3), unit),
    }
    return scene.write("event", data, was)


def event_attested(scene: Scene) -> Record:
    said = scene.some("event", "agent.claim")
    if scene.rng.random() < 0.2:
        say = scene.rng.choice(("open", "withdraw"))
        return scene.write("dispute", {"event": said.id, "say": say}, said)
    words = ("yes", "yes", "no", "withdraw", "maybe")
    data: dict[str, Any] = {"event": said.id, "say": scene.rng.choice(words)}
    if scene.rng.random() < 0.3:
        data["corrections"] = scene.rng.randint(0, 2)
    return scene.write("attest", data, said)


def plan(scene: Scene) -> Record:
    rng = scene.rng
    data: dict[str, Any] = {
        "action": rng.choice(("produce", "work", "transfer")),
        "provider": scene.pen.owner.id,
        "resourceQuantity": quantity(3, "loaf"),
    }
    match rng.randrange(8):
        case 0:
            return scene.write("intent", data)
        case 1:
            intents = [scene.some("intent") for _ in range(2)]
            published = {"purpose": "offer", "publishes": [one.id for one in intents]}
            return scene.write("proposal.offer", published, *intents)
        case 2:
            data["receiver"] = rng.choice([*scene.pens, scene.pen]).owner.id
            wanted = [scene.some("intent")] if rng.random() < 0.5 else []
            data["satisfies"] = [one.id for one in wanted]
            return scene.write("commitment", data, *wanted)
        case 3:
            one = scene.some("commitment")
            return scene.write("agreement", {"stipulates": [one.id]}, one)
        case 4:
            one = scene.some("intent")
            kind = rng.choice(("intent.pause", "intent.withdraw"))
            return scene.write(kind, {"intent": one.id, "paused": rng.random() < 0.5}, one)
        case 5:
            one = scene.some("agreement")
            why = rng.choice(("done", "given up"))
            return scene.write("agreement.end", {"agreement": one.id, "why": why}, one)
        case _:
            one = scene.some("agreement")
            say = rng.choice(("yes", "yes", "yes", "no", "withdraw"))
            return scene.write("agreement.sign", {"agreement": one.id, "say": say}, one)


def agent(scene: Scene) -> Record:
    if scene.rng.random() < 0.5:
        return scene.write("agent.claim", {"agent": scene.rng.choice(OUTSIDE)})
    return scene.write("referral", {"referrer": scene.rng.choice(scene.pens).owner.id})


def junk(scene: Scene) -> Record:
    kind = scene.rng.choice(sorted(KINDS_WITH_DATA))
    return scene.write(kind, _junk(scene.rng))


KINDS_WITH_DATA = (
    *("event", "attest", "dispute", "intent", "commitment", "agreement", "agreement.sign"),
    *("role.claim", "role.endorse", "member.vouch", "member.request", "device.revoke"),
    *("member.rekey", "invite.create", "unit.define", "spec.resource", "process", "campaign"),
    *("process.end", "agent.name"),
)
_KEYS = (
    *("action", "provider", "receiver", "resourceQuantity", "resourceInventoriedAs", "corrects"),
    *("event", "say", "role", "member", "request", "device", "seq", "id", "signatures", "key"),
    *("uses", "inception", "unit", "name", "basedOn", "stipulates", "agreement", "invite"),
    *("settles", "process", "agent"),
)


def _junk(rng: Random) -> dict[str, Any]:
    values: list[Any] = [None, True, -1, 2**63 - 1, "work", "yes", "bread", bytes(32), bytes(16)]
    values += [seed("x"), [], [[b"", b""]], {}, {"n": 1}, quantity(2**62, "one", 9), [bytes(32)]]
    return {key: rng.choice(values) for key in rng.sample(_KEYS, rng.randint(0, 8))}


ACTS: list[Act] = [
    *(member_invites, member_takes_an_invite_back, member_enrols, member_asks, member_vouches),
    *(member_leaves, device_revoked, device_frozen, role, term, event, event, event, event),
    *(event_corrected, event_attested, event_attested, plan, agent, junk),
]
_VILLAGE = _Seeded()
