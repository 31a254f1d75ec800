"""Data, the consents to its use, and its uses: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id, is_name
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import is_unit, quantity_of
from tests.second_reader.wishes import now, speaks

DAY = 24 * 3_600_000
LIVE = ("given", "renewed")


def owner_of(c: Context, resource: bytes) -> bytes | None:
    """Return whose a resource is; None when there is nothing of it."""
    row = c.state.row("RESOURCE", resource)
    return c.person(row["accountable"]) if row is not None and row["accounting"] > 0 else None


def _is_own(c: Context, owner: bytes | None) -> bool:
    return speaks(c) if owner == c.community else owner == c.member


def erases(c: Context, record: Record) -> bool:
    """Erase the content of a resource, if it is that; say whether it was."""
    named: Any = record.data.get("record")
    row = c.state.row("DATA", named) if is_id(named) and record.body is None else None
    if row is None or row["erased"]:
        return False
    owner = owner_of(c, named)
    if owner is None or not _is_own(c, owner):
        return False
    c.state.change("DATA", named, erased=True)
    return True


def grant(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    before = [data.get("replaces"), data.get("answers")]
    check(all(named is None or is_id(named) for named in before), "SHAPE")
    row = _said(c, record)
    owner = owner_of(c, row["resource"])
    check(owner is not None and _is_own(c, owner), "NOT_YOURS")
    row |= {"giver": owner, "status": "given", "replaces": before[0], "answers": before[1]}
    if before[0] is not None:
        old = c.state.row("CONSENT", before[0])
        if old is None:
            raise Void("UNKNOWN_CONSENT")
        is_same = (old["giver"], old["resource"]) == (owner, row["resource"])
        check(is_same, "DOES_NOT_FIT")
        check(old["status"] in LIVE, "NOT_OPEN")
        _end(c, before[0], "replaced", record.id)
        row["status"] = "renewed"
    if before[1] is not None:
        old = c.state.row("CONSENT", before[1])
        if old is None:
            raise Void("UNKNOWN_CONSENT")
        check(old["giver"] is None and old["resource"] == row["resource"], "DOES_NOT_FIT")
        check(old["status"] == "asked", "NOT_OPEN")
        _end(c, before[1], "answered", record.id)
    _begin(c, record.id, row)


def ask(c: Context, record: Record) -> None:
    row = _said(c, record)
    check(owner_of(c, row["resource"]) != c.member, "OWN_DATA")
    for id, _ in c.state.all("CONSENT_OF", row["resource"]):
        other = c.state.known("CONSENT", id[32:])
        check(other["giver"] is not None or other["member"] != c.member, "NOTHING_NEW")
    _begin(c, record.id, row)


def revoke(c: Context, record: Record) -> None:
    consent = record.data.get("consent")
    check(is_id(consent), "SHAPE")
    assert consent is not None
    row = c.state.row("CONSENT", consent)
    if row is None:
        raise Void("UNKNOWN_CONSENT")
    owner = row["giver"]
    is_request = owner is None
    if is_request:
        owner = owner_of(c, row["resource"])
    is_owner = owner is not None and _is_own(c, owner)
    check(is_owner or (is_request and row["member"] == c.member), "NOT_YOURS")
    check(row["status"] in ("asked", *LIVE), "NOT_OPEN")
    status = "refused" if row["status"] == "asked" and is_owner else "withdrawn"
    _end(c, consent, status, record.id)


def release(c: Context, record: Record) -> None:
    use, of, part = (record.data.get(name) for name in ("use", "of", "part"))
    check(is_id(use) and is_count(of) and is_count(part), "SHAPE")
    assert use is not None and of is not None and part is not None
    check(0 <= part < of, "SHAPE")
    check(record.body is not None and record.body[2] == 2, "NOT_SEALED")
    row = c.state.row("DATA_USE", use)
    if row is None:
        raise Void("UNKNOWN_USE")
    check(_is_own(c, row["owner"]), "NOT_YOURS")
    size = c.state.known("DATA", row["resource"])["size"]
    check(of == (size + 61_439) // 61_440, "WRONG_PARTS")
    at = part.to_bytes(4, "big")
    check(c.state.get("DATA_RELEASE", use, at) is None, "RELEASED_BEFORE")
    c.state.put(record.id, "DATA_RELEASE", use, at)


def declare_void(c: Context, consent: bytes, proposal: bytes) -> None:
    """End a consent by a vote."""
    if c.state.known("CONSENT", consent)["status"] in LIVE:
        _end(c, consent, "invalidated", proposal)


def use(c: Context, record: Record, event: Row) -> None:
    """Count a new event as a use of data, or note the content that it names or takes along."""
    source, action = event["source"], event["action"]
    row = None if source is None else c.state.row("DATA", source)
    if row is None:
        check(action not in ("cite", "use") or "consent" not in record.data, "NOT_DATA")
        _note(c, record, event, None)
        return
    owner = owner_of(c, source)
    is_own = owner is not None and _is_own(c, owner)
    if action not in ("cite", "use", "copy") or is_own:
        _note(c, record, event, row)
        return
    check(action != "copy" and "consent" in record.data, "NO_CONSENT")
    consent: Any = record.data["consent"]
    purpose = record.data.get("purpose")
    check(is_id(consent) and is_name(purpose, 32), "SHAPE")
    given = c.state.row("CONSENT", consent)
    if given is None or given["giver"] is None:
        raise Void("UNKNOWN_CONSENT")
    user = None if event["receiver"] is None else c.person(event["receiver"])
    check(c.person(event["provider"]) == given["giver"], "NOT_THEIRS")
    check(user == c.member or (user == c.community and speaks(c)), "NOT_YOURS")
    check(given["resource"] == source, "DOES_NOT_FIT")
    lasts = given["status"] in LIVE and not row["erased"] and owner == given["giver"]
    check(lasts and (owner == c.community or c.is_active(owner or b"")), "CONSENT_ENDED")
    begin, end = given["begin"], given["end"]
    is_now = (begin is None or begin <= now(c)) and (end is None or now(c) < end)
    check(is_now, "CONSENT_NOT_NOW")
    check(purpose in given["purposes"] and action in given["actions"], "OTHER_PURPOSE")
    roles = [name for name in given["recipients"] if type(name) is str]
    is_named = user in given["recipients"] or c.community in given["recipients"]
    check(is_named or any(c.holds(user or b"", role) for role in roles), "NOT_A_RECIPIENT")
    benefit, giver = given["benefit"], given["giver"]
    pool = benefit if type(benefit) is str else None
    c.state.put(
        [consent, source, c.member, record.author, purpose, giver, record.clock, pool, False],
        *("DATA_USE", record.id),
    )
    c.state.put(True, "USE_OF", giver, record.id)
    if type(benefit) is list:
        promise = [c.member, record.clock, "transfer", user, giver, benefit, [0, *benefit[1:]]]
        promise += [None, [], None, None, None, None, "agreed", *[None] * 5]
        c.state.put(promise, "COMMITMENT", record.id)


def feed(c: Context, event: bytes, pools: list[tuple[str, Row]]) -> list[tuple[str, Row, str]]:
    """Return (pool, table, bucket) for which an attested use is a point of its owner, once."""
    row = c.state.row("DATA_USE", event)
    if row is None or row["pool"] is None or row["fed"]:
        return []
    found = [
        (name, table, bucket["name"])
        for name, table in pools
        if name == row["pool"]
        for bucket in table["buckets"]
        if bucket.get("to") == "data"
    ]
    if found:
        c.state.change("DATA_USE", event, fed=True)
    return found


def _note(c: Context, record: Record, event: Row, known: Row | None) -> None:
    if "content" in record.data:
        content: Any = record.data["content"]
        check(type(content) is dict and is_id(content.get("hash")), "SHAPE")
        check(is_count(content.get("size"), 1, 1_966_080), "SHAPE")
        check(event["source"] == record.id, "NO_NEW_RESOURCE")
        c.state.put([record.id, content["hash"], content["size"], False], "DATA", record.id)
        return
    if known is not None and event["target"] == record.id:
        c.state.put([record.id, known["hash"], known["size"], known["erased"]], "DATA", record.id)


def _said(c: Context, record: Record) -> Row:
    data: dict[str, Any] = record.data
    resource = data.get("resource")
    purposes: Any = data.get("purposes")
    actions, language = data.get("actions", ["use"]), data.get("language")
    begin: Any = data.get("from")
    end: Any = data.get("until")
    check(is_id(resource) and _are_codes(purposes, 8), "SHAPE")
    assert resource is not None
    check(_are_codes(actions, 2) and {*actions} <= {"cite", "use"}, "SHAPE")
    check(all(time is None or is_count(time) for time in (begin, end)), "SHAPE")
    check(begin is None or end is None or begin < end, "SHAPE")
    check(is_name(language, 32), "SHAPE")
    check(record.body is not None and record.body[2] == 1, "NO_NOTICE")
    assert record.body is not None
    check(record.body[1] <= 16 * 1024, "SHAPE")
    recipients = _recipients(c, data.get("recipients"))
    row = c.state.row("DATA", resource)
    if row is None:
        raise Void("NOT_DATA")
    check(not row["erased"], "DATA_ERASED")
    section: dict[str, Any] = c.rules.section("data")
    listed = section.get("purposes", [])
    check(not listed or {*purposes} <= {*listed}, "UNKNOWN_PURPOSE")
    longest = section.get("longest_days", 0) * DAY
    if longest:
        is_short = end is not None and end <= max(now(c), begin or 0) + longest
        check(is_short, "CONSENT_TOO_LONG")
    return {
        "member": c.member,
        "giver": None,
        "clock": record.clock,
        "resource": resource,
        "purposes": purposes,
        "actions": actions,
        "recipients": recipients,
        "begin": begin,
        "end": end,
        "language": language,
        "notice": record.body[0],
        "benefit": _benefit(c, data.get("benefit")),
        "replaces": None,
        "answers": None,
        "status": "asked",
        "by": None,
    }


def _recipients(c: Context, named: Any) -> list[Any]:
    check(type(named) is list and 1 <= len(named) <= 16, "SHAPE")
    for number, one in enumerate(named):
        check(one not in named[:number] and (is_id(one) or is_name(one)), "SHAPE")
        if is_id(one):
            check(c.is_known(one), "UNKNOWN_AGENT")
        else:
            check(one in c.rules.roles, "UNKNOWN_ROLE")
    return [*named]


def _benefit(c: Context, said: Any) -> Any:
    if said is None:
        return None
    check(type(said) is dict and len(said) == 1, "SHAPE")
    if "pool" in said:
        check(type(said["pool"]) is str, "SHAPE")
        shares = [
            name
            for name, table in c.rules.pools
            if any(bucket.get("to") == "data" for bucket in table["buckets"])
        ]
        check(said["pool"] in shares, "NO_POOL")
        return said["pool"]
    quantity = quantity_of(said.get("perUse"))
    check(quantity is not None and 1 <= quantity[0] <= 10**15, "SHAPE")
    assert quantity is not None
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    return quantity


def _are_codes(value: Any, most: int) -> bool:
    if type(value) is not list or not 1 <= len(value) <= most:
        return False
    return all(is_name(code, 32) for code in value) and sorted({*value}) == value


def _begin(c: Context, id: bytes, row: Row) -> None:
    others = 0
    for key, _ in c.state.all("CONSENT_OF", row["resource"]):
        other = c.state.known("CONSENT", key[32:])
        if other["end"] is not None and other["end"] <= now(c):
            c.state.drop("CONSENT_OF", key)
        elif (other["giver"] is None) == (row["giver"] is None):
            others += 1
    check(others < 64, "TOO_MANY_CONSENTS")
    c.state.put_row(row, "CONSENT", id)
    c.state.put(True, "CONSENT_OF", row["resource"], id)


def _end(c: Context, id: bytes, status: str, by: bytes) -> None:
    row = c.state.known("CONSENT", id)
    c.state.change("CONSENT", id, status=status, by=by)
    c.state.drop("CONSENT_OF", row["resource"], id)


def propose_voiding(c: Context, record: Record) -> bytes:
    """Return the consent that a vote would declare void."""
    consent = record.data.get("consent")
    check(is_id(consent), "SHAPE")
    assert consent is not None
    row = c.state.row("CONSENT", consent)
    if row is None or row["giver"] is None:
        raise Void("UNKNOWN_CONSENT")
    check(row["status"] in LIVE, "NOT_OPEN")
    return bytes(consent)
