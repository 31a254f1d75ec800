"""What members name when they write: agents, resources, specifications and processes.

Each by the beginning of its id, or by its name where one thing alone has it. Nothing is guessed:
a name that several have is refused with their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from commonweal.client.ledger.names.directory import NoMemberNow, begins
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.keys import short
from commonweal.protocol.ledger.members import agents, membership
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.quantities import UNIT
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import displayed_name, skeleton

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.state.state import State

COMMUNITY = ("community", "社群")
"""How the community itself is named; a member who is called so is named by their id."""

Preference: TypeAlias = Callable[[ResourceRow], bool]
"""Whether a resource is one of those that are meant."""

RESOURCE_NAMES, PROCESS_NAMES = b"r", b"p"
"""Whose names: of specifications of resources, or of processes."""


def find_agent(view: LedgerView, text: str) -> bytes:
    """Return the member, the agent outside or the community that `text` names.

    Raises UnknownId, AmbiguousId, or NoMemberNow when only one who is gone has the name.
    """
    plain = displayed_name(text)
    if plain.lower() in COMMUNITY or text == view.community.hex():
        return bytes(view.community)
    try:
        member = view.member(text)
    except UnknownId:
        return find_outside(view, text)
    status = {known.id: known.status for known in membership.members(view.state)}
    if status[member] != "active" and view.name(member) == plain:
        raise NoMemberNow(f"{text} (?{short(member)})")
    return bytes(member)


def find_outside(view: LedgerView, text: str) -> bytes:
    """Return the agent outside with this name, or whose id begins so.

    Raises UnknownId, AmbiguousId.
    """
    known = [key[len(agents.AGENT_NAME) :] for key, _ in view.state.items(agents.AGENT_NAME)]
    named = [agent for agent in known if outside_name(view, agent) == displayed_name(text)]
    if named:
        return begins((), text, named)
    rows = view.kept.layers.rows(
        "SELECT id FROM agent WHERE length(id) = ?", (agents.OUTSIDE_BYTES,)
    )
    agents_of_events: list[bytes] = [agent for (agent,) in rows]
    return begins(dict.fromkeys([*known, *agents_of_events]), text)


def outside_name(view: LedgerView, agent: bytes) -> str | None:
    """Return the name that a member gave an agent outside; None without, or where it is erased."""
    named = view.state.get(agents.AGENT_NAME + agent)
    text = None if named is None else text_of(view.store, RecordId(named[1]))
    return None if text is None else displayed_name(text) or None


def spec_named(view: LedgerView, name: str, sort: bytes = RESOURCE_NAMES) -> RecordId | None:
    """Return the specification of exactly this name; None when there is none."""
    plain = displayed_name(name)
    id = view.state.get(units_and_specs.SPEC_LOOK + sort + skeleton(plain).encode())
    if id is None:
        return None
    table = units_and_specs.SPEC if sort == RESOURCE_NAMES else units_and_specs.PROCESS_SPEC
    return RecordId(id) if view.state.get(table + id)[0] == plain else None


def find_spec(view: LedgerView, text: str, sort: bytes = RESOURCE_NAMES) -> RecordId:
    """Return the specification of this name or id. Raises UnknownId, AmbiguousId."""
    table = units_and_specs.SPEC if sort == RESOURCE_NAMES else units_and_specs.PROCESS_SPEC
    named = spec_named(view, text, sort)
    return begins(_ids(view, table), text, [] if named is None else [named])


def find_resource(view: LedgerView, text: str, *preferences: Preference) -> RecordId:
    """Return the resource whose id begins so, or the one whose specification has this name.

    preferences: of several of that name those are meant for which each is true, if it is for any;
    then those of which there is something. Raises UnknownId, AmbiguousId.
    """
    spec = spec_named(view, text)
    named: list[tuple[RecordId, ResourceRow]] = []
    if spec is not None:
        rows = [(key, ResourceRow(*value)) for key, value in view.state.items(RESOURCE)]
        named = [(RecordId(key[1:]), row) for key, row in rows if row.spec == spec]
        for is_meant in (*preferences, _is_there):
            named = [(id, row) for id, row in named if is_meant(row)] or named
    return begins(_ids(view, RESOURCE), text, [id for id, _ in named])


def owned_by(agent: bytes) -> tuple[Preference, ...]:
    """Return the preference for what is an agent's or with them, and of that for both."""
    return (
        lambda row: agent in (row.accountable, row.custodian),
        lambda row: agent == row.accountable == row.custodian,
    )


def _is_there(row: ResourceRow) -> bool:
    return bool(row.accounting or row.onhand)


def find_process(view: LedgerView, text: str) -> RecordId:
    """Return the process whose id begins so, or the one with this scope or specification.

    One that goes on is meant before one that has ended. Raises UnknownId, AmbiguousId.
    """
    spec = spec_named(view, text, PROCESS_NAMES)
    named = [
        (RecordId(key[1:]), row.ended is None)
        for key, value in view.state.items(units_and_specs.PROCESS)
        for row in (units_and_specs.ProcessRow(*value),)
        if row.scope == displayed_name(text) or (spec is not None and row.spec == spec)
    ]
    open_ones = [id for id, is_open in named if is_open]
    fitting = open_ones or [id for id, _ in named]
    return begins(_ids(view, units_and_specs.PROCESS), text, fitting)


def units_defined(state: State) -> list[str]:
    """Return the units that records defined, beside those of the rules."""
    return [key[len(UNIT) :].decode() for key, _ in state.items(UNIT)]


def units_named(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the units that the data of a record names, alone or in a quantity."""
    from commonweal.protocol.ledger.fold.references import QUANTITIES, UNITS

    for field in (*UNITS, *QUANTITIES):
        value = data.get(field)
        unit = value.get("unit") if isinstance(value, Mapping) else value
        if isinstance(unit, str):
            yield unit


def _ids(view: LedgerView, table: bytes) -> Iterable[RecordId]:
    return (RecordId(key[1:]) for key, _ in view.state.items(table))
