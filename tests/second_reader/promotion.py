"""Promotions of offers, and referrals of their buyers: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import members
from tests.second_reader.commissions import WHOLE, first, offers_of, referrals_of
from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id, is_name, skeleton
from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, portion
from tests.second_reader.state import Row
from tests.second_reader.wishes import manages, now


def promote(c: Context, record: Record) -> None:
    data, rules = record.data, c.rules.document
    check("promotion" in rules, "NO_PROMOTION")
    id, code, rate = (data.get(name) for name in ("offer", "code", "rate"))
    hours, who = data.get("windowHours"), data.get("who", "")
    is_code = is_name(code, 32) and not {" ", "/"} & set(str(code))
    check(is_id(id) and is_code and (who == "" or is_name(who)), "SHAPE")
    check(is_count(rate, 1, WHOLE) and is_count(hours, 1, 8784), "SHAPE")
    assert isinstance(rate, int) and isinstance(hours, int) and isinstance(id, bytes)
    offer = c.state.row("PLAN_OFFER", id)
    if offer is None:
        raise Void("UNKNOWN_PLAN")
    check(manages(c, first(c, offer)), "NOT_YOURS")
    check(offer["purpose"] == "offer", "NOTHING_SOLD")
    check(offer["status"] == "open", "NOT_OPEN")
    check(not who or who in c.rules.roles, "UNKNOWN_ROLE")
    above, below, _ = portion(rules["promotion"].get("rate_max", "10%"))
    check(rate <= WHOLE * above // below, "RATE_TOO_HIGH")
    check(hours <= rules["promotion"].get("window_hours_max", 720), "WINDOW_TOO_LONG")
    look = skeleton(str(code))
    known = c.state.get("PROMOTION_CODE", look)
    taken = None if known is None else c.state.known("PROMOTION", known)
    is_free = taken is None or (taken["ended"] is not None and taken["member"] == c.member)
    check(is_free, "NAME_TAKEN")
    row = [c.member, record.clock, id, code, rate, hours * HOUR, who, None]
    c.state.put(row, "PROMOTION", record.id)
    c.state.put(record.id, "PROMOTION_CODE", look)


def end(c: Context, record: Record) -> None:
    id: Any = record.data.get("promotion")
    check(is_id(id), "SHAPE")
    row = c.state.row("PROMOTION", id)
    if row is None:
        raise Void("UNKNOWN_PROMOTION")
    check(manages(c, first(c, c.state.known("PLAN_OFFER", row["offer"]))), "NOT_YOURS")
    check(row["ended"] is None, "NOT_OPEN")
    c.state.change("PROMOTION", id, ended=record.id)


def refer(c: Context, record: Record) -> None:
    if "promotion" not in record.data:
        return members.refer(c, record)
    id, above, buyer = (record.data.get(name) for name in ("promotion", "referrer", "buyer"))
    check(is_id(id) and is_id(above) and (buyer is None or is_id(buyer, 16)), "SHAPE")
    assert isinstance(id, bytes) and isinstance(above, bytes)
    row = c.state.row("PROMOTION", id)
    if row is None:
        raise Void("UNKNOWN_PROMOTION")
    offer = offers_of(c, id)[-1][1]
    is_over = offer["end"] is not None and offer["end"] <= now(c)
    is_had = offer["purpose"] == "offer" and offer["status"] == "open" and not is_over
    check(row["ended"] is None and is_had, "NOT_OPEN")
    check(c.is_active(above), "UNKNOWN_AGENT")
    for role in (c.rules.section("promotion").get("role", ""), row["who"]):
        check(not role or c.holds(above, role), "NO_PROMOTER")
    if buyer is not None:
        check(manages(c, first(c, offer)), "NOT_YOURS")
        check(c.person(buyer) == buyer, "AGENT_CLAIMED")
    who, seller = buyer or c.member, first(c, offer)["provider"]
    check(above not in (who, seller) and who != seller, "SELF_REFERRED")
    check(all(other["promoter"] != who for _, other in _same(c, above, id)), "CIRCLE")
    made = [c.member, record.clock, id, above, who, None, None, 0]
    c.state.put(made, "OFFER_REFERRAL", record.id)
    if buyer is None:
        _begin(c, record.id)
    else:
        _checkfirst(c, record.id)
    return None


def _same(c: Context, buyer: bytes, promotion: bytes) -> list[tuple[bytes, Row]]:
    at = offers_of(c, promotion)[-1][0]
    pairs = referrals_of(c, buyer)
    return [(id, row) for id, row in pairs if offers_of(c, row["promotion"])[-1][0] == at]


def _checkfirst(c: Context, id: bytes) -> None:
    row = c.state.known("OFFER_REFERRAL", id)
    for _, other in _same(c, row["buyer"], row["promotion"]):
        is_over = now(c) > other["until_ms"]
        check(other["promotion"] != row["promotion"] and is_over, "REFERRED_BEFORE")


def _begin(c: Context, id: bytes) -> None:
    _checkfirst(c, id)
    row = c.state.known("OFFER_REFERRAL", id)
    known = referrals_of(c, row["buyer"])
    if len(known) >= 64:
        over = [other for other, old in known if now(c) > old["until_ms"]]
        check(over, "TOO_MANY_REFERRALS")
        for other in over:
            c.state.drop("REFERRAL_OF", row["buyer"], other)
    until = now(c) + c.state.known("PROMOTION", row["promotion"])["window_ms"]
    c.state.change("OFFER_REFERRAL", id, since_ms=now(c), until_ms=until)
    c.state.put(True, "REFERRAL_OF", row["buyer"], id)


def is_heard(c: Context, id: bytes) -> bool:
    """Whether a record is a referral that others attest; void when the member may not."""
    row = c.state.row("OFFER_REFERRAL", id)
    if row is None or len(row["buyer"]) != 16:
        return False
    check(c.member not in (row["member"], row["promoter"]), "SELF_ATTESTED")
    return True


def attest(c: Context, id: bytes, more: int) -> None:
    row = c.state.known("OFFER_REFERRAL", id)
    c.state.change("OFFER_REFERRAL", id, attested=row["attested"] + more)
    if row["since_ms"] is None and row["attested"] + more >= max(1, c.rules.attestations):
        _begin(c, id)
