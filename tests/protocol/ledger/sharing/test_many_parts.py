"""Moderators, organisers, promoters, who was brought, and who leaves: each has their part.

Source of the cases: the essay's factors of management and enterprise, and its three levels of a
community, as docs/concepts.md names them (F5, F8, L2b, L2e, L3e).
"""

from __future__ import annotations

from typing import Any

from commonweal.protocol.ledger.members import agents, roles
from commonweal.protocol.ledger.state.rejections import Reason
from tests.protocol.ledger.council import SAID, rules
from tests.protocol.ledger.treasury import Treasury
from tests.protocol.ledger.workshop import INCOME, Workshop, paying

ORGANISING = "Organising"


def valued(points: dict[str, str], **over: Any) -> dict[str, Any]:
    """Return rules that pay by these values of actions, of a bucket with `over`."""
    bucket = {"name": "given", "share": "100%", "claim": "equity", **SAID, **over}
    pool = {"unit": "EUR", "income": INCOME, "buckets": [bucket], **SAID}
    value = {action: {"points": text, **SAID} for action, text in points.items()}
    moderator = {"endorsements": 1, "duties": "Keeps the peace.", "benefits": "A part.", **SAID}
    return rules(value=value, pools={"income": pool}, roles={"moderator": moderator})


def test_who_moderates_earns_by_a_role_that_is_taken_and_given_back() -> None:
    points = "event.factor == 'management' ? muldiv(event.effort, 12, 10) : event.effort"
    moderating = "event.factor != 'management' || 'moderator' in event.roles"
    shop = Workshop(valued({"work": points}, where=moderating), "Jun", "Ana")
    given = shop.write("Ana", "role.endorse", {"role": "moderator", "member": shop.id("Jun")})
    assert shop.history.verdict(given.id) == Reason.NOT_CLAIMED, "nobody is given a role"
    shop.work("Ana", 9, by="Jun", factor="management")
    shop.write("Jun", "role.claim", {"role": "moderator"})
    shop.write("Ana", "role.endorse", {"role": "moderator", "member": shop.id("Jun")})
    shop.work("Jun", 5, by="Ana", factor="management")
    shop.work("Ana", 4, by="Jun")
    shop.earn(10_000, by="Ana")
    shop.cut()
    shares = {"Jun": 6_000, "Ana": 4_000}
    assert shop.paid() == shares, "and moderating without the role has nothing"
    shop.write("Jun", "role.resign", {"role": "moderator"})
    shop.cut()
    assert not roles.holds(shop.history.final, shop.id("Jun"), "moderator")
    assert shop.paid() == shares, "what was earned stays"


def test_organising_is_a_skill_of_its_own_that_work_and_citations_earn_by() -> None:
    points = {"work": "event.effort", "cite": "event.quantity"}
    shop = Workshop(valued(points, specification=ORGANISING), "Jun", "Ana")
    skill = shop.write("Ana", "spec.resource", {"name": ORGANISING, "unit": "one"})
    shop.work("Jun", 3, by="Ana", resourceConformsTo=skill.id)
    shop.work("Mei", 8, by="Ana")
    cited: dict[str, Any] = {
        "action": "cite",
        "provider": shop.id("Ana"),
        "resourceConformsTo": skill.id,
    }
    cited |= {"resourceQuantity": {"n": 1, "scale": 0, "unit": "one"}}
    shop.attest(shop.write("Ana", "event", cited), "Jun")
    shop.earn(400)
    shop.cut()
    assert shop.paid() == {"Jun": 300, "Ana": 100}, "work of another skill has no part"


def promoted(shop: Workshop, name: str, spec: bytes) -> Any:
    """Let a member show something to others, as a service to the community."""
    data = {"action": "deliverService", "provider": shop.id(name), "resourceConformsTo": spec}
    one = {"n": 1, "scale": 0, "unit": "one"}
    return shop.write(name, "event", data | {"resourceQuantity": one, "receiver": shop.community})


def test_promotion_is_a_service_that_others_attest_and_that_sales_can_name() -> None:
    shop = Workshop(valued({"deliverService": "event.quantity"}, trace=True), "Jun", "Ana")
    film = shop.write("Mei", "spec.resource", {"name": "Film", "unit": "one"})
    sold, other = (promoted(shop, name, film.id) for name in ("Jun", "Ana"))
    own = shop.attest(sold, "Jun")
    assert shop.history.verdict(own.id) == Reason.SELF_ATTESTED
    shop.attest(other, "Jun")
    shop.earn(100)
    shop.cut()
    assert shop.paid() == {"Ana": 100}, "nobody else saw Jun's yet"
    shop.attest(sold, "Ana")
    shop.earn(100, earnedBy=sold.id)
    shop.cut()
    assert shop.paid() == {"Ana": 100, "Jun": 100}, "what a film sold is of no other film"


def test_a_member_who_was_brought_takes_a_role_and_the_referral_stays() -> None:
    document = paying(commission=["10%"], commission_hours=48)
    moderator = {"endorsements": 0, "duties": "Keeps the peace.", "benefits": "A part.", **SAID}
    shop = Workshop(document | {"roles": {"moderator": moderator}}, "Jun", "Ana")
    shop.write("Jun", "referral", {"referrer": shop.id("Ana")})
    shop.write("Jun", "role.claim", {"role": "moderator"})
    shop.work("Jun", 1, by="Mei")
    shop.earn(100)
    shop.cut()
    assert roles.holds(shop.history.final, shop.id("Jun"), "moderator")
    assert shop.paid() == {"Jun": 90, "Ana": 10}, "what who brought them gets is of what they earn"
    shop.write("Jun", "role.resign", {"role": "moderator"})
    second = shop.write("Jun", "referral", {"referrer": shop.id("Mei")})
    assert shop.history.verdict(second.id) == Reason.ALREADY_REFERRED
    shop.earn(100)
    shop.cut()
    assert agents.referrer(shop.history.final, shop.id("Jun")) == shop.id("Ana")
    assert shop.paid() == {"Jun": 180, "Ana": 20}


def test_a_member_joins_earns_leaves_alone_and_is_still_paid_what_is_owed() -> None:
    shop = Treasury(paying(), "Ana")
    shop.pens["Jun"] = shop.join("Jun")
    shop.work("Jun", 3, by="Ana")
    shop.earn(3_000, by="Ana")
    shop.cut()
    left = shop.write("Jun", "member.leave", {})
    assert shop.history.verdict(left.id) is None, "nobody is asked"
    shop.cut()
    owed = shop.claim("Jun", 1)
    assert (owed.status, owed.open) == ("open", 3_000)
    later = shop.work("Jun", 1)
    assert shop.history.verdict(later.id) is not None, "and writes no more"
    shop.confirm(shop.pay(3_000, "Jun", owed), "Ana")
    shop.cut()
    assert shop.claim("Jun", 1).status == "settled"
