"""`weal status` and `weal peers`: how this home stands, and who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from commonweal.client.community.keepers import keeping_pairs, keeping_warnings
from commonweal.client.community.node import HomeStatus, NodeOfHome, PeerSummary, largest_writers
from commonweal.client.community.standing import (
    AWAITING,
    LETS_IN,
    WAITING,
    coming_words,
    refused_words,
)
from commonweal.client.home.reach_words import FROM_OUTSIDE, reach_words
from commonweal.client.home.router_words import PORT_MAPPING, mapping_words
from commonweal.client.language.plain import plain, plain_rows
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.fork_losses import void_warning
from commonweal.client.sharing.finality import pairs, risks, warnings
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.member import part_of
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.node.reach_state import ReachState

PEER_FIELDS = ("member", "member_name", "device", "address", "state", "behind", "ahead", "dropped")


@click.command("status")
@home_option
@form_option(Form.TEXT, Form.JSON)
def status(home: Home, form: Form) -> None:
    """Say how this home stands: its community, its records, its peers."""
    with part_of(NodeOfHome, home) as me:
        state = me.status()
    return write_json(plain(state)) if form is Form.JSON else _show(state, home)


@click.command("peers")
@home_option
@form_option()
def peers(home: Home, form: Form) -> None:
    """List the nodes of other members, connected or not."""
    with part_of(NodeOfHome, home) as me:
        known = me.peers()
    rows = plain_rows(known.peers)
    if form is Form.JSON:
        return write_json({"peers": rows, "writers": plain_rows(known.writers)})
    if form is Form.CSV:
        return write_csv(PEER_FIELDS, rows)
    if not rows:
        return say(_("No other node is known yet."))
    for row, peer in zip(rows, known.peers, strict=True):
        row["shown"] = how_far(peer) if peer.state == "connected" else _(peer.state)
        if peer.dropped:
            row["shown"] += _(" (dropped: {reason})").format(reason=peer.dropped)
        row["id"] = (row["device"] or "")[:8]
    write_table(
        [
            Column("id", _("device")),
            Column("member_name", _("member")),
            Column("shown", _("state")),
            Column("address", _("address")),
        ],
        rows,
    )
    say()
    words = _("Most of what this node keeps is by: {writers}")
    return say(words.format(writers=largest_writers(known.writers, spoken())))


def how_far(peer: PeerSummary) -> str:
    """Return of a connected peer whether it holds what we hold."""
    behind, ahead = peer.behind or 0, peer.ahead or 0
    if behind:
        return ngettext("behind by {n}", "behind by {n}", behind).format(n=behind)
    if ahead:
        return ngettext("ahead by {n}", "ahead by {n}", ahead).format(n=ahead)
    return _("up to date")


def _show(status: HomeStatus, home: Home) -> None:
    said = [
        (_("community"), status.community_name or _("none yet")),
        (_("member"), f"{status.member_name} ({status.member.hex()[:8]})"),
        (_("home"), str(home)),
        (_("state"), _("joining") if _is_joining(status) else _(status.state)),
        (_("node"), _condition(status, home)),
        (_("records"), f"{status.records:,}"),
        *(pairs(status.finality, spoken()) if status.finality is not None else ()),
        *_following(status.joined),
        *keeping_pairs(status, spoken()),
        *_reach_pairs(status.reach),
        *_descent(status.parent),
    ]
    rows = [{"what": what, "value": visible(value)} for what, value in said]
    write_table([Column("what", ""), Column("value", "")], rows)
    final = status.finality
    doubts = [final.doubt] if final is not None and final.doubt else []
    for words in (
        [
            *warnings(final, spoken()),
            *doubts,
            *risks(final, spoken()),
            *keeping_warnings(status, spoken()),
        ]
        if final is not None
        else ()
    ):
        say()
        say(visible(words))
    if status.refused:
        say()
        say(refused_words(spoken()))
    if status.not_counting:
        say()
        say(void_warning(home, status.not_counting, spoken()))
    _show_limits(status)
    if status.peers:
        say()
        for peer in status.peers:
            name = visible(peer.member_name or _("not a member yet"))
            say(f"  {name}: {how_far(peer)}  {visible(peer.address or '')}")
    elif status.running:
        say(_("No other node is connected: what you record is on this node only."))
    if status.coming is not None:
        say()
        say(coming_words(status.coming, spoken()))
    if status.state == WAITING and (status.peers or status.coming is not None):
        say()
        say(_(LETS_IN))
    elif status.coming is None and (advice := _ADVICE.get(status.state)) is not None:
        say()
        say(_(advice))


def _is_joining(status: HomeStatus) -> bool:
    """Whether a member only seems to wait, since the state that admits them is not here yet."""
    return status.coming is not None and status.state == WAITING


def _show_limits(status: HomeStatus) -> None:
    """Say what this node cannot do now: write, trust its disk, or write more than others keep."""
    if status.writable is False:
        say()
        say(_("The disk takes no changes: nothing new is kept. Reading and serving go on."))
    if status.damaged:
        say()
        say(
            _(
                "The disk changed what is stored here ({n}); it is being fetched again from peers."
            ).format(n=status.damaged)
        )
    if status.room is not None and not all(status.room.values()):
        say()
        say(
            _(
                "This device has written as much as others keep before the next seal; "
                "go on after it, or tomorrow where the day's budget is used up."
            )
        )


_ADVICE = {
    "no-community": N_(
        "Next: `weal found NAME` founds a community; `weal join LINK` asks to join one."
    ),
    AWAITING: N_("This home waits for its records from a peer; keep `weal up` running."),
    "waiting-for-admission": N_(
        "Your request waits for a node of the community; keep `weal up` running."
    ),
}


def _reach_pairs(reach: ReachState | None) -> list[tuple[str, str]]:
    if reach is None:
        return []
    return [
        (_(FROM_OUTSIDE), reach_words(reach, spoken())),
        (_(PORT_MAPPING), mapping_words(reach.mapping, spoken())),
    ]


def _descent(parent: dict[str, Any] | None) -> list[tuple[str, str]]:
    if parent is None:
        return []
    words = _("community {id} at height {height}, seal {seal}").format(
        id=parent["community"][:8], height=parent["height"], seal=parent["seal"][:8]
    )
    return [(_("goes on from"), words)]


def _following(joined: dict[str, int] | None) -> list[tuple[str, str]]:
    if joined is None:
        return []
    words = _("the state at height {height} is checked; records {here} of {all}")
    here, all_ = f"{joined['records']:,}", f"{joined['of']:,}"
    return [(_("joined"), words.format(height=joined["height"], here=here, all=all_))]


def _condition(status: HomeStatus, home: Home) -> str:
    if not status.running:
        pid = home.holder()
        if pid is None:
            return _("not running")
        return _("process {pid} holds this home and does not answer").format(pid=pid or "?")
    behind = status.behind or 0
    if behind:
        return ngettext("behind by {n}", "behind by {n}", behind).format(n=behind)
    return _("up to date") if status.peers else _("running, alone")
