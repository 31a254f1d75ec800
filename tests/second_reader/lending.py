"""Things that are lent: terms, blocks, bookings, and what is handed out and back: kinds.md."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.second_reader.context import DAY, Context, Void, check, in_doubt, jump_of, last_ms
from tests.second_reader.names import is_count, is_id, is_name
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import is_unit, quantity_of
from tests.second_reader.wishes import now, speaks

MINUTE = 60_000
LONGEST = 92 * DAY
EPOCH = date(1970, 1, 1)
Pair = tuple[bytes, Row]


def thing_of(c: Context, resource: bytes) -> bytes:
    """Return the thing that a resource is."""
    row = c.state.row("HANDED_ON", resource)
    return resource if row is None else bytes(row["thing"])


def sealed(c: Context) -> int:
    """Return the time of the last cut, as far as it is trusted."""
    jump, last = jump_of(c.state), last_ms(c.state)
    return jump[0] if in_doubt(jump, last) else last


def lender(c: Context, thing: bytes) -> Any:
    """Return who lends a thing, or None where it has no terms."""
    row = c.state.row("THING", thing)
    return None if row is None else c.state.known("RESOURCE", row["at"])["custodian"]


def manages(c: Context, resource: bytes) -> bool:
    """Whether the member says how a thing is lent."""
    known = c.state.row("THING", thing_of(c, resource))
    row = c.state.row("RESOURCE", resource if known is None else known["at"])
    if row is None:
        raise Void("UNKNOWN_RESOURCE")
    if c.person(row["custodian"]) == c.member:
        return True
    if row["accountable"] != c.community:
        return False
    keeper = c.rules.section("contributions").get("keeper")
    speaker = c.rules.section("exchange").get("speaks_for_community")
    if keeper and c.holds(c.member, keeper):
        return True
    return bool(speaker or not keeper) and speaks(c)


def set_terms(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    resource, replaces = data.get("resource"), data.get("replaces")
    check(is_id(resource) and (replaces is None or is_id(replaces)), "SHAPE")
    assert resource is not None
    check(manages(c, resource), "NOT_YOURS")
    accepts: Any = data.get("accepts")
    if accepts == "ask":
        accepts = []
    else:
        check(type(accepts) is list and 1 <= len(accepts) <= 8, "SHAPE")
        check(all(map(is_name, accepts)) and sorted({*accepts}) == accepts, "SHAPE")
        check(all(role in c.rules.roles for role in accepts), "UNKNOWN_ROLE")
    fees = [_fee(c, data.get(key)) for key in ("fee", "late_fee")]
    numbers = [
        data.get(key, usual)
        for key, usual in (
            *(("capacity", 1), ("min_ms", 1), ("max_ms", LONGEST)),
            *(("buffer_ms", 0), ("ahead_ms", 732 * DAY)),
        )
    ]
    bounds = ((1, 100), (1, LONGEST), (1, LONGEST), (0, 7 * DAY), (0, 732 * DAY))
    sound = all(is_count(n, *bound) for n, bound in zip(numbers, bounds, strict=True))
    most, per = data.get("days_max"), data.get("per")
    if most is not None or per is not None:
        is_period = per in ("week", "month") if type(per) is str else is_count(per, 1, 92)
        sound = sound and is_count(most, 1, 92) and is_period
    offset = data.get("utc_offset_minutes", 0)
    check(sound and type(offset) is int and -840 <= offset <= 840, "SHAPE")
    check(numbers[1] <= numbers[2], "SHAPE")
    thing = thing_of(c, resource)
    known = c.state.row("TERMS", thing)
    check(replaces == (None if known is None else known["record"]), "TERMS_REPLACED")
    if known is None:
        c.state.put([resource, 0], "THING", thing)
    row = [record.id, c.member, record.clock, accepts, *numbers, *fees, most, per, offset]
    c.state.put(row, "TERMS", thing)


def _fee(c: Context, said: Any) -> list[Any] | None:
    if said is None:
        return None
    check(type(said) is dict, "SHAPE")
    quantity, per = quantity_of(said.get("quantity")), said.get("per_ms")
    check(quantity is not None and is_count(per, MINUTE, LONGEST), "SHAPE")
    assert quantity is not None
    check(1 <= quantity[0] <= 10**15, "SHAPE")
    check(is_unit(c, quantity[2]), "UNKNOWN_UNIT")
    return [quantity, per]


def block(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    resource, sort, replaces = (data.get(key) for key in ("resource", "sort", "replaces"))
    begin: Any = data.get("begin")
    end: Any = data.get("end")
    check(is_id(resource) and (replaces is None or is_id(replaces)), "SHAPE")
    assert resource is not None
    is_new = type(sort) is str and sort in ("repair", "hint")
    if is_new:
        check(is_count(begin) and (end is None or is_count(end, begin + 1)), "SHAPE")
    else:
        check(sort == "lifted" and replaces is not None, "SHAPE")
    check(manages(c, resource), "NOT_YOURS")
    thing, time = thing_of(c, resource), now(c)
    known = c.state.get("BLOCKS", thing) or []
    check(replaces is None or replaces in [row[0] for row in known], "UNKNOWN_BLOCK")
    kept = [row for row in known if row[0] != replaces and (row[3] is None or row[3] > time)]
    if is_new:
        check(len(kept) < 64, "TOO_MANY_BLOCKS")
        kept.append([record.id, sort, begin, end, c.member, record.clock])
    if kept:
        c.state.put(kept, "BLOCKS", thing)
    else:
        c.state.drop("BLOCKS", thing)


def is_bookable(c: Context, clause: Row) -> bool:
    """Whether a commitment is of a thing with terms, for a time."""
    named = (clause["resource"], clause["begin"], clause["end"])
    if clause["action"] not in ("use", "transferCustody") or None in named:
        return False
    return c.state.get("TERMS", thing_of(c, clause["resource"])) is not None


def _terms(c: Context, clause: Row) -> tuple[bytes, Row]:
    thing = thing_of(c, clause["resource"])
    return thing, c.state.known("TERMS", thing)


def _clash(slots: list[list[Any]], begin: int, end: int, terms: Row) -> Any:
    """Return the booking for which a time has no place, or None."""
    buffer = terms["buffer_ms"]
    starts = {begin, *(slot[0] for slot in slots if begin < slot[0] < end + buffer)}
    for start in sorted(starts):
        used = [slot for slot in slots if slot[0] <= start < slot[1] + buffer]
        if len(used) >= terms["capacity"]:
            return max(used, key=lambda slot: int(slot[3]))[2]
    return None


def ask(c: Context, agreement: bytes, voice: bytes, clauses: list[Pair]) -> None:
    """Check the bookings of a new agreement, and note them."""
    own: dict[bytes, list[list[Any]]] = {}
    for number, (id, clause) in enumerate(clauses):
        if not is_bookable(c, clause):
            continue
        thing, terms = _terms(c, clause)
        begin, end = clause["begin"], clause["end"]
        check(c.person(lender(c, thing)) == c.person(clause["provider"]), "NOT_THE_LENDER")
        check(end - begin >= terms["min_ms"], "TOO_SHORT")
        check(end - begin <= terms["max_ms"], "TOO_LONG")
        check(begin >= sealed(c), "IN_THE_PAST")
        check(begin - now(c) <= terms["ahead_ms"], "TOO_FAR_AHEAD")
        check(_has_days(c, thing, clause, terms), "QUOTA")
        beside = own.setdefault(thing, [])
        check(_clash(beside, begin, end, terms) is None, "TOO_MANY_AT_ONCE")
        beside.append([begin, end, id, number])
        sides = [c.person(clause[side]) for side in ("provider", "receiver")]
        if voice in sides or c.state.get("BOOKING", id) is None:
            _note(c, id, clause, thing, agreement)


def _note(c: Context, id: bytes, clause: Row, thing: bytes, agreement: bytes) -> None:
    if c.state.get("BOOKING", id) is not None:
        c.state.change("BOOKING", id, deal=agreement)
        return
    time = now(c)
    lapses = min(time + 6 * DAY, clause["begin"] + DAY, clause["end"])
    nothing = [None] * 4
    c.state.put([thing, agreement, time, lapses, 0, 0, 0, *nothing], "BOOKING", id)


def consents(c: Context, clauses: list[Row], parties: list[bytes]) -> list[bytes]:
    """Return the parties whose yes the terms of their things give."""
    return [party for party in parties if party != c.member and _says_yes(c, party, clauses)]


def _says_yes(c: Context, party: bytes, clauses: list[Row]) -> bool:
    due: dict[str, int] = {}
    books = False
    for clause in clauses:
        giver, taker = (c.person(clause[side]) for side in ("provider", "receiver"))
        if giver == party:
            if taker != c.member or not is_bookable(c, clause):
                return False
            thing, terms = _terms(c, clause)
            home = c.state.known("RESOURCE", c.state.known("THING", thing)["at"])
            if (
                c.community != home["accountable"]
                and c.person(home["custodian"]) != terms["member"]
            ):
                return False
            if not any(c.holds(c.member, role) for role in terms["accepts"]):
                return False
            books = True
            if terms["fee"] is not None:
                (n, scale, unit), per = terms["fee"]
                units = -(-(clause["end"] - clause["begin"]) // per)
                due[unit] = due.get(unit, 0) + n * units * 10 ** (9 - scale)
        elif taker == party:
            if giver != c.member:
                return False
            if clause["action"] == "transfer":
                n, scale, unit = clause["quantity"]
                due[unit] = due.get(unit, 0) - n * 10 ** (9 - scale)
    return books and all(left <= 0 for left in due.values())


def check_in_time(c: Context, ids: list[bytes]) -> None:
    """Refuse a yes to what has lapsed."""
    rows = [c.state.row("BOOKING", id) for id in ids]
    check(all(row is None or row["lapses_ms"] > now(c) for row in rows), "TOO_LATE")


def take(c: Context, ids: list[bytes], agreement: bytes) -> Any:
    """Take the times of bookings; return what one is lost to, or None."""
    for id in ids:
        clause = c.state.known("COMMITMENT", id)
        if is_bookable(c, clause):
            lost = _take(c, id, clause, agreement)
            if lost is not None:
                return lost
    return None


def _take(c: Context, id: bytes, clause: Row, agreement: bytes) -> Any:
    thing, terms = _terms(c, clause)
    begin, end, buffer = clause["begin"], clause["end"], terms["buffer_ms"]
    check(end - begin <= LONGEST, "TOO_LONG")
    for row in c.state.get("BLOCKS", thing) or []:
        is_on = row[2] < end + buffer and (row[3] is None or row[3] > begin - buffer)
        if row[1] == "repair" and is_on:
            return row[0]
    slots = {slot[2]: slot for _, day in c.state.all("SLOT", thing) for slot in day}
    lost = _clash([*slots.values()], begin, end, terms)
    if lost is not None:
        row = c.state.known("COMMITMENT", lost)
        return row["agreement"]
    days, offset = _days(begin, end, 0), terms["utc_offset_minutes"]
    touched = _days(begin, end + buffer, 0), _days(begin, end, offset)
    check(all(some.stop <= 2**32 for some in touched), "TOO_FAR_AHEAD")
    check(all(len(c.state.get("SLOT", thing, _u32(day)) or []) < 512 for day in days), "DAY_FULL")
    check(_has_days(c, thing, clause, terms), "QUOTA")
    number = c.state.known("THING", thing)["slots"] + 1
    c.state.change("THING", thing, slots=number)
    for day in days:
        others = c.state.get("SLOT", thing, _u32(day)) or []
        slots_of_day = sorted([*others, [begin, end, id, number]])
        c.state.put(slots_of_day, "SLOT", thing, _u32(day))
    _count_days(c, thing, clause, _days(begin, end, offset), 1)
    if c.state.get("BOOKING", id) is None:
        _note(c, id, clause, thing, agreement)
    taken = {"number": number, "until": end, "offset": offset, "late_fee": terms["late_fee"]}
    c.state.change("BOOKING", id, deal=agreement, **taken)
    return None


def _days(begin: int, end: int, offset: int) -> range:
    shift = offset * MINUTE
    return range(max(0, (begin + shift) // DAY), max(0, -(-(end + shift) // DAY)))


def _u32(day: int) -> bytes:
    return day.to_bytes(4, "big")


def _count_days(c: Context, thing: bytes, clause: Row, days: range, more: int) -> None:
    borrowers = c.person(clause["receiver"]), clause["receiver"]
    for day in days:
        counted = [who for who in borrowers if c.state.get("BOOKED_DAY", thing, who, _u32(day))]
        if more < 0 and not counted:
            continue
        borrower = counted[0] if more < 0 else borrowers[0]
        count = (c.state.get("BOOKED_DAY", thing, borrower, _u32(day)) or 0) + more
        if count:
            c.state.put(count, "BOOKED_DAY", thing, borrower, _u32(day))
        else:
            c.state.drop("BOOKED_DAY", thing, borrower, _u32(day))


def _has_days(c: Context, thing: bytes, clause: Row, terms: Row) -> bool:
    """Whether a booking leaves the quota of its member whole."""
    most, per = terms["days_max"], terms["per"]
    if most is None:
        return True
    borrower = c.person(clause["receiver"])
    more = _days(clause["begin"], clause["end"], terms["utc_offset_minutes"])
    if not more:
        return True
    had = {int.from_bytes(key[-4:]) for key, _ in c.state.all("BOOKED_DAY", thing + borrower)}
    booked = {*had, *more}
    if type(per) is int:
        windows = range(more[0] - per + 1, more[-1] + 1)
        return all(len(booked & {*range(at, at + per)}) <= most for at in windows)

    def period(day: int) -> tuple[int, int]:
        on = EPOCH + timedelta(days=day)
        return on.isocalendar()[:2] if per == "week" else (on.year, on.month)

    touched = {period(day) for day in more}
    return all(sum(period(day) == at for day in booked) <= most for at in touched)


def shorten(c: Context, id: bytes, time: int) -> None:
    """End the time of a booking early."""
    row, clause = c.state.known("BOOKING", id), c.state.known("COMMITMENT", id)
    begin, old, thing = clause["begin"], row["until"], row["thing"]
    until = max(begin, min(old, time))
    if until == old:
        return
    for day in _days(begin, old, 0):
        slots = [slot for slot in c.state.get("SLOT", thing, _u32(day)) if slot[2] != id]
        if until > begin and day in _days(begin, until, 0):
            slots.append([begin, until, id, row["number"]])
        if slots:
            c.state.put(sorted(slots), "SLOT", thing, _u32(day))
        else:
            c.state.drop("SLOT", thing, _u32(day))
    kept = len(_days(begin, until, row["offset"])) if until > begin else 0
    _count_days(c, thing, clause, _days(begin, old, row["offset"])[kept:], -1)
    c.state.change("BOOKING", id, until=until)


def may_cancel(c: Context, ids: list[bytes]) -> bool:
    """Whether one party alone may end an agreement of these clauses."""
    rows = [(c.state.row("BOOKING", id), c.state.known("COMMITMENT", id)) for id in ids]
    return bool(rows) and all(
        row is not None and row["out"] is None and now(c) < clause["begin"] for row, clause in rows
    )


def release(c: Context, id: bytes, *, is_forgiven: bool) -> None:
    """Free what is left of the time of a booking whose agreement ended."""
    row = c.state.row("BOOKING", id)
    if row is None or not row["number"]:
        return
    shorten(c, id, now(c))
    if is_forgiven and row["back"] is not None:
        forgive(c, row["back"])


def forgive(c: Context, event: bytes) -> None:
    """End the fee of a late return, if it has one."""
    owed = c.state.row("COMMITMENT", event)
    if owed is not None and owed["status"] == "agreed":
        c.state.change("COMMITMENT", event, status="ended")


def take_over(c: Context, record: Record, deal: Row) -> bool:
    """Let who lends a thing now answer for bookings agreed with another; return whether with no."""
    id, say, mine = record.data["agreement"], record.data["say"], c.member
    if record.data.get("for") is not None:
        check(record.data["for"] == c.community and speaks(c), "NOT_YOURS")
        mine = c.community
    ids = [*deal["stipulates"], *deal["reciprocal"]]
    moved = [one for one in ids if _is_moved_to(c, mine, c.state.known("COMMITMENT", one))]
    check(bool(moved), "NOT_YOURS")
    if say == "no":
        c.state.change("AGREEMENT", id, status="given up", cause=mine)
        return True
    check(say == "yes", "ALREADY_AGREED")
    for one in moved:
        c.state.change("COMMITMENT", one, provider=mine)
    clauses = [c.state.known("COMMITMENT", one) for one in ids]
    people = {c.person(row[side]) for row in clauses for side in ("provider", "receiver")}
    parties = sorted(person for person in people if len(person) == 32)
    c.state.put(["yes", record.id, None], "SIGNED", id, mine)
    c.state.change("AGREEMENT", id, parties=parties, yes=len(parties))
    return False


def _is_moved_to(c: Context, mine: bytes, clause: Row) -> bool:
    if not is_bookable(c, clause):
        return False
    custodian = lender(c, thing_of(c, clause["resource"]))
    was = clause["provider"]
    return custodian != was and c.person(custodian) == mine and c.person(was) != mine
