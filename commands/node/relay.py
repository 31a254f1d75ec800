"""`weal relay`: a helper through which members reach each other who cannot do so directly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from commonweal.commands.terminal.language import N_, _
from commonweal.commands.terminal.options import form_option
from commonweal.commands.terminal.output import Form, flush, say

LISTEN = ("/ip4/0.0.0.0/tcp/4002", "/ip6/::/tcp/4002")
KIB = 1024
COUNT_MAX = 4_096
RATE_KIB_MAX = 4 * KIB * KIB
SECONDS_MAX = 86_400


def _bound(name: str, default: int, most: int, help_text: str) -> Callable[[Any], Any]:
    """Return an option of a whole number from 1 to `most`."""
    kind = click.IntRange(1, most)
    return click.option(name, type=kind, default=default, show_default=True, help=help_text)


@click.command("relay")
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    help="Listen here, as /ip4/0.0.0.0/tcp/4002; else everywhere, at port 4002.",
)
@click.option(
    "--announce",
    multiple=True,
    metavar="ADDRESS",
    help="Print this address, as /dns/relay.example.org/tcp/4002, where it is reached there.",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The relay's own key; made when it is missing. Else relay.key in the usual place.",
)
@_bound("--reservations", 256, COUNT_MAX, N_("Peers that keep a place at most."))
@_bound("--of-network", 32, COUNT_MAX, N_("Of these, peers from one network at most."))
@_bound("--circuits", 128, COUNT_MAX, N_("Links at once at most."))
@_bound("--of-peer", 16, COUNT_MAX, N_("Of these, links of one peer at most."))
@_bound("--rate", 8 * KIB, RATE_KIB_MAX, N_("KiB a second of one link."))
@_bound("--total-rate", 32 * KIB, RATE_KIB_MAX, N_("KiB a second of all links."))
@_bound("--idle", 90, SECONDS_MAX, N_("Seconds after which a silent link ends."))
@_bound("--every", 60, SECONDS_MAX, N_("With -o json: seconds between two lines of counts."))
@form_option(Form.TEXT, Form.JSON)
def relay(
    listen: tuple[str, ...],
    announce: tuple[str, ...],
    key: Path | None,
    form: Form,
    every: int,
    **bounds: int,
) -> int:
    """Run a relay until Ctrl-C: a helper that is no member and reads nothing.

    Name the address that it prints in the settings of members who cannot be reached, as relays.
    """
    from commonweal.node.network.relay.relay_limits import RelayLimits
    from commonweal.node.runtime import logs, relay_process

    settings = relay_process.RelaySettings(
        key=key or default_key(),
        listen=listen or LISTEN,
        limits=RelayLimits(
            reservations=bounds["reservations"],
            reservations_network=bounds["of_network"],
            circuits=bounds["circuits"],
            circuits_network=max(1, bounds["circuits"] // 2),
            circuits_peer=bounds["of_peer"],
            circuits_between=max(1, bounds["of_peer"] // 2),
            circuit_bytes_per_s=bounds["rate"] * KIB,
            bytes_per_s=bounds["total_rate"] * KIB,
            idle_s=bounds["idle"],
        ),
        announce=checked(announce),
        every_s=every,
    )
    with logs.log_to("info", None):
        relay_process.run(settings, _ready(form), _told(form))
    return 0


def default_key() -> Path:
    """Return where the key of a relay is kept when no file is named."""
    from platformdirs import user_data_path

    return user_data_path("commonweal", appauthor=False) / "relay.key"


def checked(announce: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses of the command line. Raises UsageError for what is none."""
    from commonweal.protocol.errors import UsageError
    from commonweal.protocol.identity.invite import is_address, is_circuit

    for address in announce:
        if not is_address(address) or is_circuit(address):
            words = _("{address} is no address like /dns/relay.example.org/tcp/4002")
            raise UsageError(words.format(address=address))
    return announce


def _ready(form: Form) -> Callable[[tuple[str, ...]], None]:
    def tell(addresses: tuple[str, ...]) -> None:
        if form is Form.JSON:
            _line({"addresses": list(addresses)})
            return
        for address in addresses:
            say(address)
        say(_("The relay runs. Ctrl-C ends it."))
        flush()

    return tell


def _told(form: Form) -> Callable[[dict[str, int]], None]:
    return _line if form is Form.JSON else lambda counts: None


def _line(values: dict[str, Any]) -> None:
    """Write one line of JSON: this command goes on, so each line is a value of its own."""
    say(json.dumps(values, sort_keys=True))
    flush()
