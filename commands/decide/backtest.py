"""Backtests where people read them: the past replayed, and what a proposal says of it compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from commonweal.client.ledger_view import LedgerView
from commonweal.client.quantity import shown_number, shown_unit
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.output import Column, Form
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import NotYet, UnknownId
from commonweal.protocol.ledger.governance import active_ruleset
from commonweal.protocol.ledger.governance.proposals import ProposalRow
from commonweal.protocol.rules.document import Ruleset, RulesetId

if TYPE_CHECKING:
    from commonweal.protocol.ledger.finality.backtest import Backtest

EQUAL, DIFFERS, UNKNOWN = "equal", "differs", "unknown"


class Comparison(NamedTuple):
    """Whether a proposal's backtest is what this node computes itself.

    result: EQUAL, DIFFERS or UNKNOWN. hash: what was computed here; empty where it cannot be,
    and then `why` says why not.
    """

    result: str
    hash: bytes
    why: str = ""


def replayed(found: LedgerView, ruleset: Ruleset, height: int | None) -> Backtest:
    """Return what other rules would have paid, up to a height. Raises NotYet."""
    from commonweal.protocol.ledger.finality.backtest import backtest
    from commonweal.storage.ledger import inheritance

    kept, documents = found.kept, dict(found.kept.documents)
    start = inheritance.start(found.store, found.community)
    past = kept.past()
    return backtest(found.community, kept.records(), documents, past, ruleset, height, start)


def compared(found: LedgerView, row: ProposalRow) -> Comparison | None:
    """Return whether the backtest of a proposal is right; None where it carries none."""
    from commonweal.protocol.ledger.finality.backtest import backtest_height

    if row.backtest is None:
        return None
    height, here = backtest_height(row.backtest), found.kept.cut.height
    if height > here:
        words = _("it goes to height {height:,}, and this node is at {here:,}")
        return Comparison(UNKNOWN, b"", words.format(height=height, here=here))
    try:
        result = replayed(found, proposed(found, row), height)
    except NotYet:
        words = _("not all that was sealed up to height {height:,} is here yet")
        return Comparison(UNKNOWN, b"", words.format(height=height))
    except UnknownId as error:
        return Comparison(UNKNOWN, b"", str(error))
    return Comparison(EQUAL if result.name == row.backtest else DIFFERS, result.hash)


def proposed(found: LedgerView, row: ProposalRow) -> Ruleset:
    """Return the rules of a proposal. Raises UnknownId when they came to nothing."""
    ruleset = active_ruleset.by_id(found.state, found.kept.documents, RulesetId(row.target))
    if ruleset.id != row.target:
        words = _("the proposal came to nothing, so its rules {id} are not kept")
        raise UnknownId(words.format(id=row.target.hex()[:8]))
    return ruleset


def show(found: LedgerView, result: Backtest, form: Form) -> None:
    """Write who had, and would have had, what."""
    fields = ("who", "name", "unit", "had", "would", "difference")
    rows = []
    for one in (*result.members, *result.roles):
        is_role = isinstance(one.who, str)
        who = one.who if isinstance(one.who, str) else one.who.hex()
        name = _("all as {role}").format(role=who) if is_role else found.name(one.who)  # type: ignore[arg-type]
        had, would, more = (
            shown_number(n, one.scale) for n in (one.had, one.would, one.would - one.had)
        )
        rows.append(
            {"who": who, "name": name, "unit": one.unit, "had": had, "would": would}
            | {"difference": more}
        )
    columns = [
        Column("name", _("member")),
        Column("had", _("had"), is_number=True),
        Column("would", _("would have had"), is_number=True),
        Column("difference", _("difference"), is_number=True),
        Column("unit", _("unit")),
    ]
    if form is Form.TEXT:
        rows = [{**row, "unit": shown_unit(row["unit"], spoken())} for row in rows]
    words = _("replayed up to height {height}: {hash}; nothing is paid by it").format(
        height=result.height, hash=result.hash.hex()[:16]
    )
    more_fields = {"height": result.height, "hash": result.hash.hex()}
    more_fields["ruleset"] = result.ruleset.hex()
    table(form, "members", rows, fields, columns, words, **more_fields)
