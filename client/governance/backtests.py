"""Backtests: the sealed past replayed under other rules, and a proposal's own one compared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.language.quantity import exact
from commonweal.protocol.errors import NotYet, UnknownId
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.governance.proposals import ProposalRow
from commonweal.protocol.rules.document import Ruleset, RulesetId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.protocol.ledger.finality.backtest import Backtest

EQUAL, DIFFERS, UNKNOWN = "equal", "differs", "unknown"


@dataclass(frozen=True, slots=True)
class BacktestCheck:
    """Whether a proposal's backtest is what this node computes itself.

    result: EQUAL, DIFFERS or UNKNOWN. hash: what was computed here; None where it cannot be,
    and then `why` says why not.
    """

    result: str
    hash: bytes | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """What a member, or all who hold a role, had and would have had of a unit.

    who: the id of a member in hex, or the name of a role.
    """

    who: str
    name: str
    unit: str
    had: Decimal
    would: Decimal
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Replay:
    """The past up to a height under other rules. hash: of all of it, equal on every node."""

    height: int
    hash: bytes
    ruleset: RulesetId
    members: tuple[BacktestRow, ...]


def replay(view: LedgerView, ruleset: Ruleset, height: int | None = None) -> Replay:
    """Return who would have had what under other rules. Raises NotYet."""
    result = replayed(view, ruleset, height)
    rows = []
    for row in (*result.members, *result.roles):
        if isinstance(row.who, str):
            who, name = row.who, view.words("all as {role}").format(role=row.who)
        else:
            who, name = row.who.hex(), view.name(row.who)
        amounts = (exact(n, row.scale) for n in (row.had, row.would, row.would - row.had))
        rows.append(BacktestRow(who, name, row.unit, *amounts))
    return Replay(result.height, result.hash, RulesetId(result.ruleset), tuple(rows))


def replayed(view: LedgerView, ruleset: Ruleset, height: int | None) -> Backtest:
    """Return what other rules would have paid, up to a height. Raises NotYet."""
    from commonweal.protocol.ledger.finality.backtest import backtest
    from commonweal.storage.ledger import inheritance

    kept, documents = view.kept, dict(view.kept.documents)
    start = inheritance.start(view.store, view.community)
    past = kept.past()
    return backtest(view.community, kept.records(), documents, past, ruleset, height, start)


def compared(view: LedgerView, row: ProposalRow) -> BacktestCheck | None:
    """Return whether the backtest of a proposal is right; None where it carries none."""
    from commonweal.protocol.ledger.finality.backtest import backtest_height

    if row.backtest is None:
        return None
    height, here = backtest_height(row.backtest), view.kept.cut.height
    if height > here:
        text = view.words("it goes to height {height:,}, and this node is at {here:,}")
        return BacktestCheck(UNKNOWN, None, text.format(height=height, here=here))
    try:
        result = replayed(view, proposed(view, row), height)
    except NotYet:
        text = view.words("not all that was sealed up to height {height:,} is here yet")
        return BacktestCheck(UNKNOWN, None, text.format(height=height))
    except UnknownId as error:
        return BacktestCheck(UNKNOWN, None, str(error))
    return BacktestCheck(EQUAL if result.name == row.backtest else DIFFERS, result.hash)


def proposed(view: LedgerView, row: ProposalRow) -> Ruleset:
    """Return the rules of a proposal. Raises UnknownId when they came to nothing."""
    ruleset = active_ruleset.by_id(view.state, view.kept.documents, RulesetId(row.target))
    if ruleset.id != row.target:
        text = view.words("the proposal came to nothing, so its rules {id} are not kept")
        raise UnknownId(text.format(id=row.target.hex()[:8]))
    return ruleset
