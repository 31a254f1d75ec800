"""A member restored from 24 words gets the records back from a peer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from commonweal.node.control import daemon
from commonweal.protocol.errors import NotReachable
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.protocol.keys import DeviceKey
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.settings import RESTORING
from tests.builders import homes
from tests.builders.weal import good, weal
from tests.commands.keep.test_restore import from_words, settings_of, words_of

LOOPBACK = "/ip4/127.0.0.1/tcp/{port}"


CALM_SECONDS_MAX = 30.0


def at_loopback(home: Home) -> str:
    with home.store(readonly=True) as store:
        return LOOPBACK.format(port=Settings.read(store).port)


def up(home: Home, nodes: ExitStack) -> None:
    """Run the node of a home in the background until `nodes` ends."""

    def end() -> None:
        with suppress(NotReachable):
            daemon.kill(home)

    nodes.callback(end)
    secrets = keystore.unlock(home.keystore, None)
    daemon.NodeProcess(home, secrets, listen=(at_loopback(home),), mdns=False).addresses()


def comes(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + CALM_SECONDS_MAX
    while not true():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.1)


def state(home: Home) -> str:
    text: str = good("status", "--home", home.path, "-o", "json").json["state"]
    return text


def hours(home: Home) -> list[str]:
    """What was worked, as a home has it."""
    listed = good("ledger", "--home", home.path, "--action", "work", "-o", "json").json
    return sorted(row["quantity"] for row in listed["records"])


def device_state(home: Home, device: bytes) -> str:
    listed = good("device", "list", "--home", home.path, "-o", "json").json["devices"]
    (found,) = (one["status"] for one in listed if one["device"] == device.hex())
    return str(found)


def is_revoked_after_a_seal(home: Home, device: DeviceKey) -> bool:
    """Seal what there is, so that the seat can move, and say whether the device is revoked then."""
    good("record", "work", "1", "hour", "--home", home.path)
    good("seal", "--home", home.path)
    return weal("device", "revoke", device.hex()[:8], "--home", home.path).code == 0


def test_from_words_a_peer_gives_back_the_records_and_nothing_forks(tmp_path: Path) -> None:
    """A member loses the device; words and one peer restore what they wrote."""
    mei = homes.founder(tmp_path / "mei")
    good("record", "work", "3", "hour", "--home", mei.path)
    lost = settings_of(mei.path).device
    link = CommunityLink(
        settings_of(mei.path).here,
        (Contact(homes.identity(mei).peer, (at_loopback(mei),)),),
        None,
    )
    new = Home(tmp_path / "new")
    assert from_words(new.path, words_of(mei.path), link).code == 0
    with ExitStack() as nodes:
        up(new, nodes)
        time.sleep(0.5)
        assert state(new) == "awaiting-restore"
        assert weal("record", "work", "9", "hour", "--home", new.path).code == 75
        up(mei, nodes)
        comes(lambda: state(new) == "member")
        comes(lambda: hours(new) == ["3"])
        good("record", "work", "9", "hour", "--home", new.path)
        good("record", "work", "4", "hour", "--home", mei.path)
        comes(lambda: hours(new) == hours(mei) == ["3", "4", "9"])
        assert weal("device", "revoke", lost.hex()[:8], "--home", new.path).code == 77
        good("role", "claim", "witness", "--yes", "--home", new.path)  # the seat moves first
        comes(lambda: is_revoked_after_a_seal(new, lost))
        comes(lambda: device_state(mei, lost) == "revoked")
        comes(lambda: weal("record", "work", "5", "hour", "--home", mei.path).code == 77)
    with new.store(readonly=True) as store:
        assert [row.frozen for row in store.logs()] == [None, None]
        assert store.setting(RESTORING) is None
    status = good("status", "--home", new.path, "-o", "json").json
    assert status["member_name"] == "Mei"
    good("verify", "--home", new.path)
