"""Backtests: the sealed past replayed under other rules, and a proposal's own one compared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from commonweal.client.language.quantity import exact
from commonweal.protocol.errors import NotYet, UnknownId
from commonweal.protocol.ledger.finality.backtest import HEIGHT_BYTES, backtest_height
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

    @property
    def name(self) -> bytes:
        """What a proposal names this replay by."""
        return self.height.to_bytes(HEIGHT_BYTES) + self.hash


def replay(view: LedgerView, ruleset: Ruleset, height: int | None = None, since: int = 0) -> Replay:
    """Return who would have had what under other rules, after the height `since`. Raises NotYet."""
    return shown_replay(view, replayed(view, ruleset, height, since))


def shown_replay(view: LedgerView, result: Backtest) -> Replay:
    """Return a backtest as members read it."""
    rows = []
    for row in (*result.members, *result.roles):
        if isinstance(row.who, str):
            who, name = row.who, view.words("all as {role}").format(role=row.who)
        else:
            who, name = row.who.hex(), view.name(row.who)
        amounts = (exact(n, row.scale) for n in (row.had, row.would, row.would - row.had))
        rows.append(BacktestRow(who, name, row.unit, *amounts))
    return Replay(result.height, result.hash, RulesetId(result.ruleset), tuple(rows))


def replayed(view: LedgerView, ruleset: Ruleset, height: int | None, since: int = 0) -> Backtest:
    """Return what other rules would have paid, up to a height. Raises NotYet."""
    from commonweal.protocol.ledger.finality.backtest import backtest
    from commonweal.storage.ledger import inheritance

    kept, documents = view.kept, dict(view.kept.documents)
    start = inheritance.start(view.store, view.community)
    past = kept.past()
    return backtest(view.community, kept.records(), documents, past, ruleset, height, start, since)


def compared(view: LedgerView, row: ProposalRow) -> BacktestCheck | None:
    """Return whether the backtest of a proposal is right; None where it carries none."""
    return None if row.backtest is None else checked(view, row)[0]


def checked(
    view: LedgerView, row: ProposalRow, since: int = 0
) -> tuple[BacktestCheck | None, Replay | None]:
    """Return whether the backtest of a proposal is right, and what was computed here.

    The first is None where it carries none; then all that is sealed is replayed. The second is None
    where nothing can be computed; without a backtest that raises NotYet or UnknownId.
    """
    if row.backtest is None:
        return None, replay(view, proposed(view, row), None, since)
    height, here = backtest_height(row.backtest), view.kept.cut.height
    if height > here:
        text = view.words("it goes to height {height:,}, and this node is at {here:,}")
        return BacktestCheck(UNKNOWN, None, text.format(height=height, here=here)), None
    try:
        result = replayed(view, proposed(view, row), height, since)
    except NotYet:
        text = view.words("not all that was sealed up to height {height:,} is here yet")
        return BacktestCheck(UNKNOWN, None, text.format(height=height)), None
    except UnknownId as error:
        return BacktestCheck(UNKNOWN, None, str(error)), None
    is_equal = result.name == row.backtest
    check = BacktestCheck(EQUAL if is_equal else DIFFERS, result.hash)
    return check, shown_replay(view, result)


def proposed(view: LedgerView, row: ProposalRow) -> Ruleset:
    """Return the rules of a proposal. Raises UnknownId when they came to nothing."""
    ruleset = active_ruleset.by_id(view.state, view.kept.documents, RulesetId(row.target))
    if ruleset.id != row.target:
        text = view.words("the proposal came to nothing, so its rules {id} are not kept")
        raise UnknownId(text.format(id=row.target.hex()[:8]))
    return ruleset
