"""`weal doctor`: what is wrong with this home, in plain sentences, each with what to do.

It reads and asks, and changes nothing. It needs no running node, but sees more with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median_low
from typing import TYPE_CHECKING

import click

from commonweal.client.community.standing import standing
from commonweal.client.home.node_client import ask
from commonweal.client.home.own_addresses import answers, is_public, is_taken, own_ports, ports_of
from commonweal.client.home.submit import now_ms
from commonweal.client.keep.integrity import UNREADABLE
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.directory import People, of_home
from commonweal.client.sharing.finality import AHEAD_MS_MAX
from commonweal.commands.keep.home_checks import (
    DoctorFinding,
    Patient,
    check_disk,
    check_folder,
    check_keystore,
    check_ledger,
    check_settings,
    damaged,
)
from commonweal.commands.terminal.language import N_, _, ngettext, spoken
from commonweal.commands.terminal.options import form_option, home_option
from commonweal.commands.terminal.output import Form, say, write_json
from commonweal.protocol.errors import (
    BadSetting,
    NotReachable,
)
from commonweal.protocol.records.record import from_bytes_unchecked
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.control.messages import NodeStatus, PeerStatus

SKEW_MS_MAX = 60_000
"""Clocks that differ by more are named; seals bear two minutes."""
MINUTE_MS = 60_000
SEAL_WAITS_MS_MAX = 15 * MINUTE_MS
"""What waits so long for a seal, waits for witnesses that do not come."""


@click.command("doctor")
@home_option
@form_option(Form.TEXT, Form.JSON)
def doctor(home: Home, form: Form) -> int:
    """Look for what is wrong with this home and its node, and say what to do.

    Ends with 0 when all is well, else with 1.
    """
    findings = list(examine(home))
    ill = [finding for finding in findings if not finding.is_well]
    if form is Form.JSON:
        listed = [
            {
                "check": finding.name,
                "ok": finding.is_well,
                "what": finding.what,
                "advice": finding.advice,
            }
            for finding in findings
        ]
        write_json({"ok": not ill, "findings": listed})
        return 1 if ill else 0
    for finding in findings:
        mark = "✓" if finding.is_well else "✗"
        say(f"{mark} {_(finding.name)}: {visible(finding.what)}")
        if finding.advice:
            say(f"    {visible(finding.advice)}")
    say()
    wrong = ngettext("{n} thing to mend.", "{n} things to mend.", len(ill)).format(n=len(ill))
    say(wrong if ill else _("All is well."))
    return 1 if ill else 0


def examine(home: Home) -> Iterator[DoctorFinding]:
    """Yield what is found, well or not. Raises MissingDatabase where there is no home."""
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        status, node = _node(home, settings)
        at = Patient(home, store, settings, status)
        yield node
        for check in CHECKS:
            try:
                yield check(at)
            except UNREADABLE as error:
                yield damaged(error)


def _node(home: Home, settings: Settings) -> tuple[NodeStatus | None, DoctorFinding]:
    """Return what the running node says of itself, and whether it runs."""
    from commonweal.node.control.messages import Status

    name = N_("node")
    if settings.community is None:
        return None, DoctorFinding(name, True, _("not needed yet: this home is in no community"))
    pid = home.holder()
    if pid is None:
        return None, DoctorFinding(
            name, False, _("your node is not running"), _("Type `weal up --background`.")
        )
    try:
        return ask(home, Status()), DoctorFinding(name, True, _("running"))
    except NotReachable:
        return None, DoctorFinding(
            name,
            False,
            _("process {pid} holds this home and does not answer").format(pid=pid or "?"),
            _("Wait a minute; then end it with `kill {pid}`, and type `weal up`.").format(
                pid=pid or "?"
            ),
        )


def _membership(at: Patient) -> DoctorFinding:
    name = N_("membership")
    community = at.settings.community
    people = of_home(at.home, at.store, community, spoken()) if community else None
    state = standing(at.store, at.settings, people)
    advice = {
        "no-community": _("Type `weal found NAME`, or `weal join LINK` with an invite."),
        "waiting-for-admission": _("Keep `weal up` running until a node of the community answers."),
        "awaiting-restore": _("Keep `weal up` running until a peer has given you your records."),
        "frozen": _("Make a new home from your 24 words: `weal restore --words`."),
        "revoked": _("This device was ended by its member; use another, or `weal restore`."),
    }
    if state == "member":
        return DoctorFinding(name, True, _("you are a member"))
    refusal = at.status.refusal if at.status is not None else None
    if state == "awaiting-restore" and refusal and refusal[0] == "not-a-member":
        return DoctorFinding(
            name,
            False,
            _("the members' nodes refuse this device: its key speaks for no member there"),
            _(
                "If your key was changed, use the newest words, and a link that a member makes "
                "for you: weal device add --member YOUR-NAME."
            ),
        )
    return DoctorFinding(name, False, _(state), advice.get(state, _("Ask the members why.")))


def _peers(at: Patient) -> DoctorFinding:
    name = N_("peers")
    if at.status is None:
        return DoctorFinding(name, True, _("not asked: the node is not running"))
    here = _connected(at)
    if here:
        few = ngettext("{n} node is connected", "{n} nodes are connected", len(here))
        return DoctorFinding(name, True, few.format(n=len(here)))
    absent = at.status.peers
    if not absent and at.status.state == "member":
        return DoctorFinding(
            name,
            True,
            _("no other node is known: what you record is on this one only"),
            _("`weal invite create` makes a link for others."),
        )
    tried = "; ".join(f"{peer.address or '?'} {peer.failure or ''}".strip() for peer in absent[:3])
    return DoctorFinding(
        name,
        False,
        _("none of {n} known nodes is reached: {tried}").format(n=len(absent), tried=tried),
        _("Check your network; one member that all can reach is enough, if that node is up."),
    )


def _version(at: Patient) -> DoctorFinding:
    name = N_("version")
    refusal = at.status.refusal if at.status is not None else None
    if refusal and refusal[0] == "version":
        return DoctorFinding(
            name,
            False,
            _("a node refused this one, because it speaks another version"),
            _("Install the newest version here; if that is done, the other one has to."),
        )
    return DoctorFinding(name, True, _("no node has refused it"))


def _clock(at: Patient) -> DoctorFinding:
    name = N_("clock")
    skews = [peer.skew_ms for peer in _connected(at) if peer.skew_ms is not None]
    skew = median_low(skews) if skews else 0
    advice = _("Let the system set its clock from the network (NTP).")
    if abs(skew) > SKEW_MS_MAX:
        apart = _("it differs by {s} seconds from that of {n} of {all} connected nodes").format(
            s=abs(skew) // 1000, n=sum(abs(other) > SKEW_MS_MAX for other in skews), all=len(skews)
        )
        return DoctorFinding(name, False, apart, advice)
    sealed = _sealed_ms(at) - now_ms()
    if sealed > AHEAD_MS_MAX:
        late = _("the last seal is dated {s} seconds later than now").format(s=sealed // 1000)
        back = _(
            "If this clock is right, the next seal goes back to it, within a month after the wrong"
            " one: type `weal seal` on the node of a witness."
        )
        return DoctorFinding(name, False, late, back)
    ahead = _newest_ms(at) - now_ms()
    if not skews and ahead > AHEAD_MS_MAX:
        late = _("a record that is here claims to be {s} seconds later than now").format(
            s=ahead // 1000
        )
        return DoctorFinding(name, False, late, advice)
    return DoctorFinding(name, True, _("it agrees with what is known"))


def _port(at: Patient) -> DoctorFinding:
    """Say whether others reach this node: one member that all reach is enough."""
    name = N_("port")
    listening = list(at.status.listening) if at.status is not None else []
    ports = ports_of(listening) or _usual_ports(at)
    port = ", ".join(map(str, ports)) or "?"
    if at.status is None:
        taken = [port for port in ports if is_taken(port)]
        if at.home.holder() is None and taken:
            port = ", ".join(map(str, taken))
            return DoctorFinding(
                name,
                False,
                _("port {port} is used by another program").format(port=port),
                _("End that program, or start with `weal up --listen /ip4/0.0.0.0/tcp/PORT`."),
            )
        return DoctorFinding(name, True, _("free: {port}").format(port=port))
    closed = [address for address in listening if not answers(address)]
    if not listening or len(closed) == len(listening):
        return DoctorFinding(
            name,
            False,
            _("none of this node's addresses answers: {listed}").format(
                listed=", ".join(closed) or "-"
            ),
            _("Let the firewall of this machine pass TCP to port {port}.").format(port=port),
        )
    if any(map(is_public, listening)):
        return DoctorFinding(name, True, _("it has a public address"))
    return DoctorFinding(
        name,
        True,
        _("all addresses are private: only this network reaches it"),
        ""
        if _connected(at)
        else _(
            "That is enough while one member has a public address and relays records. "
            "Otherwise forward a port of the router to {port}."
        ).format(port=port),
    )


def _usual_ports(at: Patient) -> list[int]:
    try:
        return own_ports(at.home, at.settings)
    except BadSetting:  # which `_settings` tells of
        return [] if at.settings.port is None else [at.settings.port]


def _sealing(at: Patient) -> DoctorFinding:
    from commonweal.client.sharing.finality import finality, warnings

    name = N_("seals")
    if at.settings.community is None:
        return DoctorFinding(name, True, _("not needed yet: this home is in no community"))
    live = at.status.sealing if at.status is not None else None
    state = finality(
        at.store, at.settings, People(at.store, at.settings.here, words=spoken()), live
    )
    here = _("nothing is sealed yet")
    if state.height:
        here = _("up to height {height}").format(height=state.height)
    said = warnings(state, spoken())
    if state.forked_at is not None or state.alarm:
        return DoctorFinding(
            name, False, said[0], _("Tell the other members, and compare with them.")
        )
    waits_ms = live.waits_ms if live is not None else 0
    if waits_ms < SEAL_WAITS_MS_MAX:
        return DoctorFinding(name, True, here)
    waits = _("{here}; something waits for {n} minutes").format(here=here, n=waits_ms // MINUTE_MS)
    advice = " ".join(said) or _("The witnesses are here and do not agree; look at their clocks.")
    return DoctorFinding(name, False, waits, advice)


def _writers(at: Patient) -> DoctorFinding:
    """Name those whose records take most of the disk."""
    from commonweal.client.community.node import writers
    from commonweal.commands.node.status import largest_writers

    name = N_("writers")
    if at.settings.community is None:
        return DoctorFinding(name, True, _("not needed yet: this home is in no community"))
    writing = writers(at.store, People(at.store, at.settings.here, words=spoken()))
    return DoctorFinding(name, True, largest_writers(writing) or _("nothing is written yet"))


CHECKS: tuple[Callable[[Patient], DoctorFinding], ...] = (
    *(_membership, _peers, _sealing, _port, _version, _clock),
    *(check_disk, _writers, check_ledger, check_keystore, check_folder, check_settings),
)


def _connected(at: Patient) -> list[PeerStatus]:
    peers = at.status.peers if at.status is not None else ()
    return [peer for peer in peers if peer.standing != "absent"]


def _newest_ms(at: Patient) -> int:
    """Return the latest time that a record of another device claims, by its last record."""
    newest = 0
    for row in at.store.logs():
        if row.author != at.settings.device and row.length:
            for wire in at.store.wires(row.author, row.length - 1, row.length, 0):
                newest = max(newest, from_bytes_unchecked(wire).claimed_at)
    return newest


def _sealed_ms(at: Patient) -> int:
    """Return the time of the last seal; 0 without one."""
    from commonweal.storage.records.seal_store import SealStore

    if at.settings.community is None:
        return 0
    seals = SealStore(at.store, at.settings.community)
    kept = seals.at(seals.height)
    return 0 if kept is None else kept.sealed.seal.time_ms
