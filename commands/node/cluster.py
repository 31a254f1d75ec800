"""`weal cluster`: a community of several nodes on this machine, to try things out."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commonweal.client.community.homes import found_community, make_home
from commonweal.client.community.join_requests import ask_to_join
from commonweal.client.governance.rule_templates import NO_RULES, document_of_rules
from commonweal.client.ledger.ledger_view import folded
from commonweal.commands.terminal.language import _
from commonweal.commands.terminal.options import form_option
from commonweal.commands.terminal.output import Column, Form, say, write_json, write_table
from commonweal.protocol import keys
from commonweal.protocol.errors import NotPermitted, NotYet, UnknownId
from commonweal.protocol.identity.invite import CommunityLink, Contact, Invite
from commonweal.protocol.ledger.members import membership
from commonweal.protocol.ledger.members.registry import ACTIVE
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings, new_port

if TYPE_CHECKING:
    from commonweal.node.control.cluster import Cluster, NodeState

NODES_MAX = 64
MEMBERS = (
    *("Mei", "Bo", "Chen", "Dana", "Emre", "Fatima", "Goro", "Hana"),
    *("Ines", "Jun", "Kofi", "Lin", "Maya", "Nadia", "Omar", "Pia"),
)
EQUAL_SECONDS_MAX = 60.0
EQUAL_SECONDS_PER_NODE = 5.0
LOOK_S = 0.2
MAKING = "making"
"""The folder of homes that are not all made yet."""

folder_option = click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Where the homes n1, n2 ... are.",
)


@click.group("cluster")
def cluster() -> None:
    """Run a community of several nodes on this machine, each with its own home."""


@cluster.command("up")
@click.option("--nodes", type=click.IntRange(1, NODES_MAX), default=4, help="So many nodes.")
@click.option("--rules", metavar="RULES", help="Found it with these: a template's name, or a file.")
@folder_option
def up(nodes: int, rules: str | None, folder: Path) -> None:
    """Found a community of several nodes, or start the one that is here.

    Where the rules ask for more than an invite, its members vouch for each other. Returns when all
    are connected and hold the same.
    """
    community = _open(folder)
    if not community.names():
        say(_("Making {count} homes in {folder}.").format(count=nodes, folder=folder))
        found(folder, nodes, rules)
    names = community.names()
    say(_("Starting {count} nodes.").format(count=len(names)))
    try:
        community.start(names)
        _vouch([community.home(name) for name in names])
        states = community.wait_equal(EQUAL_SECONDS_MAX + EQUAL_SECONDS_PER_NODE * len(names))
    except BaseException:
        community.down()
        raise
    _show(states)
    say(_("All are connected and hold the same."))


@cluster.command("status")
@folder_option
@click.option("--wait", is_flag=True, help="Wait until those that run hold the same.")
@form_option(Form.TEXT, Form.JSON)
def status(folder: Path, wait: bool, form: Form) -> None:
    """Say of each node whether it runs and what it holds."""
    from commonweal.node.control.cluster import is_equal

    community = _open(folder)
    states = community.nodes()
    running = [state for state in states if state.running]
    if wait and not is_equal(running):
        seconds = EQUAL_SECONDS_MAX + EQUAL_SECONDS_PER_NODE * len(running)
        community.wait_equal(seconds, [state.name for state in running])
        states = community.nodes()
        running = [state for state in states if state.running]
    if form is Form.JSON:
        return write_json({"equal": is_equal(running), "nodes": [_row(state) for state in states]})
    return _show(states)


@cluster.command("kill")
@folder_option
@click.argument("name")
def kill(folder: Path, name: str) -> None:
    """End a node with SIGKILL, as a crash would."""
    _open(folder).kill(name)
    say(_("{name} was killed.").format(name=name))


@cluster.command("stop")
@folder_option
@click.argument("name")
def stop(folder: Path, name: str) -> None:
    """End a node in order."""
    _open(folder).stop(name)
    say(_("{name} ended.").format(name=name))


@cluster.command("start")
@folder_option
@click.argument("name")
def start(folder: Path, name: str) -> None:
    """Start a node that was killed or stopped."""
    _open(folder).start([name])
    say(_("{name} runs.").format(name=name))


@cluster.command("down")
@folder_option
def down(folder: Path) -> None:
    """End all nodes; their homes stay."""
    ended = _open(folder).down()
    say(_("Ended: {names}.").format(names=", ".join(ended) or "-"))


def found(folder: Path, nodes: int, rules: str | None = None) -> None:
    """Make the homes n1 .. nN: n1 founds the community, the others hold its invite.

    They are made beside their places, so that who interrupts it can begin again. Their keystores
    have no passphrase: it is a cluster to try things out. rules: a template's name or a file, read
    before a home is made. Raises BadRuleset, UnreadableFile.
    """
    document_of_rules(NO_RULES if rules is None else rules)
    making = folder / MAKING
    if making.exists():
        shutil.rmtree(making)
    making.mkdir(parents=True)
    homes = [Home(making / f"n{number}") for number in range(1, nodes + 1)]
    _make(homes, rules)
    for home in homes:
        home.path.rename(folder / home.path.name)
    making.rmdir()


def _make(homes: list[Home], rules: str | None) -> None:
    for number, home in enumerate(homes):
        round_ = number // len(MEMBERS)
        name = MEMBERS[number % len(MEMBERS)] + (f" {round_ + 1}" if round_ else "")
        make_home(home, name, None, "en")
        _choose_port(home)
    found_community(homes[0], "Lanxi", rules=rules)
    if len(homes) > 1 and rules is None:
        link = _link(homes[0], len(homes) - 1)
        for home in homes[1:]:
            ask_to_join(home, link)
    for home in homes[1:] if rules is not None else ():
        # One invite after the other, so that every cut admits them in this order: who comes later
        # may need the vouch of who was there before.
        ask_to_join(home, _link(homes[0], 1))


def _vouch(homes: list[Home]) -> None:
    """Let members vouch for who asks to join, while the rules ask for more than an invite.

    Returns once a seal has all of them with their names: until then the order of records that come
    late may undo an admission. Gives up after a while: who is no member by then is named by the
    wait for equal nodes.
    """
    from commonweal.client.inbox import REQUEST
    from commonweal.client.member import Member

    deadline = time.monotonic() + EQUAL_SECONDS_PER_NODE * len(homes)
    while time.monotonic() < deadline:
        with Member(homes[0]) as founder:
            if founder.view.kept.rules.membership.vouches < 2:
                return
            with suppress(NotYet):
                founder.seal()
            final = founder.view.kept.final
            admitted = [row for row in membership.members(final) if row.status == ACTIVE]
            if len(admitted) == len(homes) and all(row.profile for row in admitted):
                return
        for home in homes[1:]:
            # Their node may not know yet that they are members, or know that enough have vouched.
            with Member(home) as member, suppress(NotYet, NotPermitted, UnknownId):
                for row in member.inbox().rows:
                    if row.kind == REQUEST and row.member is not None:
                        member.vouch(row.member.hex())
        time.sleep(LOOK_S)


def _link(home: Home, uses: int) -> CommunityLink:
    """Return an invite of the node of `home`, as it will be reached on loopback."""
    from commonweal.node.service.events import Wish

    seed = os.urandom(keys.SEED_BYTES)
    wish = Wish("invite.create", {"key": keys.Signer(seed).key, "uses": uses})
    with folded(home) as ledger:
        drafts = ledger.drafts()
        drafts.add(wish)
        (written,) = drafts.write(home)
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        clock = store.clock_of(written.id)
    assert clock is not None
    device_seed = keystore.unlock(home.keystore, None).device_seed
    peer = keys.PeerKey(keys.peer_signer(device_seed).key)
    contact = Contact(peer, (f"/ip4/127.0.0.1/tcp/{settings.port}",))
    return CommunityLink(settings.here, (contact,), Invite(written.id, clock, seed))


def _choose_port(home: Home) -> None:
    """Give a home a port at which nothing listens now."""
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        port = settings.port or new_port()
        while not _is_free(port):
            port = new_port()
        settings._replace(port=port).put(store)
        store.commit()


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _open(folder: Path) -> Cluster:
    from commonweal.node.control.cluster import Cluster

    return Cluster(folder)


def _row(state: NodeState) -> dict[str, Any]:
    return {
        "name": state.name,
        "running": state.running,
        "pid": state.pid,
        "records": state.records,
        "frontier": state.digest.hex(),
        "state": state.state,
        "members_connected": state.members,
        "addresses": list(state.addresses),
    }


def _show(states: list[NodeState]) -> None:
    rows = [
        _row(state)
        | {"runs": _("yes") if state.running else _("no"), "holds": state.digest.hex()[:8]}
        for state in states
    ]
    columns = [
        Column("name", _("node")),
        Column("runs", _("runs")),
        Column("pid", _("process"), is_number=True),
        Column("records", _("records"), is_number=True),
        Column("holds", _("holds")),
        Column("members_connected", _("connected with"), is_number=True),
    ]
    write_table(columns, rows)
