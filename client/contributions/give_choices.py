"""What a member may choose from when they write down what they gave, and what they gave last.

From the rules in force, from what the ledger has, and from what this member wrote before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from commonweal.client.contributions.contributions import Contributions
from commonweal.client.contributions.withdrawals import is_withdrawn
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.ledger.names.named import outside_name, units_defined
from commonweal.client.ledger.rows.contribution_rows import event_words, spec_name
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.ledger.members import agents, membership
from commonweal.protocol.ledger.things import units_and_specs
from commonweal.protocol.ledger.things.event_row import event_row
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.actions import ACTIONS

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

LAST_GIVEN_MAX = 5
NAMES_MAX = 100
"""Names of one sort that are offered."""
LOOKED_AT_MAX = 2_000
"""Contributions that are looked at for what they are for, and in which units; the latest."""
OWN_LOOKED_AT_MAX = 100
"""Contributions of this member that are looked at for the last different ones."""


@dataclass(frozen=True, slots=True)
class GivenBefore:
    """What this member gave before, to be given again.

    forecast: what the rules would make of it now; None where it would count for nothing, or where
    this device cannot write.
    """

    id: RecordId
    action: str
    quantity: Decimal
    unit: str
    scope: str | None
    factor: str | None
    note: str | None
    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class GiveChoices:
    """What a member may choose from, what they use most likely first.

    valued: actions to which the rules in force give points; other_actions: the rest. units, scopes,
    agents, resources, processes, specs: names, at most NAMES_MAX each. factors: those of the rules.
    last: the last different things that this member gave, the latest first.
    """

    valued: tuple[str, ...]
    other_actions: tuple[str, ...]
    units: tuple[str, ...]
    scopes: tuple[str, ...]
    factors: tuple[str, ...]
    agents: tuple[str, ...]
    resources: tuple[str, ...]
    processes: tuple[str, ...]
    specs: tuple[str, ...]
    last: tuple[GivenBefore, ...]


@dataclass(frozen=True, slots=True)
class OwnContribution:
    """A contribution that this member wrote down, as it stands now."""

    id: RecordId
    words: str
    forecast: Forecast
    is_withdrawn: bool


class Giving(Contributions):
    """Writing down what one gave, with as little to type as can be."""

    def give_choices(self) -> GiveChoices:
        """Return what to choose from, by the rules in force and by what was written before."""
        view = self.view
        ruleset, own = view.kept.ruleset, list(_own_rows(view))
        used = [row[1] for row in own]
        valued = [action for action in _ranked(used, ruleset.values) if action in ruleset.values]
        units, scopes = _used_words(view)
        of_work = ("hour",) if valued[:1] == ["work"] else ()
        return GiveChoices(
            valued=tuple(valued),
            other_actions=tuple(action for action in ACTIONS if action not in valued),
            units=_first([*units, *of_work, *ruleset.units, *units_defined(view.state)]),
            scopes=_first(scopes),
            factors=ruleset.factors,
            agents=_first(_agent_names(view)),
            resources=_first(_resource_names(view)),
            processes=_first(_process_names(view)),
            specs=_first(_spec_names(view)),
            last=tuple(self._last_given(own)),
        )

    def own_contribution(self, id: bytes) -> OwnContribution | None:
        """Return a contribution that this member wrote down; None if it is none, or another's."""
        view = self.view
        row, made = event_row(view.state, id), self.forecast(id)
        if row is None or made is None or row.member != view.me:
            return None
        words = event_words(view, id)
        return OwnContribution(RecordId(id), words, made, is_withdrawn(view.state, id, row))

    def _last_given(self, own: Iterable[tuple[Any, ...]]) -> Iterator[GivenBefore]:
        seen: set[tuple[Any, ...]] = set()
        for id, action, n, scale, unit, scope, factor in own:
            note = text_of(self.view.store, RecordId(id))
            given = (action, exact(n, scale).normalize(), unit, scope, factor, note)
            if given in seen or action not in self.view.kept.ruleset.values:
                continue
            seen.add(given)
            amount = exact(n, scale)
            more = {"scope": scope, "factor": factor, "note": note}
            try:
                worth = self.preview_record(action, amount, unit, **more).forecast
            except CommonwealError:
                worth = None
            yield GivenBefore(RecordId(id), action, amount, unit, scope, factor, note, worth)
            if len(seen) == LAST_GIVEN_MAX:
                return


def _own_rows(view: LedgerView) -> Iterator[tuple[Any, ...]]:
    """Yield what this member gave, alone and of no resource or process, the latest first."""
    yield from view.kept.layers.rows(
        "SELECT id, action, coalesce(quantity_n, effort_n), coalesce(quantity_scale, effort_scale),"
        " coalesce(unit, effort_unit), scope, factor FROM event_row"
        " WHERE provider = ? AND member = provider AND receiver IS NULL AND resource IS NULL"
        " AND to_resource IS NULL AND input_of IS NULL AND output_of IS NULL"
        " AND (quantity_n IS NULL OR effort_n IS NULL) AND coalesce(quantity_n, effort_n) > 0"
        " ORDER BY when_start DESC, clock DESC LIMIT ?",
        (view.me, OWN_LOOKED_AT_MAX),
    )


def _used_words(view: LedgerView) -> tuple[list[str], list[str]]:
    """Return units and scopes of the latest contributions, those of this member first."""
    rows = view.kept.layers.rows(
        "SELECT provider, coalesce(unit, effort_unit), scope FROM event_row"
        " ORDER BY when_start DESC LIMIT ?",
        (LOOKED_AT_MAX,),
    )
    ordered = sorted(rows, key=lambda row: row[0] != view.me)
    units = [unit for _, unit, _ in ordered if unit]
    return units, [scope for *_, scope in ordered if scope]


def _ranked(used: Iterable[str], known: Collection[str]) -> list[str]:
    """Return what is known: the most often used first, then work, then the others."""
    counts: dict[str, int] = {}
    for name in used:
        counts[name] = counts.get(name, 0) + 1
    order = [name for name in ("work", *ACTIONS) if name in known]
    return sorted(dict.fromkeys(order), key=lambda name: -counts.get(name, 0))


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:NAMES_MAX]


def _agent_names(view: LedgerView) -> Iterator[str]:
    for member in membership.members(view.state):
        if member.status == "active" and member.id != view.me:
            yield view.name(member.id)
    yield view.name(view.community)
    for key, _ in view.state.items(agents.AGENT_NAME):
        name = outside_name(view, key[len(agents.AGENT_NAME) :])
        if name:
            yield name


def _resource_names(view: LedgerView) -> Iterator[str]:
    for _, value in view.state.items(RESOURCE):
        if name := spec_name(view, ResourceRow(*value).spec):
            yield name


def _process_names(view: LedgerView) -> Iterator[str]:
    for _, value in view.state.items(units_and_specs.PROCESS):
        row = units_and_specs.ProcessRow(*value)
        name = spec_name(view, row.spec) or row.scope
        if name and row.ended is None:
            yield name


def _spec_names(view: LedgerView) -> Iterator[str]:
    for _, value in view.state.items(units_and_specs.SPEC):
        yield str(value[0])
