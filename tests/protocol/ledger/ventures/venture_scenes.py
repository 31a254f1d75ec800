"""Scenes of ventures: campaigns, projects, data and promotion, near to right, drawn from a seed."""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.fold.fold import Ledger
from commonweal.protocol.records import record as records
from commonweal.protocol.records.record import Record
from commonweal.protocol.vocabulary.rule_params import PromotionRule, RuleParams
from tests.protocol.ledger.exchange import market_scenes
from tests.protocol.ledger.exchange.market_scenes import NOW_MS
from tests.protocol.ledger.scenes import OUTSIDE, Act, Scene, quantity
from tests.protocol.ledger.village import TEXT, seed

RULES = RuleParams(promotion=PromotionRule(2_000, 1 << 40, ""), projects_open=2)
NOTICE = records.permanent_body(b"What your data is used for.")
UNIT = "loaf"


def ventures(number: int, acts: int) -> Scene:
    """Return a scene of ventures."""
    return Scene(number, acts, chosen=ACTS)


def ledger(scene: Scene, *parts: list[Record]) -> Ledger:
    """Return a ledger of parts of a scene, as a seal at NOW_MS covers them."""
    folded = Ledger(
        scene.village.community, rules=RULES, documents={NOTICE.hash: b"x"}, time_ms=NOW_MS
    )
    for part in parts:
        folded.add(part)
    return folded


def by_author_of(scene: Scene, named: Record) -> Record:
    """Let the next record, mostly, be by who wrote this one."""
    pens = [pen for pen in scene.pens if pen.key == named.author]
    if pens and scene.rng.random() < 0.8:
        scene.pen = pens[0]
    return named


def campaign(scene: Scene) -> Record:
    rng = scene.rng
    data: dict[str, Any] = {"unit": UNIT, "scale": rng.choice((0, 0, 1)), "minimum": 10}
    data |= {"sort": rng.choice(("all", "all", "keep")), "gives": rng.choice(("gift", "loan"))}
    data |= {"deadline": NOW_MS + rng.choice((0, 1, 50)), "collectBy": NOW_MS + 99}
    if data["sort"] == "keep":
        data["minimum"] = 0
    if rng.random() < 0.5:
        data |= {"maximum": rng.choice((5, 12)), "matching": rng.randint(0, 2)}
    if rng.random() < 0.2:
        old = by_author_of(scene, scene.some("campaign"))
        return scene.write("campaign", data | {"replaces": old.id}, old)
    return scene.write("campaign", data)


def pledge(scene: Scene) -> Record:
    rng = scene.rng
    to = scene.some("campaign")
    data: dict[str, Any] = {"campaign": to.id}
    data |= {"quantity": quantity(rng.randint(0, 9), rng.choice((UNIT,) * 9 + ("hour",)))}
    if rng.random() < 0.3:
        data |= {"part": True, "matches": rng.random() < 0.5}
    return scene.write("pledge", data, to, scene.some("pledge"))


def end_of_campaign(scene: Scene) -> Record:
    if scene.rng.random() < 0.5:
        pledged = by_author_of(scene, scene.some("pledge"))
        data = {"campaign": pledged.data.get("campaign", b"")}
        return scene.write("pledge.withdraw", data, pledged)
    to = by_author_of(scene, scene.some("campaign"))
    return scene.write("campaign.cancel", {"campaign": to.id}, to, scene.some("pledge"))


def project(scene: Scene) -> Record:
    rng = scene.rng
    data: dict[str, Any] = {"name": rng.choice(("press", "Press", "pr\u0435ss", "fair", "shop"))}
    data |= {"split": rng.choice(("equal", "points", "community", "all"))}
    if rng.random() < 0.3:
        data["end"] = NOW_MS + rng.choice((-1, 0, 1, 9))
    return scene.write("project", data, body=TEXT if rng.random() < 0.9 else None)


def membership(scene: Scene) -> Record:
    kind = scene.rng.choice(("project.join", "project.join", "project.leave"))
    of = scene.some("project")
    return scene.write(kind, {"project": of.id}, of, scene.some("project.join"))


def task(scene: Scene) -> Record:
    of = scene.some("project")
    data: dict[str, Any] = {"action": "work"}
    data |= {"effortQuantity": quantity(scene.rng.randint(1, 5), "hour")}
    data |= {"receiver": bytes(scene.village.community), "project": of.id}
    return scene.write("intent", data | {"inScopeOf": of.data.get("name", "press")}, of)


def content(scene: Scene) -> Record:
    held = {"hash": seed("content", len(scene.village.records)), "size": scene.rng.randint(0, 9)}
    data: dict[str, Any] = {"action": "raise", "provider": scene.pen.owner.id, "content": held}
    return scene.write("event", data | {"resourceQuantity": quantity(1)} | NEW)


def raised(scene: Scene) -> Record:
    """Return what may be data, in most cases."""
    events = [record for record in scene.village.records if "content" in record.data]
    return scene.rng.choice(events) if events else scene.some("event")


def consent(scene: Scene) -> Record:
    rng = scene.rng
    resource = raised(scene)
    kind = rng.choice(("consent.grant", "consent.grant", "consent.ask"))
    if kind == "consent.grant":
        by_author_of(scene, resource)
    who = [bytes(rng.choice(scene.pens).owner.id), bytes(scene.village.community), "promoter"]
    data: dict[str, Any] = {"resource": resource.id, "purposes": ["research"], "language": "en"}
    data |= {"recipients": [rng.choice(who)]}
    if rng.random() < 0.5:
        data["until"] = NOW_MS + rng.choice((0, 1, 9))
    if rng.random() < 0.3:
        data["benefit"] = {"perUse": quantity(1, UNIT)}
    cited = [resource]
    if rng.random() < 0.3:
        cited.append(scene.some("consent.grant", "consent.ask"))
        data[rng.choice(("replaces", "answers"))] = cited[-1].id
    elif kind == "consent.grant" and rng.random() < 0.5:
        asked = scene.some("consent.ask")
        by_author_of(scene, resource)
        data |= {
            name: asked.data[name] for name in ("resource", "recipients") if name in asked.data
        }
        cited.append(asked)
        data["answers"] = asked.id
    return scene.write(kind, data, *cited, body=NOTICE)


def end_of_consent(scene: Scene) -> Record:
    given = by_author_of(scene, scene.some("consent.grant", "consent.ask"))
    return scene.write("consent.revoke", {"consent": given.id}, given)


def use(scene: Scene) -> Record:
    under = scene.some("consent.grant")
    owners = [pen.owner.id for pen in scene.pens if pen.key == under.author]
    data: dict[str, Any] = {"action": "use", "provider": bytes([*owners, scene.pen.owner.id][0])}
    data |= {"receiver": scene.pen.owner.id, "resourceQuantity": quantity(1)}
    data |= {"resourceInventoriedAs": under.data.get("resource", b""), "consent": under.id}
    return scene.write("event", data | {"purpose": "research"}, under, scene.some("consent.revoke"))


def sale(scene: Scene) -> Record:
    """Offer an hour for something."""
    me = bytes(scene.pen.owner.id)
    given: dict[str, Any] = {
        "action": "work",
        "provider": me,
        "effortQuantity": quantity(9, "hour"),
    }
    price: dict[str, Any] = {"action": "transfer", "receiver": me}
    price |= {"resourceQuantity": quantity(9, UNIT)}
    parts = [scene.write("intent", given), scene.write("intent", price)]
    data: dict[str, Any] = {"purpose": "offer", "publishes": [parts[0].id]}
    return scene.write("proposal.offer", data | {"reciprocal": [parts[1].id]}, *parts)


def promotion(scene: Scene) -> Record:
    rng = scene.rng
    offer = by_author_of(scene, scene.some("proposal.offer"))
    if rng.random() < 0.2:
        promoted = by_author_of(scene, scene.some("promotion"))
        return scene.write("promotion.end", {"promotion": promoted.id}, promoted)
    data: dict[str, Any] = {"offer": offer.id, "code": rng.choice(("honey", "h\u00f3ney", "pears"))}
    data |= {"rate": rng.choice((0, 500, 2_000, 2_001)), "windowHours": 1}
    return scene.write("promotion", data, offer)


def referral(scene: Scene) -> Record:
    rng = scene.rng
    of = scene.some("promotion")
    data: dict[str, Any] = {"promotion": of.id, "referrer": rng.choice(scene.pens).owner.id}
    if rng.random() < 0.3:
        by_author_of(scene, of)
        data["buyer"] = rng.choice(OUTSIDE)
    return scene.write("referral", data, of)


def two_referrals(scene: Scene) -> Record:
    """Promote a new offer, and let one buyer say twice who brought them."""
    rng, offer = scene.rng, sale(scene)
    data = {"offer": offer.id, "code": f"code{len(scene.village.records)}", "rate": 500}
    promoted = scene.write("promotion", data | {"windowHours": 1}, offer)
    scene.pen = rng.choice(scene.pens)
    who = [pen.owner.id for pen in rng.choices(scene.pens, k=2)]
    said = [{"promotion": promoted.id, "referrer": referrer} for referrer in who]
    scene.write("referral", said[0], promoted)
    return scene.write("referral", said[1], promoted)


def payment(scene: Scene) -> Record:
    """Pay what was promised or pledged, in units of a campaign."""
    promise = scene.some("pledge", "commitment", "event")
    data: dict[str, Any] = {"action": "transfer", "provider": scene.pen.owner.id}
    data |= {"receiver": bytes(scene.village.community), "fulfills": promise.id}
    data |= {"resourceQuantity": quantity(scene.rng.randint(1, 5), UNIT)}
    return scene.write("event", data, promise)


def junk(scene: Scene) -> Record:
    """Write something of a kind of ventures that only looks like one."""
    rng = scene.rng
    named = rng.choice(scene.village.records).id
    values: list[Any] = [None, True, -1, 2**63 - 1, "all", "press", bytes(32), b"", [], {}, named]
    values += [quantity(2**62, UNIT, 9), [named], {"perUse": 1}, {"hash": bytes(32), "size": 1}]
    data = {key: rng.choice(values) for key in rng.sample(KEYS, rng.randint(0, 9))}
    kind = rng.choice(KINDS)
    bodies = [None, TEXT, NOTICE] if kind in records.PERMANENT_BODY_KINDS else [None, TEXT]
    return scene.write(kind, data, body=rng.choice(bodies))


NEW: dict[str, Any] = {"newInventoriedResource": {}}
KINDS = (
    *("campaign", "campaign.cancel", "pledge", "pledge.withdraw", "project", "project.join"),
    *("project.leave", "promotion", "promotion.end", "referral", "consent.grant", "consent.ask"),
    *("consent.revoke", "data.release", "review", "review.open"),
)
KEYS = (
    *("campaign", "unit", "scale", "minimum", "maximum", "optimum", "deadline", "collectBy"),
    *("sort", "gives", "reward", "matching", "quantity", "part", "matches", "replaces", "project"),
    *("name", "split", "end", "offer", "code", "rate", "windowHours", "who", "promotion", "buyer"),
    *("referrer", "resource", "purposes", "actions", "recipients", "language", "from", "until"),
    *("benefit", "answers", "consent", "use", "of", "agreement", "commit", "about", "review"),
    *("salt", "rating", "onTime", "asAgreed", "perPledgeMin", "perPledgeMax", "inScopeOf"),
)
ACTS: list[Act] = [
    *(campaign, campaign, pledge, pledge, pledge, end_of_campaign, project, membership, membership),
    *(task, content, content, consent, consent, consent, end_of_consent, use, use, use, junk, junk),
    *(
        market_scenes.intent,
        market_scenes.offer,
        sale,
        sale,
        promotion,
        promotion,
        referral,
        two_referrals,
        payment,
    ),
    *(market_scenes.attestation, market_scenes.correction, market_scenes.departure),
]
