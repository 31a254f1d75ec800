"""What a record is judged in, and what judging needs everywhere: fold.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.second_reader.records import Record
from tests.second_reader.rules import HOUR, Ruleset
from tests.second_reader.state import State
from tests.second_reader.values import unpack

DAY = 24 * HOUR


class Void(Exception):
    """The record counts for nothing; the argument is the reason, as kinds.md names it."""


def check(is_good: object, reason: str) -> None:
    """Raise `Void` for the reason unless something holds."""
    if not is_good:
        raise Void(reason)


@dataclass
class Context:
    """Where a record is judged: the state, the rules, the member, the seal that covers it."""

    state: State
    community: bytes
    height: int
    time: int
    prev: bytes
    before_ms: int
    rules: Ruleset
    documents: dict[bytes, bytes]
    records: dict[bytes, Record]
    present: list[bytes] = field(default_factory=list)
    member: bytes = b""

    def is_active(self, member: bytes) -> bool:
        """Whether somebody is a member now."""
        row = self.state.row("MEMBER", member)
        return row is not None and row["status"] == "active"

    def may(self, member: bytes, time: int) -> bool:
        """Whether a member has the powers of one at a time."""
        row = self.state.row("MEMBER", member)
        return row is not None and row["status"] == "active" and row["powers_ms"] <= time

    def writer_may(self) -> bool:
        """Whether the author's member has them at the place of the record."""
        return self.may(self.member, settled(self.state, self.time))

    def holds(self, member: bytes, role: str) -> bool:
        """Whether a member holds a role."""
        row = self.state.row("ROLE", member, role.encode())
        return row is not None and row["held"] and self.is_active(member)

    def person(self, agent: bytes) -> bytes:
        """Return the member who claimed an agent, or the agent."""
        found: bytes = self.state.get("CLAIMED", agent) or agent
        return found

    def is_known(self, agent: Any) -> bool:
        """Whether an agent can give or receive."""
        if type(agent) is not bytes:
            return False
        row = self.state.row("MEMBER", agent)
        return (
            len(agent) == 16
            or agent == self.community
            or (row is not None and row["status"] != "new")
        )


def jump_of(state: State) -> tuple[int, int]:
    """Return the last jump."""
    sure, since = state.get("JUMP") or (0, 0)
    return sure, since


def in_doubt(jump: tuple[int, int], time: int) -> bool:
    """Whether a time is in doubt."""
    return bool(jump[1]) and time < jump[1] + HOUR


def last_ms(state: State) -> int:
    """Return the time of the last cut."""
    row = state.row("LAST_CUT")
    return row["time_ms"] if row else 0


def next_jump(state: State, time: int) -> tuple[int, int]:
    """Return what the jump is after a seal at a time."""
    known, last = jump_of(state), last_ms(state)
    if time <= last:
        return (known[0], time) if time - known[0] > 2 * DAY else (0, 0)
    if not last or time - last <= 2 * DAY:
        return known
    return (known[0] if in_doubt(known, last) else last, time)


def settled(state: State, time: int) -> int:
    """Return the settled time of a cut."""
    jump = next_jump(state, time)
    return jump[0] if in_doubt(jump, time) else time


def founding_rules(state: State, documents: dict[bytes, bytes]) -> Ruleset | None:
    """Return the founding document, if the founding record is in the state."""
    row = state.row("FOUNDING")
    return None if row is None else Ruleset(unpack(documents[row["document"]]))


def by_id(state: State, documents: dict[bytes, bytes], ruleset: bytes) -> Ruleset:
    """Return a ruleset by its id, or the founding one."""
    data = state.get("DOCUMENT", ruleset)
    if data is not None:
        return Ruleset(unpack(data))
    founding = founding_rules(state, documents)
    assert founding is not None
    return founding


def in_force(state: State, documents: dict[bytes, bytes]) -> Ruleset:
    """Return the ruleset in force."""
    row = state.row("STANDING")
    return by_id(state, documents, row["ruleset"] if row else b"")
