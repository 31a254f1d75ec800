"""What rules mean for this member: an example of each, from their own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess
from commonweal.client.language.quantity import exact, shown_action, shown_unit
from commonweal.protocol.ledger.members import membership, roles
from commonweal.storage.ledger.views.column_amounts import halves, whole

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

NAMES_MAX = 5
"""Names in one example; of more only the number is said."""


class RuleExamples(HomeAccess):
    """The rules in force, worked out for this member."""

    def rule_examples(self) -> dict[str, str]:
        """Return a sentence for each rule of which this member has an example, by its place."""
        view = self.view
        examples: dict[str, str] = {}
        for sentences in (_values(view), _pools(view), _roles(view), _votes(view)):
            examples.update(sentences)
        return examples


def _values(view: LedgerView) -> Iterator[tuple[str, str]]:
    """Yield what this member's contributions are worth, by action."""
    words = view.words
    rows = view.kept.layers.rows(
        "SELECT action, coalesce(effort_unit, unit), coalesce(effort_scale, quantity_scale),"  # noqa: S608
        f" {halves('coalesce(effort_n, quantity_n)')}, {halves('points')} FROM event_row"
        " WHERE provider = ? AND points NOTNULL GROUP BY 1, 2, 3",
        (view.me,),
    )
    sums: dict[tuple[str, str], tuple[Fraction, int]] = {}
    for action, unit, scale, *n_and_points in rows:
        n, points = whole(*n_and_points[:2]), whole(*n_and_points[2:])
        amount, worth = sums.get((action, unit or ""), (Fraction(0), 0))
        part = Fraction(n, 10 ** (scale or 0))
        sums[action, unit or ""] = (amount + part, worth + points)
    said: dict[str, list[str]] = {}
    for (action, unit), (amount, points) in sorted(sums.items()):
        what = f"{_number(amount)} {shown_unit(unit, words)}"
        text = words("{what} = {points} points").format(what=what, points=f"{points:,}")
        said.setdefault(action, []).append(text)
    for action, parts in said.items():
        text = words("Yours so far: {parts}").format(parts="; ".join(parts))
        yield f"value.{action}", text
    for action in view.kept.ruleset.values:
        if action not in said:
            text = words("You have given nothing by “{action}” that counts yet.")
            yield f"value.{action}", text.format(action=shown_action(action, words))


def _pools(view: LedgerView) -> Iterator[tuple[str, str]]:
    """Yield what this member got of each pool and of each part of it."""
    rows = view.kept.layers.rows(
        f"SELECT pool, bucket, unit, scale, {halves('amount')} FROM payout_row"  # noqa: S608
        " WHERE member = ? GROUP BY 1, 2, 3, 4",
        (view.me,),
    )
    got: dict[str, dict[str, Fraction]] = {}
    for pool, bucket, unit, scale, *sums in rows:
        amount = whole(*sums)
        for place in (f"pools.{pool}", f"pools.{pool}.buckets.{bucket}"):
            units = got.setdefault(place, {})
            units[unit] = units.get(unit, Fraction(0)) + Fraction(amount, 10**scale)
    for place, units in got.items():
        parts = ", ".join(
            f"{_money(n)} {shown_unit(unit, view.words)}" for unit, n in sorted(units.items())
        )
        yield place, view.words("You had {amount} of it so far.").format(amount=parts)


def _roles(view: LedgerView) -> Iterator[tuple[str, str]]:
    """Yield who holds each role."""
    words = view.words
    active = [row.id for row in membership.members(view.state) if row.status == "active"]
    for role in view.kept.rules.roles:
        holders = [member for member in active if roles.holds(view.state, member, role)]
        if view.me in holders:
            others = len(holders) - 1
            text = words.plural("You and {n} other hold it.", "You and {n} others hold it.", others)
            text = text if others else words("You hold it.")
            yield f"roles.{role}", text.format(n=others)
        elif 0 < len(holders) <= NAMES_MAX:
            names = words(", ").join(sorted(map(view.name, holders)))
            yield f"roles.{role}", words("Held by {names}.").format(names=names)
        elif holders:
            held = words("{n} members hold it.").format(n=len(holders))
            yield f"roles.{role}", held
        else:
            yield f"roles.{role}", words("Nobody holds it yet.")


def _votes(view: LedgerView) -> Iterator[tuple[str, str]]:
    """Yield how many of the members of today each kind of vote takes."""
    words = view.words
    members = [row.id for row in membership.members(view.state) if row.status == "active"]
    for name, process in view.kept.ruleset.processes.items():
        ballot = process.ballots[0]
        voters = [
            member
            for member in members
            if not ballot.voters or roles.holds(view.state, member, ballot.voters)
        ]
        if not voters:
            continue
        needed = ballot.needed(len(voters))
        if needed:
            text = words("Today: {needed} of {electorate} must say yes.")
        else:
            text = words("Today: it passes unless one of {electorate} objects.")
        yield f"governance.{name}", text.format(needed=needed, electorate=len(voters))


def _number(amount: Fraction) -> str:
    text = f"{Decimal(amount.numerator) / Decimal(amount.denominator):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(amount: Fraction) -> str:
    scale = 0
    while (amount * 10**scale).denominator != 1 and scale < 18:
        scale += 1
    scale = max(scale, 2) if scale else 0
    return f"{exact(int(amount * 10**scale), scale):,f}"
