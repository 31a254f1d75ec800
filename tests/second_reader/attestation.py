"""What members say of events, corrections and claims of agents: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import claims, commissions, data, promotion
from tests.second_reader.context import Context, Void, check
from tests.second_reader.events import (
    apply_correction,
    asked_of,
    has_moved,
    is_attested,
    move,
    words,
)
from tests.second_reader.names import is_count, is_id
from tests.second_reader.records import Record


def attest(c: Context, record: Record) -> None:
    id: Any = record.data.get("event")
    say, known = record.data.get("say"), record.data.get("corrections", 0)
    check(is_id(id) and say in ("yes", "no", "withdraw") and is_count(known), "SHAPE")
    assert say is not None
    if c.state.get("CORRECTION", id) is not None:
        _of_correction(c, id, say, known)
        return
    paid = c.state.row("SETTLEMENT", id)
    check((paid and paid["claimant"] == c.member) or c.writer_may(), "NO_WORD_YET")
    row = c.state.row("EVENT", id)
    if row is None:
        _of_claim(c, id, say)
        return
    check(c.member not in (row["member"], c.person(row["provider"])), "SELF_ATTESTED")
    check(known == row["corrections"], "CORRECTED_SINCE")
    at = row["corrections"].to_bytes(8, "big")
    before = _say(c, say, id, at, c.member)
    for word in ("yes", "no"):
        row[word] += (say == word) - (before == word)
    c.state.put_row(row, "EVENT", id)
    _count(c, id)


def _say(c: Context, say: str, *key: bytes) -> str | None:
    before: str | None = c.state.get("SAID", *key)
    check(say != (before or "withdraw"), "NOTHING_NEW")
    if say == "withdraw":
        c.state.drop("SAID", *key)
    else:
        c.state.put(say, "SAID", *key)
    return before


def _of_correction(c: Context, id: bytes, say: str, known: int) -> None:
    correction = c.state.known("CORRECTION", id)
    event = correction["event"]
    check(correction["member"] != c.member, "SELF_ATTESTED")
    check(not correction["held"], "HOLDS_ALREADY")
    check(known == c.state.known("EVENT", event)["corrections"], "CORRECTED_SINCE")
    before = _say(c, say, id, c.member)
    correction["yes"] += (say == "yes") - (before == "yes")
    agreed = [member for member in correction["asked"] if c.state.get("SAID", id, member) == "yes"]
    enough = correction["yes"] >= max(1, c.rules.attestations)
    correction["held"] = all(
        member in agreed or (not c.is_active(member) and enough) for member in correction["asked"]
    )
    c.state.put_row(correction, "CORRECTION", id)
    if not correction["held"]:
        return
    apply_correction(c, id, correction)
    row = c.state.known("EVENT", event)
    for member in agreed:
        if member != c.person(row["provider"]):
            c.state.put("yes", "SAID", event, row["corrections"].to_bytes(8, "big"), member)
            row["yes"] += 1
    c.state.put_row(row, "EVENT", event)
    _count(c, event)


def _of_claim(c: Context, id: bytes, say: str) -> None:
    row = c.state.row("AGENT_CLAIM", id)
    if row is None and promotion.is_heard(c, id):
        before = _say(c, say, id, c.member)
        promotion.attest(c, id, (say == "yes") - (before == "yes"))
        return
    if row is None:
        raise Void("UNKNOWN_EVENT")
    check(row["member"] != c.member, "SELF_ATTESTED")
    before = _say(c, say, id, c.member)
    check(c.state.get("CLAIMED", row["agent"]) is None, "AGENT_CLAIMED")
    row["attested"] += (say == "yes") - (before == "yes")
    c.state.put_row(row, "AGENT_CLAIM", id)
    if row["attested"] >= max(1, c.rules.attestations):
        c.state.put(row["member"], "CLAIMED", row["agent"])


def _count(c: Context, id: bytes) -> None:
    row = c.state.known("EVENT", id)
    promoter = commissions.promoter(c, id)
    if promoter is not None:
        at = row["corrections"].to_bytes(8, "big")
        yes, no = words(c, id, row)
        own = c.state.get("SAID", id, at, promoter)
        is_counted = promoter != c.person(row["provider"])
        yes, no = yes - (is_counted and own == "yes"), no - (is_counted and own == "no")
        commissions.hear(c, id, yes >= asked_of(c, id) and (yes > no or no == 0))
    paid = c.state.row("SETTLEMENT", id)
    if paid is not None:
        at = row["corrections"].to_bytes(8, "big")
        yes, no = words(c, id, row)
        is_enough = max(yes, no) >= asked_of(c, id) and yes != no
        others = ("yes" if yes > no else "no") if is_enough else None
        claims.hear(c, id, row["member"], c.state.get("SAID", id, at, paid["claimant"]), others)
        paid = c.state.known("SETTLEMENT", id)
    is_confirmed = paid is not None and paid["status"] == "confirmed"
    if not has_moved(c, id) and (is_confirmed or is_attested(c, id)):
        move(c, id)


def dispute(c: Context, record: Record) -> None:
    id: Any = record.data.get("event")
    say = record.data.get("say", "open")
    check(is_id(id) and say in ("open", "withdraw"), "SHAPE")
    check(c.writer_may(), "NO_WORD_YET")
    row = c.state.row("EVENT", id)
    if row is None:
        raise Void("UNKNOWN_EVENT")
    check(c.person(row["provider"]) != c.member, "SELF_ATTESTED")
    is_open = c.state.get("DISPUTE", id, c.member) is not None
    check(is_open is not (say == "open"), "NOTHING_NEW")
    if say == "open":
        c.state.put(record.id, "DISPUTE", id, c.member)
    else:
        c.state.drop("DISPUTE", id, c.member)
    c.state.change("EVENT", id, disputes=row["disputes"] + (1 if say == "open" else -1))
    commissions.look(c, id)


def erase(c: Context, record: Record) -> None:
    if data.erases(c, record):
        return
    named = record.data.get("record")
    check(is_id(named) and record.body is None, "SHAPE")
    assert named is not None
    check(record.cites(named), "NOT_CITED")
    cited = c.records.get(named)
    if cited is None:
        raise Void("NOT_HELD")
    device = c.state.row("DEVICE", cited.author)
    check(device is not None and device["member"] == c.member, "NOT_YOURS")
    check(cited.body is not None and not cited.is_permanent, "NO_TEXT")
