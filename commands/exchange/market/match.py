"""`weal match`: what suits what members offer and need."""

from __future__ import annotations

from pathlib import Path

import click

from commonweal.client.exchange.matching.matches import Matches, RingProposals
from commonweal.client.exchange.matching.reasons import telling
from commonweal.client.exchange.matching.rows import (
    ListedMatch,
    MatchList,
    MatchRound,
    RingList,
    SwapList,
)
from commonweal.client.exchange.matching.swaps import Swaps
from commonweal.client.language.plain import plain
from commonweal.client.language.quantity import shown_unit
from commonweal.client.language.times import shown
from commonweal.client.language.visible_text import visible
from commonweal.commands.exchange.deals.deal_pages import ID_DIGITS, proposed_words
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option, passphrase_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.commands.terminal.tables import confirm
from commonweal.protocol.errors import UsageError
from commonweal.storage.home.home import Home


@click.command("match")
@click.option("--for", "member", metavar="NAME", help="What suits another member.")
@click.option("--round", "is_round", is_flag=True, help="A round for all, instead.")
@click.option(
    "--balanced",
    metavar="UNIT",
    help="A round in which everybody gives as much of it as they receive.",
)
@click.option("--rings", "is_rings", is_flag=True, help="Rings, in which each gives to the next.")
@click.option("--swaps", "is_swaps", is_flag=True, help="Swaps of things: see weal swap.")
@click.option(
    "--propose", type=click.IntRange(1), metavar="N", help="Propose the ring or the swap N."
)
@click.option("--answer-by", metavar="TIME", help="Until when the others can say yes to it.")
@click.option("--limit", type=click.IntRange(1), default=20, metavar="N", help="At most so many.")
@passphrase_option
@home_option
@form_option(Form.TEXT, Form.JSON)
def match(
    member: str | None,
    is_round: bool,
    balanced: str | None,
    is_rings: bool,
    is_swaps: bool,
    propose: int | None,
    answer_by: str | None,
    limit: int,
    passphrase_file: Path | None,
    home: Home,
    form: Form,
) -> None:
    """Suggest which offers and needs suit each other, and say why.

    It binds nobody: who likes one proposes it as a deal. All nodes suggest the same at one seal.
    """
    is_rings = is_rings or (propose is not None and not is_swaps)
    asked = [bool(member), is_round or balanced is not None, is_rings, is_swaps]
    if asked.count(True) > 1:
        raise UsageError(_("give one of --for, --round or --balanced, --rings, and --swaps"))
    if propose is not None:
        if is_swaps:
            with part_of(Swaps, home, passphrase_file) as swapping:
                made = swapping.propose_swap(propose, answer_by=answer_by)
        else:
            with part_of(RingProposals, home, passphrase_file) as ringing:
                made = ringing.propose_ring(propose, answer_by=answer_by)
        return confirm(form, made, proposed_words(made))
    if answer_by is not None:
        raise UsageError(_("--answer-by goes with --propose"))
    if is_swaps:
        with part_of(Swaps, home) as swapping:
            return _show_swaps(swapping.swaps(), bytes(swapping.view.me), form)
    with part_of(Matches, home) as reader:
        mine = bytes(reader.view.me)
        if asked[1]:
            return _show_round(reader.match_round(balanced=balanced), mine, limit, form)
        if asked[2]:
            return _show_rings(reader.rings(), mine, form)
        return _show_matches(reader.matches(member, limit=limit), mine, form)


def _show_matches(listed: MatchList, mine: bytes, form: Form) -> None:
    if form is Form.JSON:
        return write_json(plain(listed))
    if not listed.matches and not listed.provisional:
        empty = _("Nothing suits what {name} offers and needs. To begin: weal offer, weal need")
        say(empty.format(name=visible(listed.member_name)))
    for pair in listed.matches:
        _show_match(pair, mine)
    if listed.provisional:
        say(_("Since the last seal, and so provisional:"))
        for pair in listed.provisional:
            _show_match(pair, mine)
    return _standing(listed.height, listed.at_ms)


def _show_round(listed: MatchRound, mine: bytes, limit: int, form: Form) -> None:
    if form is Form.JSON:
        return write_json(plain(listed))
    for pair in listed.matches[:limit]:
        _show_match(pair, mine)
    if len(listed.matches) > limit:
        say(_("and {n} more: --limit shows them").format(n=f"{len(listed.matches) - limit:,}"))
    if not listed.matches:
        say(_("No offer suits a need of another member."))
    elif listed.balanced:
        text = _("Everybody gives as much as they receive, in {unit}; nothing exchanges more.")
        say(text.format(unit=shown_unit(listed.balanced, spoken())))
    elif listed.exact:
        say(_("No other round fits better in all."))
    else:
        say(_("Some amounts fell short of a minimum: another round may fit better."))
    return _standing(listed.height, listed.at_ms)


def _show_rings(listed: RingList, mine: bytes, form: Form) -> None:
    if form is Form.JSON:
        return write_json(plain(listed))
    for ring in listed.rings:
        say(_("ring {n}, {score} points").format(n=ring.number, score=f"{ring.score:,}"))
        for flow in ring.flows:
            say(f"  {_line(flow)}")
        if any(mine in (flow.giver, flow.taker) for flow in ring.flows):
            say(f"  weal match --rings --propose {ring.number}")
    if not listed.rings:
        text = _("No ring of at most {n} members: nobody could give to the next all around.")
        say(text.format(n=listed.members_max))
    elif listed.exact:
        say(_("No other rings fit better in all."))
    else:
        say(_("There are many rings: these are the best that were found."))
    return _standing(listed.height, listed.at_ms)


def _show_swaps(listed: SwapList, mine: bytes, form: Form) -> None:
    if form is Form.JSON:
        return write_json(plain(listed))
    for swap in listed.swaps:
        say(_("swap {n}").format(n=swap.number))
        for flow in swap.flows:
            text = _("{giver} gives {taker} {thing} ({id})")
            names = {"giver": visible(flow.giver_name), "taker": visible(flow.taker_name)}
            id, name = flow.resource.hex()[:ID_DIGITS], visible(flow.resource_name)
            say("  " + text.format(id=id, thing=name, **names))
        if swap.command and any(mine in (flow.giver, flow.taker) for flow in swap.flows):
            say(f"  weal match --swaps --propose {swap.number}")
    if not listed.swaps:
        say(_("Nobody could swap. To begin: weal swap THING OTHER-THING"))
    return _standing(listed.height, listed.at_ms)


def _show_match(pair: ListedMatch, mine: bytes) -> None:
    say(f"{pair.score:>4}  {_line(pair)}")
    reasons = "; ".join(visible(reason.words) for reason in telling(pair.reasons))
    say(f"      {reasons}")
    if mine in (pair.giver, pair.taker):
        say(f"      {pair.command}")


def _line(pair: ListedMatch) -> str:
    """Return a match on one line: who gives how much of what to somebody."""
    text = _("{giver} gives {taker} {amount}: {title}")
    return text.format(
        giver=visible(pair.giver_name),
        taker=visible(pair.taker_name),
        amount=f"{pair.amount:f} {shown_unit(pair.unit, spoken())}",
        title=visible(pair.title or pair.need_title),
    )


def _standing(height: int, at_ms: int | None) -> None:
    if at_ms is None:
        return say(_("Nothing is sealed yet, so nothing is suggested for certain."))
    text = _("As of the last seal, #{height} of {time}.")
    return say(text.format(height=f"{height:,}", time=shown(at_ms)))
