"""Proposals and votes, and what a seal decides: kinds.md and fold.md."""

from __future__ import annotations

from typing import Any

from tests.second_reader import campaigns, projects
from tests.second_reader.ballots import (
    WORDS,
    counted,
    full,
    has_quorum,
    is_satisfied,
    is_vain,
    short,
    sums_of,
)
from tests.second_reader.context import Context, Void, by_id, check, in_force, last_ms, settled
from tests.second_reader.data import declare_void, propose_voiding
from tests.second_reader.members import depart
from tests.second_reader.names import is_count, is_id
from tests.second_reader.project_members import is_in
from tests.second_reader.records import Record
from tests.second_reader.rules import (
    HOUR,
    Ruleset,
    classes,
    portion,
    processes,
    put_to_vote,
    reached,
)
from tests.second_reader.values import unpack

Row = dict[str, Any]


def propose(c: Context, record: Record) -> None:
    data, body = record.data, record.body
    check(c.writer_may(), "NO_VOTE_YET")
    count = c.state.get("OF_MEMBER", c.member) or 0
    check(count < 4, "TOO_MANY_PROPOSALS")
    check(body is None or record.is_permanent, "ERASABLE_TEXT")
    subject = data.get("subject")
    if body is not None and subject != "rules":
        text = c.documents[body[0]]
        try:
            text.decode()
        except UnicodeDecodeError:
            raise Void("SHAPE") from None
        check(1 <= len(text) <= 61_440, "SHAPE")
    now = in_force(c.state, c.documents)
    row: Row = {"subject": subject, "member": c.member, "clock": record.clock, "base": now.id}
    row |= {"target": b"", "kind": "ordinary", "status": "draft", "sunset_hours": 0}
    row |= {"backtest": None, "opened_ms": 0, "deadline_ms": 0, "electorate": 0, "early": False}
    row |= {**dict.fromkeys(WORDS, 0), "until_ms": 0, "height": 0, "is_voted": False}
    row["ballots"] = []
    match subject:
        case "rules":
            row |= _of_rules(c, record, now)
        case "removal":
            check(is_id(data.get("member")), "SHAPE")
            check(c.is_active(data["member"]), "UNKNOWN_MEMBER")
            row |= {"target": data["member"], "kind": "membership"}
        case "fork":
            row["target"] = _of_fork(c, record)
        case "consent":
            row["target"] = propose_voiding(c, record)
        case "project":
            row["target"] = projects.to_close(c, record)
        case "campaign":
            row["target"] = campaigns.propose(c, record)
        case "decision" if body is not None:
            is_lazy = now.lazy.get("decisions") and data.get("vote") is not True
            row["kind"] = "lazy" if is_lazy else "ordinary"
        case _:
            raise Void("SHAPE")
    c.state.put_row(row, "PROPOSAL", record.id)
    c.state.put(True, "OPEN", record.id)
    c.state.put(count + 1, "OF_MEMBER", c.member)


def _of_rules(c: Context, record: Record, now: Ruleset) -> Row:
    data, body = record.data, record.body
    sunset, backtest = data.get("sunset", 0), data.get("backtest")
    is_sound = is_count(sunset, 0, 878_400) and (backtest is None or is_id(backtest, 40))
    if not is_sound or body is None:
        raise Void("SHAPE")
    check(data.get("base") == now.id, "OTHER_BASE")
    check(data.get("form") in ("whole", "patch"), "SHAPE")
    document = unpack(c.documents[body[0]])
    new = Ruleset(document) if data["form"] == "whole" else now.patched(document)
    check(new.id != now.id, "NOTHING_NEW")
    silently = data.get("vote") is not True
    kind = classes([now, *_coming_back(c)], new, silently)[0]
    c.state.put(new.bytes, "DOCUMENT", new.id)
    row = {"target": new.id, "kind": kind, "sunset_hours": sunset, "backtest": backtest}
    return {**row, "is_voted": data.get("vote") is True}


def _coming_back(c: Context) -> list[Ruleset]:
    row = c.state.row("STANDING")
    is_limited = row is not None and row["until_ms"]
    return [by_id(c.state, c.documents, row["before"])] if row and is_limited else []


def _of_fork(c: Context, record: Record) -> bytes:
    data = record.data
    device, seq, pair, keep = (data.get(key) for key in ("device", "seq", "pair", "keep"))
    if not (is_id(device) and is_count(seq) and type(pair) is list and is_id(keep)):
        raise Void("SHAPE")
    is_pair = len(pair) == 2 and all(map(is_id, pair)) and pair[0] < pair[1] and keep in pair
    check(is_pair, "SHAPE")
    assert device is not None and keep is not None
    check(record.cites(keep), "NOT_CITED")
    check(c.state.get("FROZEN", device) == seq, "NO_FORK")
    c.state.put([device, seq], "DECIDED_FORK", record.id)
    return bytes(keep)


def _proposal(c: Context, record: Record, is_sound: bool = True) -> tuple[bytes, Row]:
    id: Any = record.data.get("proposal")
    check(is_id(id) and is_sound, "SHAPE")
    row = c.state.row("PROPOSAL", id)
    if row is None:
        raise Void("UNKNOWN_PROPOSAL")
    return id, row


def comment(c: Context, record: Record) -> None:
    id, _ = _proposal(c, record, record.body is not None)
    c.state.put([c.member, record.clock], "COMMENT", id, record.id)


def vote(c: Context, record: Record) -> None:
    say = record.data.get("say")
    id, row = _proposal(c, record, say in (*WORDS, "indifferent"))
    check(row["status"] in ("draft", "open"), "VOTE_CLOSED")
    check(c.writer_may(), "NO_VOTE_YET")
    is_elector = row["status"] == "draft" or c.state.get("ELECTOR", id, c.member) is not None
    is_target = row["subject"] == "removal" and row["target"] == c.member
    check(is_elector and not is_target, "NO_VOTE")
    rules = in_force(c.state, c.documents)
    may = any(rules.process(name)["indifferent"] for name in rules.classes)
    if row["status"] == "open":
        may = any(full(ballot)[13] for ballot in row["ballots"])
    check(may or say != "indifferent", "NO_INDIFFERENT")
    before = c.state.row("VOTE", id, c.member)
    check(before is None or before["say"] != say, "NOTHING_NEW")
    c.state.put([say, record.id, record.clock], "VOTE", id, c.member)


def withdraw(c: Context, record: Record) -> None:
    id, row = _proposal(c, record)
    check(row["member"] == c.member, "NOT_YOURS")
    check(row["status"] in ("draft", "open"), "VOTE_CLOSED")
    row["status"] = "withdrawn"
    _end(c, id, row)
    _forget(c, [row])


def _end(c: Context, id: bytes, row: Row) -> None:
    c.state.put_row(row, "PROPOSAL", id)
    c.state.drop("OPEN", id)
    _release(c, row)
    _forget_electors(c, id)


def _release(c: Context, row: Row) -> None:
    left = (c.state.get("OF_MEMBER", row["member"]) or 1) - 1
    if left:
        c.state.put(left, "OF_MEMBER", row["member"])
    else:
        c.state.drop("OF_MEMBER", row["member"])


def _forget_electors(c: Context, id: bytes) -> None:
    for key, _ in c.state.all("ELECTOR", id):
        c.state.drop("ELECTOR", key)


def _forget(c: Context, ended: list[Row]) -> None:
    needed = [value[0] for _, value in c.state.all("ADOPTED")]
    needed += [c.state.known("PROPOSAL", id)["target"] for id, _ in c.state.all("OPEN")]
    for row in ended:
        if row["subject"] == "rules" and row["target"] not in needed:
            c.state.drop("DOCUMENT", row["target"])


class Decision:
    """What one seal decides."""

    def __init__(self, c: Context, clock: int) -> None:
        self.c, self.clock = c, clock
        self.settled = settled(c.state, c.time)
        self.rules = in_force(c.state, c.documents)
        self.active = [key for key, _ in c.state.all("MEMBER") if c.is_active(key)]
        self.able = [member for member in self.active if c.may(member, self.settled)]
        self.ended: list[Row] = []

    def run(self) -> None:
        c = self.c
        assert c.time > last_ms(c.state) or c.height == 1, "the way back is left out"
        self._sunset()
        rows = [(id, c.state.known("PROPOSAL", id)) for id, _ in c.state.all("OPEN")]
        self.trials = [id for id, row in rows if row["status"] == "trial"]
        for id, row in sorted(rows, key=lambda row: (row[1]["clock"], row[0])):
            self._step(id, row)
        for id, _ in c.state.all("OPEN"):
            row = c.state.known("PROPOSAL", id)
            if self._is_stale(id, row):
                self._drop(id, row)
        _forget(c, self.ended)

    def _sunset(self) -> None:
        c, standing = self.c, self.c.state.row("STANDING")
        if standing is None or not standing["until_ms"] or self.settled < standing["until_ms"]:
            return
        c.state.change("PROPOSAL", standing["proposal"], status="sunset")
        wanted, now = standing["before"], None
        for key, value in reversed(c.state.all("ADOPTED")):
            row = c.state.row("PROPOSAL", key[8:])
            if value[0] != wanted or row is None or row["target"] != wanted or not row["until_ms"]:
                continue
            if row["until_ms"] > c.time:
                c.state.change("PROPOSAL", key[8:], status="in force")
                now = [wanted, key[8:], c.height, c.time, row["until_ms"], row["base"]]
                break
            wanted = row["base"]
        c.state.put(now or [wanted, b"", c.height, c.time, 0, wanted], "STANDING")
        at = c.height.to_bytes(8, "big")
        c.state.put([wanted, c.time], "ADOPTED", at, standing["proposal"])
        self.rules = in_force(c.state, c.documents)

    def _is_stale(self, id: bytes, row: Row) -> bool:
        is_rival = any(other != id for other in self.trials)
        if row["subject"] == "project":
            return bool(self.c.state.known("PROJECT", row["target"])["status"] != "open")
        return row["subject"] == "rules" and (row["base"] != self.rules.id or is_rival)

    def _drop(self, id: bytes, row: Row) -> None:
        was_trial = row["status"] == "trial"
        row |= {"status": "stale", "height": self.c.height}
        if was_trial:
            self.c.state.put_row(row, "PROPOSAL", id)
            self.c.state.drop("OPEN", id)
            _forget_electors(self.c, id)
            self.trials.remove(id)
        else:
            _end(self.c, id, row)
        self.ended.append(row)

    def _step(self, id: bytes, row: Row) -> None:
        if self._is_stale(id, row):
            self._drop(id, row)
        elif row["status"] == "trial":
            if self.settled >= row["until_ms"]:
                self._adopt(id, row)
        else:
            if row["status"] == "draft":
                self._open(id, row)
            self._count(id, row)

    def _processes(self, row: Row) -> list[Row]:
        """Return the processes whose strictest parts are asked."""
        rules = self.rules
        match row["subject"]:
            case "rules":
                new = by_id(self.c.state, self.c.documents, row["target"])
                return processes([rules, *_coming_back(self.c)], new, not row["is_voted"])
            case "decision" if rules.lazy.get("decisions"):
                lazy = rules.process("lazy")
                is_silent = row["kind"] == "lazy"
                return [lazy] if is_silent else [rules.process("ordinary"), put_to_vote(lazy)]
        if row["subject"] == "project":
            return [projects.process(rules)]
        return [rules.process("ordinary" if row["subject"] == "decision" else row["kind"])]

    def _open(self, id: bytes, row: Row) -> None:
        c, asked = self.c, self._processes(row)
        numbers: dict[bytes, list[int]] = {}
        for number, role in enumerate(dict.fromkeys(process["voters"] for process in asked)):
            some = [process for process in asked if process["voters"] == role]
            electors = self._electors(role, row)
            for member in electors:
                numbers.setdefault(member, []).append(number)
            count = len(electors)
            least = {"removal": 2, "fork": min(2, count)}.get(row["subject"], 0)
            is_silent = all(process["silent"] for process in some)
            asks = [] if is_silent else [process["threshold"] for process in some]
            floor = 0 if is_silent else max(process["min_yes"] for process in some)
            needed = max([least, min(floor, count), *(reached(text, count) for text in asks)])
            quorums = [process["quorum"] for process in some if portion(process["quorum"])[0]]
            quorum = max((reached(text, count) for text in quorums), default=0)
            stops = [
                min((process[key] for process in some if process[key]), default=0)
                for key in ("blocks", "objections")
            ]
            more: list[Any] = [all(process["early_failure"] for process in asked), 0, [], 0]
            if not is_silent and all(process["indifferent"] for process in some):
                parts = sorted({portion(text) for text in asks})
                more[1:3] = [max(least, min(floor, count)), [[*part] for part in parts]]
            ballot = [role, count, needed, quorum, *stops, count, 0, 0, 0, 0, *more]
            row["ballots"].append(short(ballot))
        for member, listed in numbers.items():
            c.state.put(listed, "ELECTOR", id, member)
        period = max(process["period_hours"] for process in asked) * HOUR
        row |= {"status": "open", "opened_ms": c.time, "deadline_ms": c.time + period}
        row |= {"electorate": len(numbers), "early": all(process["early"] for process in asked)}

    def _electors(self, role: str, row: Row) -> list[bytes]:
        c = self.c
        if row["subject"] == "project":
            return [one for one in self.able if is_in(c, row["target"], one)]
        holders = [elector for elector in self.able if role and c.holds(elector, role)] or self.able
        if row["subject"] != "removal":
            return holders
        before = []
        for elector in self.able:
            member = c.state.known("MEMBER", elector)
            was = member["since"] < row["clock"] and member["powers_ms"] < max(1, c.time)
            before += [elector] if was and elector != row["target"] else []
        others = [elector for elector in holders if elector in before]
        return others if len(others) >= 2 else before

    def _count(self, id: bytes, row: Row) -> None:
        c = self.c
        said: list[tuple[str, list[int]]] = []
        for member, value in c.state.all("VOTE", id):
            numbers = c.state.get("ELECTOR", id, member[32:])
            if member[32:] in self.active and numbers is not None:
                said.append((value[0], numbers))
        ballots = []
        for number, ballot in enumerate(row["ballots"]):
            own = [word for word, numbers in said if number in numbers]
            present = ballot[6]
            if any(b[4] or b[5] or full(b)[11] for b in row["ballots"]):
                electors = c.state.all("ELECTOR", id)
                present = sum(number in n and m[32:] in self.active for m, n in electors)
            ballots.append(counted([*full(ballot)[:6], present, *full(ballot)[7:]], own))
        sums = sums_of([word for word, _ in said])
        row |= {"ballots": ballots, **dict(zip(WORDS, sums, strict=True))}
        is_over = self.settled >= row["deadline_ms"]
        if all(map(is_satisfied, ballots)) and (is_over or row["early"]):
            row["height"] = c.height
            self._pass(id, row)
        elif not is_over and not any(map(is_vain, ballots)):
            c.state.put_row(row, "PROPOSAL", id)
        else:
            status = "failed" if not is_over or all(map(has_quorum, ballots)) else "expired"
            row |= {"status": status, "height": c.height}
            _end(c, id, row)
            self.ended.append(row)

    def _pass(self, id: bytes, row: Row) -> None:
        c = self.c
        if row["subject"] == "rules":
            trial = max(process["trial_hours"] for process in self._processes(row)) * HOUR
            if trial:
                row |= {"status": "trial", "until_ms": c.time + trial}
                c.state.put_row(row, "PROPOSAL", id)
                _release(c, row)
                self.trials.append(id)
                return
        row["status"] = "passed"
        _end(c, id, row)
        match row["subject"]:
            case "rules":
                self._adopt(id, row)
            case "fork":
                device, seq = c.state.get("DECIDED_FORK", id)
                if c.state.get("FROZEN", device) == seq:
                    c.state.put([seq, row["target"]], "KEPT", device)
                    c.state.put(seq + 1, "FROZEN", device)
            case "project":
                projects.close(c, self.rules, row["target"], "vote", row["opened_ms"])
            case "consent":
                declare_void(c, row["target"], id)
            case "campaign":
                campaigns.decide(c, id, row["target"])
            case "removal" if c.is_active(row["target"]):
                depart(c, row["target"], "removed", self.clock)
                c.state.drop("VALUED_BY")

    def _adopt(self, id: bytes, row: Row) -> None:
        c, standing = self.c, self.c.state.row("STANDING")
        if standing is not None and c.state.get("PROPOSAL", standing["proposal"]) is not None:
            c.state.change("PROPOSAL", standing["proposal"], status="superseded")
        until = c.time + row["sunset_hours"] * HOUR if row["sunset_hours"] else 0
        c.state.put([row["target"], id, c.height, c.time, until, row["base"]], "STANDING")
        c.state.put([row["target"], c.time], "ADOPTED", c.height.to_bytes(8, "big"), id)
        c.state.put_row({**row, "status": "in force", "until_ms": until}, "PROPOSAL", id)
        c.state.drop("OPEN", id)
        _forget_electors(c, id)
        self.rules = in_force(c.state, c.documents)
