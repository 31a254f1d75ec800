"""Membership, devices, invites, keys, roles: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import commissions, deals, project_members
from tests.second_reader.context import DAY, Context, Void, check, in_doubt, jump_of, last_ms
from tests.second_reader.names import is_count, is_id, is_name
from tests.second_reader.records import Inception, Record
from tests.second_reader.rules import HOUR
from tests.second_reader.values import is_signed, pack


def found(c: Context, record: Record) -> None:
    data = record.data
    check(record.id == c.community and c.state.get("FOUNDING") is None, "NOT_FOUNDING")
    check(record.is_permanent, "NO_DOCUMENT")
    inception = Inception.read(data.get("inception"))
    if inception is None or not is_id(data.get("nonce")):
        raise Void("SHAPE")
    _add_device(c, record, data["nonce"], inception.member, inception, "active")
    assert record.body is not None
    c.state.put([inception.member, record.id, record.body[0]], "FOUNDING")
    statuses = [row["status"] for _, row in c.state.rows("MEMBER")]
    ever = len(statuses) - statuses.count("new")
    c.state.put([statuses.count("active"), ever], "COUNT")
    c.state.put([True, 0, record.clock, record.id], "ROLE", inception.member, b"witness")
    c.state.put([record.author, 0], "OFFER", inception.member)
    c.state.put([[record.author, inception.member]], "SEATED")


def inherit(c: Context, record: Record) -> None:
    founder = c.state.row("FOUNDING")
    is_founder = founder is not None and founder["member"] == c.member
    check(is_founder and record.is_permanent, "NOT_FOUNDING")


def enrol(c: Context, record: Record) -> None:
    data = record.data
    member: Any = data.get("member")
    check(record.seq == 0, "NOT_FIRST")
    check(is_id(member), "SHAPE")
    inception = None
    if c.state.get("MEMBER", member) is None:
        check("inception" in data, "UNKNOWN_MEMBER")
        inception = Inception.read(data["inception"])
        if inception is None:
            raise Void("SHAPE")
        check(inception.member == member, "WRONG_INCEPTION")
    _add_device(c, record, c.community, member, inception, "new")


def _add_device(
    c: Context,
    record: Record,
    community: bytes,
    member: bytes,
    inception: Inception | None,
    status: str,
) -> None:
    data, device = record.data, record.author
    pairs, peer, proof = data.get("signatures"), data.get("peer"), data.get("proof")
    check(is_pairs(pairs) and is_id(peer) and peer != device and is_id(proof, 64), "SHAPE")
    assert peer is not None and proof is not None
    row = c.state.row("MEMBER", member)
    if row is None:
        assert inception is not None
        keys, threshold = inception.keys, inception.threshold
        row = {"status": status, "since": record.clock, "keys": keys, "threshold": threshold}
        row |= {"devices": 0, "rekeys": 0, "profile": None, "powers_ms": 0}
    check(row["devices"] < 64, "TOO_MANY_DEVICES")
    fields = [community, member, device, peer]
    check(is_signed(peer, pack(["commonweal/1/peer", *fields]), proof), "NOT_BY_PEER")
    signed = is_word(row, pairs, ["commonweal/1/enrol", *fields])
    check(signed, "NOT_SIGNED")
    c.state.put_row({**row, "devices": row["devices"] + 1}, "MEMBER", member)
    c.state.put([member, None, peer, record.clock, 0], "DEVICE", device)
    c.state.put(True, "DEVICE_OF", member, device)
    c.state.put(True, "PEER", peer, device)


def is_pairs(pairs: Any) -> bool:
    """Whether a value is a list of 1 to 16 [key, signature]."""
    return (
        type(pairs) is list
        and 1 <= len(pairs) <= 16
        and all(
            type(pair) is list and len(pair) == 2 and all(type(x) is bytes for x in pair)
            for pair in pairs
        )
    )


def is_word(row: dict[str, Any], pairs: Any, array: list[Any]) -> bool:
    """Whether a member's keys signed an array well."""
    if not is_pairs(pairs) or len(pairs) < row["threshold"]:
        return False
    signers = [key for key, _ in pairs]
    if signers != sorted({*signers}) or not {*signers} <= {*row["keys"]}:
        return False
    return all(is_signed(key, pack(array), signature) for key, signature in pairs)


def revoke(c: Context, record: Record) -> None:
    data = record.data
    device, seq, last = data.get("device"), data.get("seq"), data.get("id")
    check(is_id(device) and is_count(seq) and is_id(last), "SHAPE")
    assert device is not None and seq is not None
    row = c.state.row("DEVICE", device)
    if row is None:
        raise Void("UNKNOWN_DEVICE")
    is_open = row["last"] is None or seq < row["last"]
    check(is_open and row["revocations"] < 4, "ALREADY_REVOKED")
    array = ["commonweal/1/revoke", c.community, row["member"], device, seq, last]
    check(
        is_word(c.state.known("MEMBER", row["member"]), data.get("signatures"), array), "NOT_SIGNED"
    )
    with_seats(c, lambda: apply_revocation(c, record))


def apply_revocation(c: Context, record: Record) -> None:
    """Do what a revocation does that was found good."""
    device, seq = record.data["device"], record.data["seq"]
    row = c.state.row("DEVICE", device)
    if row is not None and (row["last"] is None or seq < row["last"]):
        c.state.change("DEVICE", device, last=seq, revocations=row["revocations"] + 1)


def with_seats(c: Context, act: Any) -> None:
    """Do something unless it takes a seat that the next seal needs."""
    count, before = len(c.state.get("SEATED") or ()), _able(c)
    act()
    needed = (count + (count - 1) // 3) // 2 + 1
    check(_able(c) >= before or _able(c) >= needed, "SEAT_NEEDED")


def _able(c: Context) -> int:
    able = 0
    for device, member in c.state.get("SEATED") or ():
        row = c.state.row("DEVICE", device)
        is_good = row is not None and row["last"] is None and c.is_active(member)
        able += is_good and c.state.get("GUILTY", device) is None
    return able


def invite(c: Context, record: Record) -> None:
    data = record.data
    key, uses, expires = data.get("key"), data.get("uses"), data.get("expires")
    is_sound = is_id(key) and is_count(uses, 1, 1000) and (expires is None or is_count(expires))
    check(is_sound, "SHAPE")
    check(c.writer_may(), "NO_INVITE_YET")
    row = [key, uses, 0, expires, False, c.member, record.author, False]
    c.state.put(row, "INVITE", record.id)


def revoke_invite(c: Context, record: Record) -> None:
    id = record.data.get("invite")
    check(is_id(id), "SHAPE")
    assert id is not None
    check(record.cites(id), "NOT_CITED")
    row = c.state.row("INVITE", id)
    if row is None:
        raise Void("UNKNOWN_INVITE")
    check(c.member in (row["author"], c.state.known("FOUNDING")["member"]), "NOT_YOURS")
    check(not row["revoked"], "ALREADY_REVOKED")
    c.state.change("INVITE", id, revoked=True)


def request(c: Context, record: Record) -> None:
    id, proof = record.data.get("invite"), record.data.get("proof")
    check(is_id(id) and is_id(proof, 64), "SHAPE")
    assert id is not None and proof is not None
    check(record.cites(id), "NOT_CITED")
    device = c.state.row("DEVICE", record.author)
    if device is None:
        raise Void("NOT_ENROLLED")
    check(device["last"] is None or record.seq <= device["last"], "DEVICE_REVOKED")
    member = device["member"]
    check(not c.is_active(member), "ALREADY_MEMBER")
    row = c.state.row("INVITE", id)
    if row is None:
        raise Void("UNKNOWN_INVITE")
    standing = c.state.get("REQUEST_OF", member, id)
    is_open = standing is not None and c.state.known("REQUEST", standing)["open"]
    check(not is_open, "ALREADY_REQUESTED")
    array = ["commonweal/1/invite", c.community, member, record.author]
    check(is_signed(row["key"], pack(array), proof), "NOT_BY_INVITE")
    c.state.put(record.id, "REQUEST_OF", member, id)
    asked = {"member": member, "device": record.author, "invite": id, "clock": record.clock}
    asked |= {"vouches": 0, "open": True}
    was_removed = c.state.known("MEMBER", member)["status"] == "removed"
    if not _closed(c, row) and not was_removed and _has_room(c, row):
        c.state.put(record.id, "VOUCH", record.id, row["author"])
        asked["vouches"] = 1
        _charge(c, row)
    _settle(c, record, record.id, asked)


def vouch(c: Context, record: Record) -> None:
    member, id = record.data.get("member"), record.data.get("request")
    check(is_id(member) and is_id(id), "SHAPE")
    assert member is not None and id is not None
    check(record.cites(id), "NOT_CITED")
    asked = c.state.row("REQUEST", id)
    if asked is None or asked["member"] != member:
        raise Void("UNKNOWN_REQUEST")
    check(not c.is_active(member) and asked["open"], "ALREADY_MEMBER")
    check(c.state.get("VOUCH", id, c.member) is None, "ALREADY_VOUCHED")
    check(c.writer_may(), "NO_INVITE_YET")
    row = c.state.known("INVITE", asked["invite"])
    closed = _closed(c, row)
    check(not closed, closed)
    if c.member == row["author"]:
        check(_has_room(c, row), "GROWTH_REACHED")
        _charge(c, row)
    c.state.put(record.id, "VOUCH", id, c.member)
    _settle(c, record, id, {**asked, "vouches": asked["vouches"] + 1})


def _closed(c: Context, row: dict[str, Any]) -> str:
    device = c.state.row("DEVICE", row["device"])
    if row["revoked"]:
        return "INVITE_REVOKED"
    if row["ended"] or device is None or device["last"] is not None:
        return "INVITE_ENDED"
    if row["expires"] is not None and row["expires"] < c.before_ms:
        return "INVITE_EXPIRED"
    return "INVITE_USED" if row["used"] >= row["uses"] else ""


def _is_founding(c: Context, row: dict[str, Any]) -> bool:
    circle = c.rules.number("membership", "founding_circle", 7)
    is_founders = bool(row["author"] == c.state.known("FOUNDING")["member"])
    return is_founders and c.state.known("COUNT")["ever"] < circle


def _brought(c: Context, author: bytes) -> list[int]:
    since = c.before_ms - 7 * DAY
    return [time for time in c.state.get("BROUGHT", author) or () if time > since]


def _has_room(c: Context, row: dict[str, Any]) -> bool:
    percent = c.rules.number("membership", "growth_percent", 10)
    of_members = c.state.known("COUNT")["active"] * percent // 100
    most = max(c.rules.number("membership", "growth_per_week", 2), of_members)
    return _is_founding(c, row) or len(_brought(c, row["author"])) < most


def _charge(c: Context, row: dict[str, Any]) -> None:
    if not _is_founding(c, row):
        author = row["author"]
        c.state.put([*_brought(c, author), c.time], "BROUGHT", author)


def _settle(c: Context, record: Record, id: bytes, asked: dict[str, Any]) -> None:
    needed = max(1, c.rules.number("membership", "vouches", 0))
    able = sum(c.may(key, c.time) for key, _ in c.state.all("MEMBER"))
    if asked["vouches"] and asked["vouches"] >= min(needed, able):
        row = c.state.known("INVITE", asked["invite"])
        delay = c.rules.number("membership", "delay_hours", 168) * HOUR
        powers = 0 if _is_founding(c, row) else max(1, c.time) + delay
        c.state.change("INVITE", asked["invite"], used=row["used"] + 1)
        set_status(c, asked["member"], "active", record.clock, powers)
        asked = {**asked, "open": False}
    c.state.put_row(asked, "REQUEST", id)


def set_status(c: Context, member: bytes, status: str, clock: int, powers: int = 0) -> None:
    """Give a member another status."""
    was, count = c.state.known("MEMBER", member), c.state.known("COUNT")
    c.state.change("MEMBER", member, status=status, since=clock, powers_ms=powers)
    active = count["active"] + (status == "active") - (was["status"] == "active")
    c.state.put([active, count["ever"] + (was["status"] == "new")], "COUNT")


def profile(c: Context, record: Record) -> None:
    check(record.body, "SHAPE")
    c.state.change("MEMBER", c.member, profile=record.id)


def leave(c: Context, record: Record) -> None:
    with_seats(c, lambda: depart(c, c.member, "left", record.clock))


def depart(c: Context, member: bytes, status: str, clock: int) -> None:
    """Let somebody be no member any more."""
    set_status(c, member, status, clock)
    for id, row in c.state.rows("INVITE"):
        if row["author"] == member and not row["ended"]:
            c.state.change("INVITE", id, ended=True)
    for key, id in c.state.all("REQUEST_OF", member):
        if c.state.known("REQUEST", id)["open"]:
            c.state.drop("REQUEST", id)
            c.state.drop("REQUEST_OF", key)
    for key, _ in c.state.all("DISPUTE"):
        if key.endswith(member):
            c.state.drop("DISPUTE", key)
            disputes = c.state.known("EVENT", key[:32])["disputes"]
            c.state.change("EVENT", key[:32], disputes=disputes - 1)
            commissions.look(c, key[:32])
    deals.depart(c, member)
    project_members.depart(c, member)


def refer(c: Context, record: Record) -> None:
    above: Any = record.data.get("referrer")
    check(is_id(above), "SHAPE")
    row = c.state.row("MEMBER", above)
    check(row is not None and row["status"] != "new", "UNKNOWN_AGENT")
    check(c.state.get("REFERRER", c.member) is None, "ALREADY_REFERRED")
    for _ in range(64):
        check(above != c.member, "CIRCLE")
        above = c.state.get("REFERRER", above)
        if above is None:
            c.state.put(record.data["referrer"], "REFERRER", c.member)
            return
    raise Void("CIRCLE")


def claim_role(c: Context, record: Record) -> None:
    name = record.data.get("role")
    check(is_name(name), "SHAPE")
    role = c.rules.roles.get(str(name))
    if role is None:
        raise Void("UNKNOWN_ROLE")
    offer = c.state.row("OFFER", c.member)
    offers = name == "witness" and (offer is None or offer["device"] != record.author)
    key = str(name).encode()
    if c.state.get("ROLE", c.member, key) is None:
        after = role.get("after", [])
        check(not after or any(c.holds(c.member, other) for other in after), "NO_PATH")
        is_held = role.get("endorsements", 0) == 0
        c.state.put([is_held, 0, record.clock, record.id], "ROLE", c.member, key)
    else:
        check(offers, "NOTHING_NEW")
    if offers:
        c.state.put([record.author, None], "OFFER", c.member)


def endorse(c: Context, record: Record) -> None:
    name, member = record.data.get("role"), record.data.get("member")
    check(is_name(name) and is_id(member), "SHAPE")
    assert member is not None
    role = c.rules.roles.get(str(name))
    if role is None:
        raise Void("UNKNOWN_ROLE")
    check(member != c.member, "SELF_ENDORSED")
    check(c.writer_may(), "NO_WORD_YET")
    key = str(name).encode()
    row = c.state.row("ROLE", member, key)
    if row is None:
        raise Void("NOT_CLAIMED")
    check(c.state.get("ENDORSED", row["claim"], c.member) is None, "NOTHING_NEW")
    row["endorsements"] += 1
    if not row["held"] and row["endorsements"] >= role.get("endorsements", 0):
        row |= {"held": True, "clock": record.clock}
    c.state.put(record.id, "ENDORSED", row["claim"], c.member)
    c.state.put_row(row, "ROLE", member, key)


def resign(c: Context, record: Record) -> None:
    name = record.data.get("role")
    check(is_name(name), "SHAPE")
    key = str(name).encode()
    check(c.state.get("ROLE", c.member, key) is not None, "NOT_CLAIMED")
    before = _seated_candidates(c)
    c.state.drop("ROLE", c.member, key)
    if name == "witness":
        c.state.drop("OFFER", c.member)
    check(_seated_candidates(c) or not before, "LAST_WITNESS")


def _seated_candidates(c: Context) -> int:
    offering = {member for member, _ in candidates(c)}
    return sum(member in offering for _, member in c.state.get("SEATED") or ())


def candidates(c: Context) -> list[tuple[bytes, dict[str, Any]]]:
    """Return who offers and may witness, with the offer, by member."""
    jump, last = jump_of(c.state), last_ms(c.state)
    time = jump[0] if in_doubt(jump, last) else last
    found = []
    for member, offer in c.state.rows("OFFER"):
        device = c.state.row("DEVICE", offer["device"])
        if device is None or device["member"] != member or device["last"] is not None:
            continue
        is_bad = any(c.state.get(t, offer["device"]) is not None for t in ("FROZEN", "GUILTY"))
        if not is_bad and c.holds(member, "witness") and c.may(member, time):
            found.append((member, offer))
    return found
