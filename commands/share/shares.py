"""`weal balance`, `shares` and `explain`: what each has, what each was paid, and why.

What is paid follows from the cuts alone, so it is final and the same on every node. What a
seal of all that is held would pay now is shown only on request, and said to be provisional.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.event_words import event_fields, event_words, resource_fields
from commonweal.client.ledger_view import LedgerView
from commonweal.client.quantity import shown_action, shown_number, shown_unit
from commonweal.client.visible_text import visible
from commonweal.commands.terminal.language import _, ngettext, spoken
from commonweal.commands.terminal.ledger import folded
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.commands.terminal.tables import table
from commonweal.protocol.errors import UnknownId
from commonweal.protocol.ledger.state.state import State
from commonweal.protocol.ledger.things.event_row import EVENT, event_row
from commonweal.protocol.ledger.things.resources import RESOURCE, ResourceRow
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.protocol.ledger.claims.pools import Payout
    from commonweal.protocol.ledger.contributions.consent import CorrectionRow

SHARE_FIELDS = ("member", "member_name", "unit", "amount", "lines")
LINE_FIELDS = (
    *("line", "height", "pool", "bucket", "sort", "member", "member_name", "amount", "unit"),
    *("of", "weight", "weights", "commissions", "source", "income", "inputs", "ruleset"),
    "corrects",
)
INPUTS_SHOWN_MAX = 10


@click.command("balance")
@click.argument("member", required=False)
@home_option
@form_option()
def balance(member: str | None, home: Home, form: Form) -> None:
    """Show what MEMBER (else you) has a share of, has, and gave."""
    from commonweal.protocol.ledger.claims import pools

    with folded(home) as found:
        whom = found.member(member) if member else found.me
        paid = [
            {"what": "paid", "name": None, "unit": unit, "amount": shown_number(n, scale)}
            for (who, unit, scale), n in pools.shares(found.final).items()
            if who == whom
        ]
        owed = _owed(found, whom)
        has: list[dict[str, Any]] = []
        for key, value in found.state.items(RESOURCE):
            row = ResourceRow(*value)
            if row.accountable == whom:
                fields = resource_fields(found, key[1:], row)
                has.append({"what": "has", "amount": fields["accounting"], **fields})
        gave = _given(found, whom)
        name, height = found.name(whom), found.kept.cut.height
    if form is Form.JSON:
        for one in (*paid, *owed, *has, *gave):
            del one["what"]
        value = {"member": whom.hex(), "member_name": name, "height": height}
        value |= {"paid": paid, "open": owed, "resources": has, "given": gave}
        return write_json(value)
    rows = [*paid, *owed, *has, *gave]
    if form is Form.CSV:
        return write_csv(("what", "name", "amount", "unit"), rows)
    words = {"paid": _("share (final)"), "has": _("has"), "gave": _("gave")}
    words["open"] = _("of that not settled")
    shown = [
        {**row, "what": words[row["what"]], "unit": shown_unit(row["unit"], spoken())}
        for row in rows
    ]
    say(visible(name))
    if shown:
        columns = [Column("what", ""), Column("name", ""), Column("amount", "", is_number=True)]
        write_table([*columns, Column("unit", "")], shown)
    say()
    return say(
        _("A share is final, and owed until settled; the rest is provisional: not sealed yet.")
    )


def _owed(found: LedgerView, whom: bytes) -> list[dict[str, Any]]:
    """Return what is open of a member's claims, by unit; payments count that are not sealed."""
    from commonweal.protocol.ledger.claims.claims import claims

    sums: dict[tuple[str, int], int] = {}
    for one in claims(found.state, member=whom):
        key = (one.row.pool.unit, one.row.pool.scale)
        sums[key] = sums.get(key, 0) + one.open
    return [
        {"what": "open", "name": None, "unit": unit, "amount": shown_number(n, scale)}
        for (unit, scale), n in sorted(sums.items())
        if n
    ]


def _given(found: LedgerView, whom: bytes) -> list[dict[str, Any]]:
    """Return the sums of what a member gave, by action and unit; all that counts, and sealed."""
    from fractions import Fraction

    sums: dict[tuple[str, str], list[Fraction]] = {}
    scales: dict[tuple[str, str], int] = {}
    rows = found.kept.layers.rows(
        "SELECT action, coalesce(effort_n, quantity_n), coalesce(effort_scale, quantity_scale),"
        " coalesce(effort_unit, unit), height FROM event_row"
        " WHERE provider = ? AND coalesce(effort_n, quantity_n) NOTNULL",
        (whom,),
    )
    for action, n, scale, unit, height in rows:
        key = (action, unit)
        both = sums.setdefault(key, [Fraction(0), Fraction(0)])
        both[0] += Fraction(n, 10**scale)
        both[1] += Fraction(n, 10**scale) if height is not None else 0
        scales[key] = max(scale, scales.get(key, 0))
    return [
        {
            "what": "gave",
            "name": shown_action(action, spoken()),
            "action": action,
            "unit": unit,
            "amount": shown_number(int(both[0] * 10 ** scales[action, unit]), scales[action, unit]),
            "sealed": shown_number(int(both[1] * 10 ** scales[action, unit]), scales[action, unit]),
        }
        for (action, unit), both in sorted(sums.items())
    ]


@click.command("shares")
@click.option("--lines", is_flag=True, help="Every line, in place of the sums.")
@click.option("--height", type=click.IntRange(1), metavar="H", help="What this height gave.")
@click.option("--if-sealed", is_flag=True, help="What each would get if all were sealed now.")
@home_option
@form_option()
def shares(lines: bool, height: int | None, if_sealed: bool, home: Home, form: Form) -> None:
    """Show each share by the rules, and the pools; `weal claims` says what of it was paid."""
    from commonweal.protocol.ledger.claims import pools as kept

    with folded(home) as found:
        state, top = found.final, found.kept.cut.height
        if if_sealed:
            from commonweal.commands.share.seal import sealed_now

            state, top = sealed_now(found)
        paid = list(_paid(state, height))
        rows = [_line(found, one, name) for name, one in paid]
        sums = _sums(found, (one for _name, one in paid))
        pools = [
            {
                "pool": pool.name,
                "unit": pool.unit,
                "amount": shown_number(row.carried, pool.scale),
                "error": row.error,
            }
            for pool, row in sorted(kept.pools(state).items())
        ]
        ruleset = found.kept.ruleset.id.hex()
    standing = _("final at height {height}").format(height=top) if top else ""
    if if_sealed or not standing:
        standing = _("provisional: not sealed yet")
    more = {"height": top, "pools": pools, "ruleset": ruleset, "provisional": if_sealed}
    columns = [Column("member_name", _("member")), Column("amount", _("share"), is_number=True)]
    columns.append(Column("unit", _("unit")))
    nothing = _("Nothing was shared out yet.") if height is None else ""
    if lines:
        columns = [Column("line", _("line")), *columns, Column("bucket", _("for"))]
        return table(form, "lines", rows, LINE_FIELDS, columns, standing, nothing, **more)
    if form is Form.TEXT:
        for pool in pools:
            words = _("in the pool {pool}: {amount} {unit}")
            words = words.format(**{**pool, "unit": shown_unit(pool["unit"], spoken())})
            standing = f"{words}\n{standing}"
    return table(form, "shares", sums, SHARE_FIELDS, columns, standing, nothing, **more)


def _sums(found: LedgerView, paid: Iterable[Payout]) -> list[dict[str, Any]]:
    sums: dict[tuple[bytes, str, int], list[int]] = {}
    for one in paid:
        both = sums.setdefault((one.line.member, one.unit, one.scale), [0, 0])
        both[0] += one.line.amount
        both[1] += 1
    order = sorted(sums.items(), key=lambda one: (one[0][1:], -one[1][0], one[0][0]))
    return [
        {
            "member": member.hex(),
            "member_name": found.name(member),
            "unit": unit,
            "amount": shown_number(n, scale),
            "lines": count,
        }
        for (member, unit, scale), (n, count) in order
    ]


def _paid(state: State, height: int | None = None) -> Iterable[tuple[str, Payout]]:
    """Yield every line that was paid with its name, in the order of payment."""
    from commonweal.protocol.ledger.claims.pools import lines, payout_name

    for place, one in lines(state, b"" if height is None else height.to_bytes(8)):
        yield payout_name(place), one


def _line(found: LedgerView, one: Payout, name: str) -> dict[str, Any]:
    """Return a line as json says it; amounts in its unit."""
    line = one.line
    return {
        "line": name,
        "height": one.height,
        "pool": one.pool,
        "bucket": line.bucket,
        "sort": line.sort,
        "member": line.member.hex(),
        "member_name": found.name(line.member),
        "amount": shown_number(line.amount, one.scale),
        "unit": one.unit,
        "of": shown_number(line.of, one.scale),
        "weight": line.weight,
        "weights": line.weights,
        "commissions": shown_number(line.commissions, one.scale),
        "source": line.source.hex() or None,
        "income": line.income.hex() or None,
        "inputs": [one.hex() for one in line.inputs],
        "ruleset": one.ruleset.hex(),
        "corrects": line.corrects or None,
    }


@click.command("explain")
@click.argument("id")
@home_option
@form_option(Form.TEXT, Form.JSON)
def explain(id: str, home: Home, form: Form) -> None:
    """Explain a line of `weal shares --lines`, a claim, or what a contribution brought."""
    with folded(home) as found:
        line = next(((name, one) for name, one in _paid(found.final) if name == id), None)
        row, words = _of_line(found, *line) if line else _of_id(found, id)
    if form is Form.JSON:
        return write_json(row)
    for sentence in words:
        say(sentence)
    return None


def _of_line(found: LedgerView, name: str, one: Payout) -> tuple[dict[str, Any], list[str]]:
    row = {**_line(found, one, name), "rule": _rule(found, one), "inputs_in_all": one.inputs}
    unit = shown_unit(one.unit, spoken())
    line = one.line
    what = _("{name} has a share of {amount} {unit} at height {height}, from the pool {pool}.")
    if line.corrects:
        what = _(
            "{name}: {amount} {unit} at height {height}, from the pool {pool}, since an income"
            " that was split at height {corrects} was corrected."
        )
    words = [
        what.format(
            name=visible(found.name(line.member)),
            **{**row, "unit": unit, "pool": visible(one.pool)},
        ),
        _("By the rule {bucket}: {rule}").format(
            bucket=visible(line.bucket), rule=visible(str(row["rule"])) or "-"
        ),
        _("{weight:,} of {weights:,} of {of} {unit}").format(**{**row, "unit": unit}),
    ]
    if line.commissions:
        words.append(_("less {commissions} {unit} of commissions").format(**{**row, "unit": unit}))
    if line.source:
        words.append(_("a commission on what {name} got").format(name=found.name(line.source)))
    if line.corrects:
        words.append(
            _("the income: {event}").format(event=visible(event_words(found, line.income)))
        )
    elif line.income:
        words.append(_("earned by: {event}").format(event=event_words(found, line.income)))
    if one.inputs:
        of = ngettext("for {n} contribution:", "for {n} contributions:", one.inputs)
        words.append(of.format(n=f"{one.inputs:,}"))
    words += [f"  {id.hex()[:8]}  {_event(found, id)}" for id in line.inputs[:INPUTS_SHOWN_MAX]]
    if one.inputs > INPUTS_SHOWN_MAX:
        words.append("  ...")
    words.append(_("final at height {height}").format(height=one.height))
    return row, words


def _event(found: LedgerView, id: bytes) -> str:
    from commonweal.protocol.ledger.sharing.valuation import value_of

    worth = value_of(found.final, id)
    points = "" if worth is None else _(" = {points:,} points").format(points=worth.points)
    return visible(event_words(found, id)) + points


def _rule(found: LedgerView, one: Payout) -> str:
    """Return the plain sentence of the rule that paid a line."""
    from commonweal.protocol.ledger.governance import active_ruleset
    from commonweal.protocol.rules.document import RulesetId

    ruleset = active_ruleset.by_id(found.final, found.kept.documents, RulesetId(one.ruleset))
    pool = ruleset.document.get("pools", {}).get(one.pool, {})
    language = "zh" if spoken().is_chinese else "en"
    for bucket in pool.get("buckets", ()):
        if bucket["name"] == one.line.bucket:
            return str(bucket.get(language, ""))
    return str(pool.get(language, ""))


def _of_id(found: LedgerView, text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the story of the claim whose id begins so; else of the contribution."""
    from commonweal.commands.share.claims import story
    from commonweal.protocol.ledger.claims.claims import CLAIM

    try:
        claim = found.id_among(text, CLAIM)
    except UnknownId:
        return _of_event(found, text)
    return story(found, claim)


def _of_event(found: LedgerView, text: str) -> tuple[dict[str, Any], list[str]]:
    from commonweal.commands.share.claims import pays
    from commonweal.protocol.ledger.contributions import attestation, commons, consent
    from commonweal.protocol.ledger.sharing import valuation

    try:
        id = found.id_among(text, EVENT)
    except UnknownId:
        record = found.held(text)
        reason = found.kept.verdict(record)
        said = found.reason_words(record, reason)
        return {"id": record.id.hex(), "reason": reason and reason.value}, [said]
    row = event_row(found.state, id)
    assert row is not None, "it was found"
    rules, ruleset = found.kept.rules, found.kept.ruleset
    yes, no = attestation.attesters(found.state, id)
    needed = commons.attestations(found.state, id, rules)
    waiting = [(one, row) for one, row in consent.open_corrections(found.state) if row.event == id]
    worth, booked = valuation.value_of(found.final, id), valuation.booked_at(found.final, id)
    lines = [(name, one) for name, one in _paid(found.final) if id in one.line.inputs]
    language = "zh" if spoken().is_chinese else "en"
    rule = str(ruleset.document.get("value", {}).get(row.action, {}).get(language, ""))
    value = {
        **event_fields(found, id, row),
        "height": booked and booked[0],
        "attested": attestation.is_attested(found.state, id, rules),
        "attestations_needed": needed,
        "waiting": [one.hex() for one, _row in waiting],
        "points": worth and worth.points,
        "reason": worth.reason if worth else None,
        "rule": rule,
        "lines": [_line(found, one, name) for name, one in lines],
    }
    words = [
        visible(event_words(found, id)),
        _("{yes} say yes, {no} say no; the rules ask for {needed}").format(
            yes=yes, no=no, needed=needed
        ),
    ]
    words += _waiting_words(found, id, waiting)
    if row.disputes:
        words.append(_("disputed by {n}: worth nothing until they withdraw").format(n=row.disputes))
    if booked is None:
        words.append(_("provisional: not sealed yet"))
    elif worth is None:
        words.append(_("sealed at height {height}, and without a value").format(height=booked[0]))
    else:
        words.append(
            _("worth {points:,} points since height {height}").format(
                points=worth.points, height=worth.height
            )
        )
        words += [visible(one) for one in (worth.reason, rule) if one]
    paid, more = pays(found, id)
    value["settles"] = paid
    words += more
    words += [
        _("in the line {line}: {amount} {unit} to {name}").format(
            line=name,
            amount=shown_number(one.line.amount, one.scale),
            unit=shown_unit(one.unit, spoken()),
            name=visible(found.name(one.line.member)),
        )
        for name, one in lines
    ]
    return value, words


def _waiting_words(
    found: LedgerView, id: bytes, waiting: Iterable[tuple[bytes, CorrectionRow]]
) -> list[str]:
    """Return what of a contribution has no effect yet, in sentences."""
    from commonweal.commands.contribute.attest import correction_words
    from commonweal.protocol.ledger.contributions import commons

    words = []
    if not commons.is_moved(found.state, id):
        words.append(_("no resource shows it until enough others attest it"))
    for one, correction in waiting:
        names = ", ".join(found.name(member) for member in correction.asked)
        more = _("{id}: {what}, waits for the yes of {names}")
        more = more.format(id=one.hex()[:8], what=correction_words(found, correction), names=names)
        words.append(visible(more))
    return words
