"""What `weal deal` prints: a deal in full, and what became of what one said."""

from __future__ import annotations

from collections.abc import Mapping

from commonweal.client.contributions.record_states import RecordState, Safety
from commonweal.client.exchange.deals.rows import (
    ASKED,
    CLAUSE_STATES,
    DEAL_SORTS,
    DEAL_STATES,
    IN_FORCE,
    DealClause,
    DealDetails,
    DealParty,
    DealRecord,
    NewDeal,
)
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.commands.terminal.language import N_, _, labelled, ngettext, spoken
from commonweal.commands.terminal.output import Column, say, write_table
from commonweal.protocol.records.record import RecordId

SAYS = {"yes": N_("agrees"), "no": N_("declined"), "withdraw": N_("withdrew"), None: N_("not yet")}
ENDS = {"done": N_("says that it is done"), "given up": N_("gave it up")}
ID_DIGITS = 8


def proposed_words(made: NewDeal) -> str:
    """Return what to say once a deal is proposed. It names the id as {id}."""
    names = _(", ").join(map(visible, made.waits_for))
    if not made.waits_for:
        return _("Agreed at once, as {id}: nobody else has to say yes.")
    return _("Proposed, as {id}. It waits for the yes of {names}.").replace("{names}", names)


def said_words(first: str, said: DealRecord) -> str:
    """Return what to say after a yes: who is missing, or that it is in force."""
    return spoken().sentences(first, _after(said))


def ended_words(first: str, said: DealRecord) -> str:
    """Return what to say after a party ended a deal."""
    if said.state in IN_FORCE:
        return spoken().sentences(first, _("It ends once the others say so too."))
    return spoken().sentences(first, _("The deal has ended."))


def _after(said: DealRecord) -> str:
    if said.state == ASKED:
        names = _(", ").join(map(visible, said.waits_for))
        return _("It waits for the yes of {names}.").replace("{names}", names)
    return _("All said yes: it is agreed, and final with the next seal.")


def show_deal(deal: DealDetails, states: Mapping[RecordId, RecordState]) -> None:
    """Write a deal in full. states: of the records by which it was proposed and signed."""
    until = None if deal.answer_by_ms is None else shown(deal.answer_by_ms)
    pairs = [
        (_("id"), deal.id.hex()),
        (_("sort"), _(DEAL_SORTS[deal.sort])),
        (_("state"), _state(deal)),
        (_("proposed by"), f"{deal.member_name} · {_safety(states.get(deal.id))}"),
        *([(_("answer by"), until)] if until else []),
        *([(_("in place of"), deal.counters.hex()[:ID_DIGITS])] if deal.counters else []),
    ]
    if deal.judged_at_ms is not None:
        pairs.append(
            (_("judged by"), _("the last seal, {time}").format(time=shown(deal.judged_at_ms)))
        )
    write_table(
        [Column("what", ""), Column("value", "")],
        [{"what": what, "value": value} for what, value in pairs],
    )
    say()
    write_table(_clause_columns(), [_clause(clause) for clause in deal.terms])
    say()
    columns = [
        Column("name", _("party")),
        Column("say", _("says")),
        Column("state", ""),
        Column("kept", _("promises kept")),
    ]
    write_table(columns, [_party(party, states) for party in deal.signatures])
    for comment in deal.comments:
        say()
        say(labelled(visible(comment.member_name), visible(comment.text or "")))
    _history(deal)
    _acts(deal)


def _state(deal: DealDetails) -> str:
    state = _(DEAL_STATES[deal.state])
    return f"{state} · {deal.why}" if deal.why else state


def _clause_columns() -> list[Column]:
    return [
        Column("number", "", is_number=True),
        Column("words", _("what")),
        Column("met", _("kept"), is_number=True),
        Column("open", _("open"), is_number=True),
        Column("unit", _("unit")),
        Column("due", _("due")),
        Column("state", _("state")),
        Column("id", _("id")),
    ]


def _clause(clause: DealClause) -> dict[str, object]:
    words = _("in return: {what}").format(what=clause.words) if clause.in_return else clause.words
    return {
        "number": clause.number,
        "words": words,
        "met": f"{clause.met:f}",
        "open": f"{clause.open:f}",
        "unit": shown_unit(clause.unit, spoken()),
        "due": "" if clause.due_ms is None else shown(clause.due_ms),
        "state": _(CLAUSE_STATES[clause.state]),
        "id": clause.id.hex(),
    }


def _party(party: DealParty, states: Mapping[RecordId, RecordState]) -> dict[str, object]:
    name = (
        party.member_name
        if party.present
        else _("{name} (no member any more)").format(name=party.member_name)
    )
    said = _(SAYS[party.say])
    if party.ended is not None:
        said = f"{said} · {_(ENDS[party.ended])}"
    kept = _("{kept} of {promised}").format(kept=party.kept, promised=party.promised)
    state = "" if party.record is None else _safety(states.get(party.record))
    return {"name": name, "say": said, "state": state, "kept": kept if party.promised else ""}


def _safety(state: RecordState | None) -> str:
    """Return how safe a record is, in words."""
    if state is None:
        return ""
    if state.safety is Safety.FINAL:
        return _("final #{height}").format(height=f"{state.sealed_at:,}")
    if state.held_by is None:
        return _("written here") if state.safety is Safety.HERE else _("held by its author")
    return ngettext("held by {held} peer", "held by {held} peers", state.held_by).format(
        held=state.held_by
    )


def _history(deal: DealDetails) -> None:
    say()
    for step in deal.history:
        since = "" if step.since_ms is None else shown(step.since_ms)
        say(f"{since}  {visible(step.words)}")


def _acts(deal: DealDetails) -> None:
    """Say by which commands this member goes on."""
    id = deal.id.hex()[:ID_DIGITS]
    typed = [f"weal deal {act} {id}" for act in deal.acts if act != "comment"]
    if typed:
        say()
        say(_("You can: {commands}").format(commands=" · ".join(typed)))
