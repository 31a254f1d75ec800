"""Settings of a node: which place wins, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.node.runtime import config
from commonweal.node.runtime.config import Config
from commonweal.protocol.errors import (
    BadSetting,
)

RELAY = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"


def test_a_later_place_of_settings_wins_over_an_earlier(tmp_path: Path) -> None:
    system, own = tmp_path / "system.toml", tmp_path / "own.toml"
    system.write_text('listen = "/ip4/1.2.3.4/tcp/1"\nlog_level = "debug"\nmdns = false\n')
    own.write_text('log_level = "error"\nlisten = ["/ip6/::1/tcp/2"]\n')
    found = config.read(system, own, tmp_path / "missing.toml", environment={})
    assert found == Config(("/ip6/::1/tcp/2",), mdns=False, log_level="error")
    found = config.read(system, own, environment={"COMMONWEAL_MDNS": "1"})
    assert found.mdns
    assert config.with_flags(found, listen=("/ip4/0.0.0.0/tcp/3",)).listen[0].endswith("3")
    assert not config.with_flags(found, mdns=False).mdns
    assert found.port_mapping
    assert not config.with_flags(found, port_mapping=False).port_mapping
    assert found.relay
    assert not config.with_flags(found, relay=False).relay
    assert not config.read(environment={"COMMONWEAL_RELAY": "false"}).relay
    found = config.read(system, own, environment={"COMMONWEAL_PORT_MAPPING": "0"})
    assert not config.with_flags(found).port_mapping


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("home.example.org", "/dns/home.example.org/tcp/0"),
        ("home.example.org:4001", "/dns/home.example.org/tcp/4001"),
        ("198.51.100.7", "/ip4/198.51.100.7/tcp/0"),
        ("198.51.100.7:4001", "/ip4/198.51.100.7/tcp/4001"),
        ("2001:db8::5", "/ip6/2001:db8::5/tcp/0"),
        ("[2001:db8::5]:4001", "/ip6/2001:db8::5/tcp/4001"),
        ("/dns4/home.example.org/tcp/4001", "/dns4/home.example.org/tcp/4001"),
        ("/ip6/2001:db8::5/tcp/0", "/ip6/2001:db8::5/tcp/0"),
    ],
)
def test_an_address_to_announce_is_a_name_a_number_or_a_multiaddr(told: str, address: str) -> None:
    assert config.with_flags(Config(), announce=(told,)).announce == (address,)
    assert config.read(environment={"COMMONWEAL_ANNOUNCE": f"{told}, {told}"}).announce == (
        address,
    )


@pytest.mark.parametrize(
    "told",
    [
        *(
            "",
            "/",
            "home example",
            "home.example.org:99999",
            "home.example.org:x",
            "a/b",
            "http://a",
        ),
        *(
            "/ip4/1.2.3/tcp/1",
            "/ip4/home.example.org/tcp/1",
            "/dns/1.2.3.4/tcp/1",
            "1.2.3.4:",
            "é.org",
        ),
        *("/ip4/1.2.3.4/udp/1", "[2001:db8::5", "a" * 300, "-" * 64, "[home.example.org]x"),
    ],
)
def test_what_is_no_address_to_announce_is_refused(told: str) -> None:
    with pytest.raises(BadSetting, match="--announce: announce is at most 8 addresses"):
        config.with_flags(Config(), announce=(told,))


def test_few_addresses_are_announced() -> None:
    few = tuple(f"198.51.100.{number}" for number in range(config.ANNOUNCE_MAX))
    assert len(config.with_flags(Config(), announce=few).announce) == config.ANNOUNCE_MAX
    with pytest.raises(BadSetting):
        config.with_flags(Config(), announce=(*few, "198.51.100.99"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('mdns = true\n\nlisen = "/ip4/1.2.3.4/tcp/1"\n', 3),
        ('mdns = "yes"\n', 1),
        ("port_mapping = 1\n", 1),
        ("announce = 4001\n", 1),
        ('announce = ["home.example.org", 1]\n', 1),
        ('relay = "on"\n', 1),
        ('relays = "/dns/relay.example.org/tcp/4002"\n', 1),
        (f'relays = "/dns/relay.example.org/tcp/0/p2p/{RELAY}"\n', 1),
        (f'relays = "/dns/relay.example.org/tcp/4002/p2p/{RELAY}/p2p-circuit"\n', 1),
        (f"relays = {[f'/ip4/192.0.2.1/tcp/{n}/p2p/{RELAY}' for n in range(1, 10)]}\n", 1),
        ("# listen = 1\nlisten = 1\n", 2),
        ('listen = ["here"]\n', 1),
        ("listen = []\n", 1),
        ('mdns = true\nlog_level = "loud"\n', 2),
        ("[node]\nmdns = true\n", 1),
        ("mdns = true\nmdns = false\n", 2),
        ("mdns =\n", 1),
    ],
)
def test_a_setting_that_does_not_fit_is_named_with_file_and_line(
    tmp_path: Path, text: str, line: int
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadSetting) as refused:
        config.read(file, environment={})
    assert str(file) in str(refused.value) and f"line {line}" in str(refused.value)


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 9000])
def test_what_python_cannot_read_is_named_with_its_file(tmp_path: Path, value: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"mdns = {value}\n")
    with pytest.raises(BadSetting, match="config"):
        config.read(file, environment={})


def test_relays_are_named_with_their_keys(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    addresses = [f"/ip4/192.0.2.1/tcp/{number}/p2p/{RELAY}" for number in range(1, 9)]
    file.write_text(f"relays = {addresses}")
    assert config.read(file, environment={}).relays == tuple(addresses)
    given = {"COMMONWEAL_RELAYS": " ".join(addresses[:2])}
    assert config.read(file, environment=given).relays == tuple(addresses[:2])


def test_a_variable_that_does_not_fit_is_named() -> None:
    environment: dict[str, Any] = {"COMMONWEAL_LOG_LEVEL": "loud"}
    with pytest.raises(BadSetting, match="COMMONWEAL_LOG_LEVEL"):
        config.read(environment=environment)
