"""`weal status` and `weal peers`: how this home stands, and who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from commonweal.client.directory import People, of_home
from commonweal.client.finality import doubt, finality, pairs, risks, warnings
from commonweal.client.forked import void_records, void_warning
from commonweal.client.node_client import ask, ask_if_running
from commonweal.client.visible_text import visible
from commonweal.commands.node.writers import largest, writers
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import (
    Column,
    Form,
    say,
    write_csv,
    write_json,
    write_table,
)
from commonweal.protocol.errors import StorageError
from commonweal.protocol.ledger.members import membership
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.membership import requested_invite
from commonweal.storage.records.log_store import Store
from commonweal.storage.records.settings import RESTORING

if TYPE_CHECKING:
    from commonweal.node.control.messages import NodeStatus, PeerStatus

AWAITING = N_("awaiting-restore")
ROOM_FIELDS = ("records", "bytes", "documents", "texts")
PEER_FIELDS = ("member", "member_name", "device", "address", "state", "behind", "ahead", "dropped")


@click.command("status")
@home_option
@form_option(Form.TEXT, Form.JSON)
def status(home: Home, form: Form) -> None:
    """Say how this home stands: its community, its records, its peers."""
    from commonweal.node.control.messages import Status

    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        people = (
            None if settings.community is None else of_home(home, store, settings.here, spoken())
        )
        status = offline(store, settings, people)
        live = ask_if_running(home, Status()) if people else None
        if people is not None:
            said = live.sealing if live is not None else None
            status["finality"] = finality(store, settings, people, said)
            status["finality"]["doubt"] = doubt(home, status["finality"], spoken()) or None
            status["joined"] = joined(home, store)
            status["not_counting"] = len(void_records(home))
            status["parent"] = parent(store, settings)
        if live is not None and people is not None:
            status["finality"]["newest_held_by"] = _held_by(home, store, settings)
            status |= {
                "running": True,
                "state": one_word(live.state),
                "behind": live.behind,
                "records": live.records,
                "logs": live.logs,
                "frontier": live.digest.hex(),
                "listening": list(live.listening),
                "refused": is_refused(live),
                "writable": live.writable,
                "damaged": live.damaged,
                "room": _room(live.room),
                "peers": [peer_row(peer, people) for peer in live.peers if _is_here(peer)],
            }
    if form is Form.JSON:
        return write_json(status)
    return _show(status, home)


@click.command("peers")
@home_option
@form_option()
def peers(home: Home, form: Form) -> None:
    """List the nodes of other members, connected or not."""
    from commonweal.node.control.messages import Peers

    answer = ask(home, Peers())
    with home.store(readonly=True) as store:
        people = People(store, Settings.read(store).here, words=spoken())
        rows = [peer_row(peer, people) for peer in answer.peers]
        wrote = writers(store, people)
    if form is Form.JSON:
        return write_json({"peers": rows, "writers": wrote})
    if form is Form.CSV:
        return write_csv(PEER_FIELDS, rows)
    if not rows:
        return say(_("No other node is known yet."))
    for row in rows:
        row["shown"] = how_far(row) if row["state"] == "connected" else _(row["state"])
        if row["dropped"]:
            row["shown"] += _(" (dropped: {reason})").format(reason=row["dropped"])
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
    return say(_("Most of what this node keeps is by: {writers}").format(writers=largest(wrote)))


def is_refused(live: NodeStatus) -> bool:
    """Say whether the members' nodes, of which none is connected, refuse us as no member."""
    here = any(peer.standing == "member" for peer in live.peers)
    is_member = one_word(live.state) == "member"
    refusal = live.refusal
    return bool(is_member and not here and refusal and refusal[0] == "not-a-member")


def refused_words() -> str:
    """Say what a refusal by other members' nodes means for who was a member as far as is known."""
    return _(
        "Other members' nodes refuse this device: they know of a seal by which you are no member"
        " any more. What you record now counts for nothing; ask a member."
    )


def _room(left: tuple[int, ...]) -> dict[str, int]:
    """Return how much more of this device others keep."""
    return dict(zip(ROOM_FIELDS, left, strict=True))


def offline(store: Store, settings: Settings, people: People | None) -> dict[str, Any]:
    """Return what a home knows of itself without a running node, as json says it."""
    from commonweal.protocol.records.frontier import Frontier, FrontierEntry

    counts = store.counts()
    rows = [FrontierEntry(row.author, row.length, row.head, row.frozen) for row in store.logs()]
    return {
        "community": settings.community and settings.community.hex(),
        "community_name": people and people.community_name(),
        "member": settings.member.hex(),
        "member_name": settings.name or (people and people.name(settings.member)),
        "device": settings.device.hex(),
        "records": counts.records,
        "logs": counts.logs,
        "frontier": Frontier(rows).digest().hex(),
        "peers": [],
        "listening": [],
        "behind": None,
        "running": False,
        "refused": None,
        "writable": None,
        "damaged": None,
        "room": None,
        "state": standing(store, settings, people),
        "finality": None,
        "joined": None,
        "not_counting": 0,
        "parent": None,
    }


def joined(home: Home, store: Store) -> dict[str, int] | None:
    """Return how far a home that took the state of a seal has come, until all records are here."""
    from contextlib import closing

    from commonweal.storage.consensus.snapshots import held
    from commonweal.storage.ledger.state_db import StateDb

    if not home.state.exists():
        return None
    try:
        with closing(StateDb(home.state)) as layers:
            records = held(layers, store)
    except StorageError:  # what was folded cannot be read; the rest of the home can
        return None
    return None if records is None else records._asdict()


def parent(store: Store, settings: Settings) -> dict[str, Any] | None:
    """Return from where a re-founded community goes on, as json says it."""
    from commonweal.storage.ledger import inheritance

    parent = inheritance.parent(store, settings.here)
    if parent is None:
        return None
    ids = {"community": parent.community.hex(), "seal": parent.seal.hex()}
    return {**ids, "height": parent.height}


def standing(store: Store, settings: Settings, people: People | None) -> str:
    """Return how this home stands in its community, in one word: see `join.STATES`."""
    if people is None:
        return "no-community"
    if store.log(settings.device).frozen is not None:
        return "frozen"
    if store.setting(RESTORING):
        return AWAITING
    standing = membership.status_of(people.state, settings.device)
    if settings.member in dict(people.decided.removed):
        standing = "removed"
    if standing in ("left", "removed") and requested_invite(store, settings.device):
        return "waiting-for-admission"
    if standing == "active":
        return "member"
    if standing is None or standing in ("new", "requested"):
        return "waiting-for-admission"
    return one_word(standing)


def _held_by(home: Home, store: Store, settings: Settings) -> int | None:
    """Return how many connected peers hold our newest record; None where there is none."""
    head = store.log(settings.device).head
    if not head:
        return None
    from commonweal.node.control.messages import Holders

    answer = ask_if_running(home, Holders(bytes(head)))
    return None if answer is None else len(answer.holders)


def one_word(state: str) -> str:
    """Return a state without the reason that may follow it."""
    return state.partition(":")[0]


def peer_row(peer: PeerStatus, people: People) -> dict[str, Any]:
    """Return a peer of the node's answer as json says it."""
    member, device = peer.member, peer.device
    return {
        "member": member and member.hex(),
        "member_name": people.name(member) if member else None,
        "device": device and device.hex(),
        "address": peer.address,
        "state": "connected" if _is_here(peer) else "absent",
        "behind": peer.behind,
        "ahead": peer.ahead,
        "dropped": peer.dropped,
    }


def how_far(row: dict[str, Any]) -> str:
    """Say of a connected peer whether it holds what we hold."""
    behind, ahead = row["behind"] or 0, row["ahead"] or 0
    if behind:
        return ngettext("behind by {n}", "behind by {n}", behind).format(n=behind)
    if ahead:
        return ngettext("ahead by {n}", "ahead by {n}", ahead).format(n=ahead)
    return _("up to date")


def _is_here(peer: PeerStatus) -> bool:
    return peer.standing != "absent"


def _show(status: dict[str, Any], home: Home) -> None:
    said = [
        (_("community"), status["community_name"] or _("none yet")),
        (_("member"), f"{status['member_name']} ({status['member'][:8]})"),
        (_("home"), str(home)),
        (_("state"), _(status["state"])),
        (_("node"), _condition(status, home)),
        (_("records"), f"{status['records']:,}"),
        *(pairs(status["finality"], spoken()) if status["finality"] is not None else ()),
        *_following(status["joined"]),
        *_descent(status["parent"]),
    ]
    rows = [{"what": what, "value": visible(value)} for what, value in said]
    write_table([Column("what", ""), Column("value", "")], rows)
    final = status["finality"]
    doubts = [final["doubt"]] if final is not None and final["doubt"] else []
    for words in (
        [*warnings(final, spoken()), *doubts, *risks(final, spoken())] if final is not None else ()
    ):
        say()
        say(words)
    if status["refused"]:
        say()
        say(refused_words())
    if status["not_counting"]:
        say()
        say(void_warning(home, status["not_counting"], spoken()))
    if status["writable"] is False:
        say()
        say(_("The disk takes no changes: nothing new is kept. Reading and serving go on."))
    if status["damaged"]:
        say()
        say(
            _(
                "The disk changed what is stored here ({n}); it is being fetched again from peers."
            ).format(n=status["damaged"])
        )
    if status["room"] is not None and not all(status["room"].values()):
        say()
        say(
            _(
                "This device has written as much as others keep before the next seal; "
                "go on after it, or tomorrow where the day's budget is used up."
            )
        )
    here = status["peers"]
    if here:
        say()
        for address in here:
            name = visible(address["member_name"] or _("not a member yet"))
            say(f"  {name}: {how_far(address)}  {visible(address['address'] or '')}")
    elif status["running"]:
        say(_("No other node is connected: what you record is on this node only."))
    if (advice := _ADVICE.get(status["state"])) is not None:
        say()
        say(_(advice))


_ADVICE = {
    "no-community": N_(
        "Next: `weal found NAME` founds a community; `weal join LINK` asks to join one."
    ),
    AWAITING: N_("This home waits for its records from a peer; keep `weal up` running."),
    "waiting-for-admission": N_(
        "Your request waits for a node of the community; keep `weal up` running."
    ),
}


def _descent(parent: dict[str, Any] | None) -> list[tuple[str, str]]:
    if parent is None:
        return []
    words = _("community {id} at height {height}, seal {seal}").format(
        id=parent["community"][:8], height=parent["height"], seal=parent["seal"][:8]
    )
    return [(_("goes on from"), words)]


def _following(progress: dict[str, int] | None) -> list[tuple[str, str]]:
    if progress is None:
        return []
    words = _("the state at height {height} is checked; records {here} of {all}")
    here, all_ = f"{progress['records']:,}", f"{progress['of']:,}"
    return [(_("joined"), words.format(height=progress["height"], here=here, all=all_))]


def _condition(status: dict[str, Any], home: Home) -> str:
    if not status["running"]:
        pid = home.holder()
        if pid is None:
            return _("not running")
        return _("process {pid} holds this home and does not answer").format(pid=pid or "?")
    behind = status["behind"] or 0
    if behind:
        return ngettext("behind by {n}", "behind by {n}", behind).format(n=behind)
    return _("up to date") if status["peers"] else _("running, alone")
