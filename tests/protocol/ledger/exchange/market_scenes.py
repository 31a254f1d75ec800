"""Scenes of a market: what members might offer, promise, answer and give, drawn from a seed."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import Role, RuleParams
from tests.protocol.ledger.scenes import OUTSIDE, Act, Scene, quantity
from tests.protocol.ledger.village import TEXT

NOW_MS = 1_000
SPEAKER = "speaker"
RULES = RuleParams(speaks_for_community=SPEAKER, roles={SPEAKER: Role(endorsements=0)})


def market(number: int, acts: int) -> Scene:
    """Return a scene of a market."""
    return Scene(number, acts, chosen=ACTS)


def reviewed(number: int, acts: int) -> Scene:
    """Return a scene of a market whose deals are reviewed."""
    return Scene(number, acts, chosen=REVIEWED)


def ledger(scene: Scene, *parts: list[Record]) -> Ledger:
    """Return a ledger of parts of a scene, as a seal at NOW_MS covers them."""
    folded = Ledger(scene.village.community, rules=RULES, time_ms=NOW_MS)
    for part in parts:
        folded.add(part)
    return folded


def hours(scene: Scene, most: int = 6) -> dict[str, Any]:
    """Return an effort, seldom of another scale or unit."""
    scale = scene.rng.choice((0, 0, 0, 1))
    unit = scene.rng.choice(("hour",) * 9 + ("one",))
    return quantity(scene.rng.randint(1, most) * 10**scale + scale, unit, scale)


def people(scene: Scene) -> list[bytes]:
    """Return who may give and take."""
    members = [bytes(pen.owner.id) for pen in scene.pens]
    return [*members, *members, bytes(scene.village.community), OUTSIDE[0]]


def times(scene: Scene, *keys: str) -> dict[str, Any]:
    """Return times around that of the seal, for some of the keys."""
    near = (NOW_MS - 1, NOW_MS, NOW_MS + 1, NOW_MS + 9)
    return {key: scene.rng.choice(near) for key in keys if scene.rng.random() < 0.3}


def intent(scene: Scene) -> Record:
    rng = scene.rng
    whose = rng.choice([bytes(scene.pen.owner.id)] * 5 + [bytes(scene.village.community)])
    data: dict[str, Any] = {"action": "work", rng.choice(("provider", "receiver")): whose}
    data |= {"effortQuantity": hours(scene)} | times(scene, "hasEnd")
    cited = []
    if rng.random() < 0.2:
        cited.append(scene.some("intent"))
        data["replaces"] = cited[0].id
    if rng.random() < 0.2:
        data["availableQuantity"] = hours(scene, 9)
    return scene.write("intent", data, *cited)


def pause_or_withdraw(scene: Scene) -> Record:
    wish = scene.some("intent")
    kind = scene.rng.choice(("intent.pause", "intent.pause", "intent.withdraw"))
    return scene.write(kind, {"intent": wish.id, "paused": scene.rng.random() < 0.5}, wish)


def offer(scene: Scene) -> Record:
    rng = scene.rng
    published = [scene.some("intent") for _ in range(rng.randint(1, 2))]
    data: dict[str, Any] = {"purpose": rng.choice(("offer", "request"))}
    data |= {"publishes": [*dict.fromkeys(wish.id for wish in published)]}
    if rng.random() < 0.2:
        old = scene.some("proposal.offer")
        return scene.write("proposal.withdraw", {"offer": old.id}, old)
    if rng.random() < 0.3:
        old = scene.some("proposal.offer")
        return scene.write("proposal.offer", data | {"replaces": old.id}, old, *published)
    return scene.write("proposal.offer", data, *published)


def commitment(scene: Scene) -> Record:
    rng = scene.rng
    wishes = [scene.some("intent") for _ in range(rng.choice((0, 1, 1, 1, 2)))]
    known = [wish for wish in wishes if wish.kind == "intent"]
    data: dict[str, Any] = {"action": "work", "effortQuantity": hours(scene, 4)}
    data |= dict(zip(("provider", "receiver"), rng.sample(people(scene), 2), strict=True))
    for wish in known:
        data |= {key: wish.data[key] for key in ("provider", "receiver") if key in wish.data}
    data["satisfies"] = [*dict.fromkeys(wish.id for wish in known)]
    if rng.random() < 0.7:
        data["clause"] = True
    if rng.random() < 0.1:
        old = scene.some("commitment")
        return scene.write("commitment", data | {"replaces": old.id}, old, *known)
    return scene.write("commitment", data, *known)


def voice(scene: Scene) -> dict[str, Any]:
    """Return what says for which party the author speaks: seldom the community."""
    ours: dict[str, Any] = {"for": bytes(scene.village.community)}
    return ours if scene.rng.random() < 0.15 else {}


def agreement(scene: Scene) -> Record:
    rng = scene.rng
    clauses = [scene.some("commitment") for _ in range(rng.choice((1, 1, 1, 2)))]
    mine = [pen for pen in scene.pens if pen.owner.id in clauses[0].data.values()]
    scene.pen = rng.choice(mine or scene.pens)
    data: dict[str, Any] = {"stipulates": [*dict.fromkeys(clause.id for clause in clauses)]}
    data |= times(scene, "answerBy") | voice(scene)
    if rng.random() < 0.2:
        old = scene.some("agreement")
        return scene.write("agreement", data | {"counters": old.id}, old, *clauses)
    return scene.write("agreement", data, *clauses)


def answer(scene: Scene) -> Record:
    deal = scene.some("agreement")
    say = scene.rng.choice(("yes",) * 7 + ("no", "withdraw"))
    data = {"agreement": deal.id, "say": say} | voice(scene)
    return scene.write("agreement.sign", data, deal)


def end(scene: Scene) -> Record:
    named = scene.some("agreement.sign", "agreement")
    answered = named.data.get("agreement")
    deal = next((record for record in scene.village.records if record.id == answered), named)
    data = {"agreement": deal.id, "why": scene.rng.choice(("done", "given up"))} | voice(scene)
    return scene.write("agreement.end", data, deal)


def comment(scene: Scene) -> Record:
    deal = scene.some("agreement")
    return scene.write("agreement.comment", {"agreement": deal.id}, deal, body=TEXT)


def review(scene: Scene) -> Record:
    """Keep a deal, in most cases, and let one of its parties review it."""
    answered = scene.some("agreement.sign").data.get("agreement", b"")
    records = scene.village.records
    deal = next((record for record in records if record.id == answered), scene.some("agreement"))
    listed = deal.data.get("stipulates", [])
    named = [record for record in records if record.id in listed and "receiver" in record.data]
    named = [record for record in named if "provider" in record.data]
    for promise in named if scene.rng.random() < 0.8 else ():
        sides = {key: promise.data[key] for key in ("provider", "receiver")}
        data = {"action": "work", "effortQuantity": promise.data["effortQuantity"]} | sides
        scene.write("event", data | {"fulfills": promise.id}, promise, deal, records[-1])
    pens = [pen for pen in scene.pens for one in named if pen.owner.id in one.data.values()]
    scene.pen = scene.rng.choice(pens or scene.pens)
    data = {"agreement": deal.id, "commit": bytes(32)}
    if scene.rng.random() < 0.3:
        data["about"] = scene.rng.choice(people(scene))
    return scene.write("review", data, deal, scene.some("event"), records[-1])


def opening(scene: Scene) -> Record:
    sealed = scene.some("review")
    data = {"review": sealed.id, "salt": bytes(32), "rating": 5, "onTime": True, "asAgreed": True}
    return scene.write("review.open", data, sealed)


def event(scene: Scene) -> Record:
    rng = scene.rng
    promise = scene.some("commitment")
    sides = {key: promise.data[key] for key in ("provider", "receiver") if key in promise.data}
    data: dict[str, Any] = {"action": "work", "provider": bytes(scene.pen.owner.id)} | sides
    data |= {"effortQuantity": hours(scene), "fulfills": promise.id}
    cited = [promise, scene.some("agreement.sign")]
    if rng.random() < 0.5:
        wish = scene.some("intent")
        del data["fulfills"]
        data |= {key: wish.data[key] for key in ("provider", "receiver") if key in wish.data}
        data["satisfies"] = wish.id
        cited.append(wish)
    return scene.write("event", data, *cited)


def correction(scene: Scene) -> Record:
    was = scene.some("event")
    pens = [pen for pen in scene.pens if pen.key == was.author]
    scene.pen = scene.rng.choice(pens or scene.pens)
    data = {"action": was.data.get("action", "work"), "corrects": was.id}
    return scene.write(
        "event", data | {"effortQuantity": quantity(scene.rng.randint(-3, 2), "hour")}, was
    )


def attestation(scene: Scene) -> Record:
    said = scene.some("event")
    return scene.write("attest", {"event": said.id, "say": "yes"}, said)


def departure(scene: Scene) -> Record:
    if scene.rng.random() < 0.3:
        return scene.write("member.leave", {})
    return scene.write(scene.rng.choice(("role.claim", "role.resign")), {"role": SPEAKER})


def revocation(scene: Scene) -> Record:
    pen = scene.rng.choice([pen for pen in scene.pens if pen.log])
    return scene.pen.revoke(pen, scene.rng.randrange(len(pen.log)), pen.owner)


ACTS: list[Act] = [
    *(intent, intent, intent, pause_or_withdraw, offer, commitment, commitment, commitment),
    *(agreement, agreement, agreement, answer, answer, answer, answer, end, end, comment),
    *(event, event, event, correction, attestation, departure, revocation),
]
REVIEWED: list[Act] = [*ACTS, review, review, review, opening]
"""The same, where deals are reviewed."""
