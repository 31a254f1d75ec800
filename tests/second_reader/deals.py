"""Commitments, agreements, and what events fulfil: kinds.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import lending, reviews, set_off
from tests.second_reader.context import Context, Void, check
from tests.second_reader.names import is_count, is_id
from tests.second_reader.plans import is_ids
from tests.second_reader.promises import PROMISED, give, met
from tests.second_reader.records import Record
from tests.second_reader.state import Row
from tests.second_reader.things import added
from tests.second_reader.wishes import (
    close,
    flow,
    forget,
    less,
    limit,
    move,
    note,
    now,
    speaks,
    taken_off,
)

SIDES = ("provider", "receiver")
PLACE = ("plan", "input_of", "output_of", "factor")
CONCLUDED = ("agreed", "ended", "given up")


def _people(c: Context, row: Row) -> list[bytes]:
    return [c.person(row[side]) for side in SIDES]


def _is_outside(agent: bytes) -> bool:
    return len(agent) == 16


def commit(c: Context, record: Record) -> None:
    row, data = flow(c, record), record.data
    check(None not in (row["provider"], row["receiver"]), "ONE_SIDE")
    people = _people(c, row)
    check(people[0] != people[1], "SAME_SIDE")
    satisfies = data.get("satisfies", [])
    check(is_ids(satisfies, 0, 2), "SHAPE")
    row |= {"given": [0, *row["quantity"][1:]], "satisfies": satisfies}
    row |= {"status": "asked", "agreement": None}
    wishes = [c.state.row("INTENT", id) for id in satisfies]
    check(None not in wishes, "UNKNOWN_PLAN")
    known = [wish for wish in wishes if wish is not None]
    for wish in known:
        _satisfy(c, row, wish)
    if len(known) == 2:
        pairs = (known, known[::-1])
        is_pair = any(a["provider"] is not None and b["receiver"] is not None for a, b in pairs)
        check(is_pair, "DOES_NOT_FIT")
    is_clause = data.get("clause", False)
    check(type(is_clause) is bool, "SHAPE")
    check(not all(map(_is_outside, people)), "NOT_YOURS")
    replaced: Any = data.get("replaces")
    if replaced is not None:
        _replace(c, replaced)
    c.state.put_row(row, "COMMITMENT", record.id)
    if not is_clause and _by_itself(c, people):
        check(all(_is_open(c, id) for id in satisfies), "NOT_OPEN")
        _promise(c, record.id, None)


def _satisfy(c: Context, row: Row, wish: Row) -> None:
    """Check that a commitment fits an intent, and take what it has from it."""
    is_same = wish["action"] == row["action"] and wish["quantity"][2] == row["quantity"][2]
    check(is_same, "DOES_NOT_FIT")
    for side in SIDES:
        wanted = wish[side]
        check(wanted is None or c.person(wanted) == c.person(row[side]), "DOES_NOT_FIT")
    for name in ("spec", "resource"):
        check(None in (wish[name], row[name]) or wish[name] == row[name], "DOES_NOT_FIT")
    is_enough = wish["minimum"] is None or not less(row["quantity"], wish["minimum"])
    check(is_enough, "UNDER_MINIMUM")
    check(not less(limit(wish), row["quantity"]), "INTENT_TAKEN")
    for name in ("spec", "resource"):
        row[name] = wish[name] if row[name] is None else row[name]
    if wish["plan"] is not None and row["plan"] is None:
        check("ended" not in c.state.known("PLAN", wish["plan"]), "PLAN_ENDED")
        row |= {name: wish[name] for name in PLACE}


def _replace(c: Context, replaced: Any) -> None:
    check(is_id(replaced), "SHAPE")
    row = c.state.row("COMMITMENT", replaced)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    check(row["member"] == c.member, "NOT_YOURS")
    check(row["status"] != "ended", "NOT_OPEN")
    check(row["agreement"] is None and row["given"][0] == 0, "ALREADY_AGREED")
    is_to_a_member = row["status"] == "agreed" and row["receiver"] != c.community
    is_of_the_fold = c.state.row("EVENT", replaced) or c.state.get("PLEDGE_PAYMENT", replaced)
    check(not is_to_a_member and not is_of_the_fold, "ALREADY_AGREED")
    _release(c, replaced)


def _by_itself(c: Context, people: list[bytes]) -> bool:
    """Whether a commitment that is no clause is in force without an agreement."""
    if people == [c.member, c.community]:
        return True
    inside = [person for person in people if not _is_outside(person)]
    if len(inside) == 2:
        return False
    return inside == [c.member] or (inside == [c.community] and speaks(c))


def _is_open(c: Context, intent: bytes) -> bool:
    row = c.state.known("INTENT", intent)
    if row["status"] != "open" or (row["end"] is not None and row["end"] <= now(c)):
        return False
    return row["plan"] is None or "ended" not in c.state.known("PLAN", row["plan"])


def _promise(c: Context, id: bytes, agreement: bytes | None) -> None:
    row = c.state.known("COMMITMENT", id)
    for intent in row["satisfies"]:
        move(c, intent, row["quantity"], None, agreement or id)
    status = "said" if any(map(_is_outside, _people(c, row))) else "agreed"
    c.state.change("COMMITMENT", id, status=status, agreement=agreement)
    if row["plan"] is not None:
        c.state.put("commitment", "OF_PLAN", row["plan"], id)


def _release(c: Context, id: bytes) -> None:
    row = c.state.known("COMMITMENT", id)
    n, *rest = taken_off(row["quantity"], met(row))
    for intent in row["satisfies"] if row["status"] in PROMISED else ():
        move(c, intent, [-n, *rest], None)
    c.state.change("COMMITMENT", id, status="ended")


def _voice(c: Context, parties: list[bytes], data: dict[str, Any]) -> bytes:
    named: Any = data.get("for")
    if named is None:
        check(c.member in parties, "NOT_YOURS")
        return c.member
    check(is_id(named), "SHAPE")
    is_party = named == c.community and named in parties
    check(is_party and c.member not in parties and speaks(c), "NOT_YOURS")
    return bytes(named)


def _deal(c: Context, id: Any) -> Row:
    row = c.state.row("AGREEMENT", id)
    if row is None:
        raise Void("UNKNOWN_PLAN")
    return row


def agree(c: Context, record: Record) -> None:
    data: dict[str, Any] = record.data
    given, back = data.get("stipulates", []), data.get("stipulatesReciprocal", [])
    parts = set_off.read(c, data["setsOff"]) if "setsOff" in data else []
    check(is_ids(given, 0 if parts else 1) and is_ids(back, 0), "SHAPE")
    check(not {*given} & {*back}, "SHAPE")
    answer_by = data.get("answerBy")
    check(answer_by is None or is_count(answer_by), "SHAPE")
    clauses: list[Row] = []
    for id in [*given, *back]:
        clause = c.state.row("COMMITMENT", id)
        if clause is None:
            raise Void("UNKNOWN_PLAN")
        check(clause["status"] not in PROMISED, "ALREADY_AGREED")
        check(clause["status"] == "asked", "NOT_OPEN")
        clauses.append(clause)
    for intent, amount in _together(clauses).items():
        check(not less(limit(c.state.known("INTENT", intent)), amount), "INTENT_TAKEN")
    owed = [c.state.known("COMMITMENT", part[0]) for part in parts]
    people = {person for clause in [*clauses, *owed] for person in _people(c, clause)}
    parties = sorted(person for person in people if not _is_outside(person))
    check(all(party == c.community or c.is_active(party) for party in parties), "PARTY_LEFT")
    voice = _voice(c, parties, data)
    lending.ask(c, record.id, voice, [*zip([*given, *back], clauses, strict=True)])
    if data.get("counters") is not None:
        _counter(c, record)
    note(c, record.id, "agreement")
    for party in parties:
        c.state.put(True, "OPEN_DEAL", party, record.id)
    yes = {voice, *lending.consents(c, clauses, parties)}
    for party in yes:
        c.state.put(["yes", record.id, None], "SIGNED", record.id, party)
    row = [c.member, record.clock, given, back, parties, 0, answer_by, data.get("counters")]
    c.state.put([*row, parts, "asked", None], "AGREEMENT", record.id)
    _count_yes(c, record.id, len(yes))


def _together(clauses: list[Row]) -> dict[bytes, list[Any]]:
    """Return by intent how much clauses take of it."""
    sums: dict[bytes, list[Any]] = {}
    for clause in clauses:
        n, scale, unit = clause["quantity"]
        for intent in clause["satisfies"]:
            sums[intent] = added(sums.get(intent, [0, scale, unit]), n, scale)
    return sums


def _counter(c: Context, record: Record) -> None:
    countered: Any = record.data["counters"]
    check(is_id(countered), "SHAPE")
    row = _deal(c, countered)
    _voice(c, row["parties"], record.data)
    check(row["status"] not in CONCLUDED, "ALREADY_AGREED")
    check(row["status"] == "asked", "NOT_OPEN")
    conclude(c, countered, "countered", record.id)


def conclude(c: Context, id: bytes, status: str, cause: bytes | None) -> None:
    """Write what an agreement came to."""
    c.state.change("AGREEMENT", id, status=status, cause=cause)
    row = c.state.known("AGREEMENT", id)
    for party in row["parties"]:
        c.state.drop("OPEN_DEAL", party, id)
    forget(c, row["member"], id)


def _count_yes(c: Context, id: bytes, more: int) -> None:
    row = c.state.known("AGREEMENT", id)
    ids = [*row["stipulates"], *row["reciprocal"]]
    check(row["answer_by"] is None or now(c) <= row["answer_by"], "TOO_LATE")
    lending.check_in_time(c, ids)
    c.state.change("AGREEMENT", id, yes=row["yes"] + more)
    if row["yes"] + more == len(row["parties"]):
        status, cause = _comes_to(c, ids)
        if status == "agreed":
            mark = c.state.mark()
            for clause in ids:
                _promise(c, clause, id)
            lost = lending.take(c, ids, id)
            if lost is not None:
                status, cause = "lost", lost
                c.state.rollback(mark)
            elif not set_off.holds(c, row["sets_off"]):
                status, cause = "void", row["sets_off"][0][0]
                c.state.rollback(mark)
            for owed, *amount in row["sets_off"] if status == "agreed" else ():
                give(c, owed, amount)
                reviews.note(c, owed)
        conclude(c, id, status, cause)


def _comes_to(c: Context, ids: list[bytes]) -> tuple[str, bytes | None]:
    clauses = [c.state.known("COMMITMENT", id) for id in ids]
    for id, clause in zip(ids, clauses, strict=True):
        if clause["agreement"] is not None:
            return "lost", clause["agreement"]
        if clause["status"] != "asked":
            return "void", id
    for clause in clauses:
        for intent in clause["satisfies"]:
            if not _is_open(c, intent):
                return "void", intent
    for intent, amount in _together(clauses).items():
        wish = c.state.known("INTENT", intent)
        if less(taken_off(limit(wish), wish["taken"]), amount):
            return "lost", wish["by"]
    return "agreed", None


def sign(c: Context, record: Record) -> None:
    id: Any = record.data.get("agreement")
    say = record.data.get("say")
    check(is_id(id) and say in ("yes", "no", "withdraw"), "SHAPE")
    row = _deal(c, id)
    try:
        voice = _voice(c, row["parties"], record.data)
    except Void:
        if row["status"] != "agreed":
            raise
        if lending.take_over(c, record, row):
            _release_all(c, row, is_forgiven=True)
        return
    check(row["status"] not in CONCLUDED, "ALREADY_AGREED")
    check(row["status"] == "asked", "NOT_OPEN")
    said_yes = c.state.get("SIGNED", id, voice) is not None
    check(say != "withdraw" or said_yes, "NO_YES")
    check(say != "yes" or not said_yes, "NOTHING_NEW")
    c.state.put([say, record.id, None], "SIGNED", id, voice)
    if say == "yes":
        _count_yes(c, id, 1)
    else:
        conclude(c, id, "declined" if say == "no" else "withdrawn", voice)


def end(c: Context, record: Record) -> None:
    id: Any = record.data.get("agreement")
    why = record.data.get("why")
    check(is_id(id) and why in ("done", "given up"), "SHAPE")
    row = _deal(c, id)
    voice = _voice(c, row["parties"], record.data)
    check(row["status"] != "asked", "NOT_AGREED")
    check(row["status"] == "agreed", "NOT_OPEN")
    signed = c.state.row("SIGNED", id, voice)
    before = None if signed is None else signed["ended"]
    if signed is None:
        c.state.put(["yes", record.id, why], "SIGNED", id, voice)
    else:
        c.state.change("SIGNED", id, voice, ended=why)
    words = {party: c.state.row("SIGNED", id, party) for party in row["parties"]}
    said = {party: None if word is None else word["ended"] for party, word in words.items()}
    waits = any(
        word is None and (party == c.community or c.is_active(party))
        for party, word in said.items()
    )
    if waits and not lending.may_cancel(c, row["stipulates"]):
        check(before is None, "NOTHING_NEW")
        return
    status = "given up" if "given up" in said.values() else "ended"
    _release_all(c, row, is_forgiven=status == "given up")
    c.state.change("AGREEMENT", id, status=status)
    reviews.note_deal(c, id)


def _release_all(c: Context, deal: Row, *, is_forgiven: bool) -> None:
    for clause in [*deal["stipulates"], *deal["reciprocal"]]:
        _release(c, clause)
        lending.release(c, clause, is_forgiven=is_forgiven)


def comment(c: Context, record: Record) -> None:
    id: Any = record.data.get("agreement")
    check(is_id(id) and record.body is not None, "SHAPE")
    row = _deal(c, id)
    _voice(c, row["parties"], record.data)
    check(len(c.state.all("DEAL_COMMENT", id)) < 200, "TOO_MANY_COMMENTS")
    c.state.put([c.member, record.clock], "DEAL_COMMENT", id, record.id)


def depart(c: Context, member: bytes) -> None:
    """Decline and withdraw what is open of a member whose membership ends."""
    for key, _ in c.state.all("OPEN_DEAL", member):
        conclude(c, key[32:], "declined", member)
    for key, sort in c.state.all("OPEN_OF", member):
        if sort != "agreement":
            close(c, "INTENT" if sort == "intent" else "PLAN_OFFER", key[32:], "withdrawn", member)
