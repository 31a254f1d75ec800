"""`weal up` and `weal down`: the node of a home, in this terminal or in the background."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonweal.client.home.node_client import ask_if_running
from commonweal.commands.terminal.language import _, sentence
from commonweal.commands.terminal.options import home_option, passphrase_option, unlock
from commonweal.commands.terminal.output import flush, say
from commonweal.protocol.errors import (
    CommonwealError,
    HomeInUse,
    NodeNotRunning,
    NodeRunsAlready,
)
from commonweal.storage.home.home import Home, Settings

if TYPE_CHECKING:
    from commonweal.node.runtime.config import Config
    from commonweal.storage.home.keystore import Secrets


@click.command("up")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Listen here, as /ip4/127.0.0.1/tcp/0; else everywhere, at the home's own port.",
)
@click.option(
    "--announce",
    multiple=True,
    metavar="ADDRESS",
    help="Others reach this node here: a name or number, with or without :PORT, or a multiaddr.",
)
@click.option("--background", is_flag=True, help="Go on without this terminal.")
@click.option("--no-mdns", is_flag=True, help="Do not look for nodes on the local network.")
@click.option("--no-port-mapping", is_flag=True, help="Do not ask the router to forward the port.")
@click.option("--no-relay", is_flag=True, help="Do not relay links between other members.")
@click.option("--detached", is_flag=True, hidden=True)
@passphrase_option
@home_option
def up(
    listen: tuple[str, ...],
    announce: tuple[str, ...],
    background: bool,
    no_mdns: bool,
    no_port_mapping: bool,
    no_relay: bool,
    detached: bool,
    passphrase_file: Path | None,
    home: Home,
) -> int:
    """Run the node of this home until Ctrl-C, or until `weal down`."""
    from commonweal.node.runtime import config

    settings = config.read(config.system_file(), home.config)
    flags = {
        "mdns": not no_mdns,
        "port_mapping": not no_port_mapping,
        "relay": not no_relay,
    }
    settings = config.with_flags(settings, listen=listen, announce=announce, **flags)
    if detached:
        return _detached(home, settings)
    with home.store(readonly=True) as store:
        Settings.read(store).here  # noqa: B018  raises without a community
    if (pid := home.holder()) is not None:
        from commonweal.node.control.messages.node_status import Status

        in_use = HomeInUse if ask_if_running(home, Status()) is None else NodeRunsAlready
        raise in_use(f"{home.path}: process {pid or '?'}")
    secrets = unlock(home, passphrase_file)
    if background:
        for address in start(home, secrets, listen=listen, announce=announce, **flags):
            say(address)
        return 0
    _run(home, secrets, settings, None, _say_addresses)
    return 0


@click.command("down")
@home_option
def down(home: Home) -> None:
    """End the node of this home, and its page."""
    from commonweal.node.control import daemon
    from commonweal.web.serving import background

    was_page = background.stop(home.path)
    try:
        daemon.stop(home)
    except NodeNotRunning:
        if not was_page:
            raise
        say(_("The page ended; no node ran."))
    else:
        say(_("The node ended."))


def start(
    home: Home,
    secrets: Secrets,
    *,
    listen: tuple[str, ...] = (),
    announce: tuple[str, ...] = (),
    mdns: bool = True,
    port_mapping: bool = True,
    relay: bool = True,
) -> list[str]:
    """Start the node of a home in the background; return its addresses once it answers.

    Raises NodeNotStarted with the reason.
    """
    from commonweal.node.control.daemon import NodeProcess

    flags = {"mdns": mdns, "port_mapping": port_mapping, "relay": relay}
    return NodeProcess(home, secrets, listen=listen, announce=announce, **flags).addresses()


def _run(
    home: Home,
    secrets: Secrets,
    settings: Config,
    log: Path | None,
    ready: Callable[[list[str]], None],
) -> None:
    from commonweal.node.control.server import LocalServer
    from commonweal.node.runtime import logs, process, process_life

    process_life.step_back()
    with logs.log_to(settings.log_level, log):
        process.run(home, secrets, settings, LocalServer, ready)


def _say_addresses(addresses: list[str]) -> None:
    for address in addresses:
        say(address)
    say(_("The node runs. Ctrl-C ends it."))
    flush()


def _detached(home: Home, settings: Config) -> int:
    """Run the process that `node.control.daemon.NodeProcess` waits for."""
    from commonweal.node.control import daemon

    def tell(report: dict[str, object]) -> None:
        say(json.dumps(report))
        flush()
        daemon.detach_pipes()

    secrets = daemon.read_seed()
    try:
        _run(home, secrets, settings, home.log, lambda addresses: tell({"addresses": addresses}))
    except CommonwealError as error:
        tell({"sentence": sentence(error), "text": str(error), "exit": error.exit_code})
        return error.exit_code
    return 0
