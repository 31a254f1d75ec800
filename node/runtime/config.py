"""The settings of a node: from a file, then the environment, then flags; the later wins.

The files are config.toml in the home, and before it one in the usual place of the system. An
unknown key, or a value of another type, is an error with file and line: a setting that is silently
ignored is worse than none. Nothing here applies a setting.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from commonweal.protocol.errors import BadSetting
from commonweal.protocol.identity.invite import CIRCUIT, is_address, is_circuit

FILE_BYTES_MAX = 8 * 1024
"""Parsing TOML takes time that grows with the square of its length."""
LISTEN_MAX = 16
RELAYS_MAX = 8
RELAY_EXAMPLE = "/dns/relay.example.org/tcp/4002/p2p/12D3KooW..., as `weal relay` prints them"
ANNOUNCE_MAX = 8
ANNOUNCE_EXAMPLES = "home.example.org, home.example.org:4001 or /ip4/1.2.3.4/tcp/4001"
NAME = re.compile(r"(?=.{1,200}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
"""A DNS name as a setting has it; other scripts are written in their ASCII form."""
PREFIX = "COMMONWEAL_"
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a node.

    listen: multiaddrs; empty for every interface at the home's own port. mdns: look for
    nodes on the local network. announce: multiaddrs at which others reach this node, port 0 for the
    one listened to. port_mapping: ask the home's router to forward the port.
    relay: relay links between members. relays: addresses of helpers to be reached through,
    /ip4/1.2.3.4/tcp/4002/p2p/KEY. log_level: one of LOG_LEVELS. metrics_port: where /metrics
    and /health are served on 127.0.0.1; 0 for nowhere.
    """

    listen: tuple[str, ...] = ()
    mdns: bool = True
    announce: tuple[str, ...] = ()
    port_mapping: bool = True
    relay: bool = True
    relays: tuple[str, ...] = ()
    log_level: str = "info"
    metrics_port: int = 0


def system_file() -> Path:
    """Return the path of the settings for all homes of this user."""
    from platformdirs import user_config_path

    return user_config_path("commonweal", appauthor=False) / "config.toml"


def read(*files: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Return the settings of the files that exist, in order, then of the environment.

    environment: that of the process when None. Raises BadSetting.
    """
    config = Config()
    for file in files:
        config = _from_file(config, file)
    given = os.environ if environment is None else environment
    for field in fields(Config):
        name = PREFIX + field.name.upper()
        if given.get(name):
            value = _read_text(field.name, given[name])
            config = _with(config, field.name, value, name)
    return config


def with_flags(
    config: Config,
    *,
    listen: tuple[str, ...] = (),
    announce: tuple[str, ...] = (),
    mdns: bool = True,
    port_mapping: bool = True,
    relay: bool = True,
) -> Config:
    """Return the settings changed by the flags of the command line. Raises BadSetting."""
    if announce:
        config = _with(config, "announce", list(announce), "--announce")
    return replace(
        config,
        listen=listen or config.listen,
        mdns=config.mdns and mdns,
        port_mapping=config.port_mapping and port_mapping,
        relay=config.relay and relay,
    )


def _from_file(config: Config, file: Path) -> Config:
    try:
        with file.open("rb") as opened:
            text = opened.read(FILE_BYTES_MAX + 1).decode()
    except FileNotFoundError:
        return config
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{file}: {error}") from error
    if len(text) > FILE_BYTES_MAX:
        raise BadSetting(f"{file}: more than {FILE_BYTES_MAX} bytes")
    try:
        settings = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSetting(f"{file}: {error}") from error
    for key, value in settings.items():
        config = _with(config, key, value, f"{file}, line {_line(text, key)}")
    return config


def _with(config: Config, key: str, value: Any, place: str) -> Config:
    """Return the settings with one changed. place: file and line, or variable, for errors."""
    setting = _SETTINGS.get(key)
    if setting is None:
        known = ", ".join(sorted(_SETTINGS))
        raise BadSetting(f"{place}: {key!r} is not a setting; these are: {known}")
    read_value, wanted = setting
    try:
        checked = read_value(value)
    except ValueError as error:
        raise BadSetting(f"{place}: {key} is {wanted}, not {value!r}") from error
    return replace(config, **{key: checked})


def _line(text: str, key: str) -> int:
    """Return the line on which a key of the top level stands, as an assignment or a table."""
    quoted = re.escape(key)
    name = rf"(?:{quoted}|\"{quoted}\"|'{quoted}')"
    match = re.search(rf"^[ \t]*(?:\[+[ \t]*)?{name}[ \t]*[=.\]]", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def _read_text(key: str, text: str) -> Any:
    """Return a value of the environment as a file would hold it."""
    match key:
        case "listen" | "relays" | "announce":
            return [part for part in re.split(r"[,\s]+", text) if part]
        case "mdns" | "port_mapping" | "relay":
            return {"1": True, "true": True, "0": False, "false": False}.get(text.lower(), text)
        case "metrics_port":
            return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else text
        case _:
            return text


def _addresses(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not 0 < len(listed) <= LISTEN_MAX:
        raise ValueError
    if not all(isinstance(address, str) and address.startswith("/") for address in listed):
        raise ValueError
    return tuple(listed)


def _announced(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or len(listed) > ANNOUNCE_MAX:
        raise ValueError
    return tuple(dict.fromkeys(_announced_address(text) for text in listed))


def _announced_address(text: Any) -> str:
    """Return the multiaddr of a name or number, with or without a port. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError  # noqa: TRY004  one error says that a value does not fit
    if text.startswith("/"):
        address = text
    else:
        match = re.fullmatch(r"\[?([^][/]+?)\]?(?::(\d{1,5}))?", text) if _colons(text) else None
        host, port = match.groups() if match else (text, None)
        address = f"/{_kind(host)}/{host}/tcp/{int(port or 0)}"
    own_port = address.removesuffix("/tcp/0")
    if not is_address(address if own_port == address else f"{own_port}/tcp/1"):
        raise ValueError
    kind, host = address.split("/")[1:3]
    if _kind(host) != (kind if kind.startswith("ip") else "dns"):
        raise ValueError
    return address


def _colons(text: str) -> bool:
    """Return whether what stands behind a colon is a port: an IPv6 number has no other bracket."""
    return text.count(":") < 2 or text.startswith("[")


def _kind(host: str) -> str:
    try:
        return f"ip{ip_address(host).version}"
    except ValueError:
        if not NAME.fullmatch(host):
            raise
        return "dns"


def _relays(value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or len(listed) > RELAYS_MAX:
        raise ValueError
    if not all(isinstance(text, str) and is_circuit(f"{text}{CIRCUIT}") for text in listed):
        raise ValueError
    if not all(is_address(f"{text}{CIRCUIT}") for text in listed):
        raise ValueError
    return tuple(listed)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004  one error says that a value does not fit
    return value


def _level(value: Any) -> str:
    if value not in LOG_LEVELS:
        raise ValueError
    return str(value)


def _port(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 16:
        raise ValueError
    return value


_SETTINGS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "listen": (_addresses, f"1 to {LISTEN_MAX} addresses like /ip4/0.0.0.0/tcp/4001"),
    "mdns": (_truth, "true or false"),
    "announce": (_announced, f"at most {ANNOUNCE_MAX} addresses like {ANNOUNCE_EXAMPLES}"),
    "port_mapping": (_truth, "true or false"),
    "relay": (_truth, "true or false"),
    "relays": (_relays, f"at most {RELAYS_MAX} addresses like {RELAY_EXAMPLE}"),
    "metrics_port": (_port, "a port from 1 to 65535, or 0 for none"),
    "log_level": (_level, f"one of {', '.join(LOG_LEVELS)}"),
}
