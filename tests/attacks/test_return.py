"""Members who lost everything come back on real nodes: from words, and by their sponsors."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from commonweal.node.service.events import DRAFTS_MAX, Wish
from commonweal.protocol.identity.invite import CommunityLink, Contact
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.builders.weal import good, weal
from tests.commands.keep.test_restore import from_words, settings_of, words_of
from tests.commands.keep.test_restore_from_peers import (
    at_loopback,
    comes,
    device_state,
    state,
    up,
)
from tests.commands.members.test_key import device_link, id_of, restored

RECORDS = 10_000
RESTORED_S_MAX = 60.0


def records(home: Home) -> int:
    count: int = good("status", "--home", home.path, "-o", "json").json["records"]
    return count


def test_a_log_of_ten_thousand_records_comes_back_in_a_minute(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    wish = Wish("event", {"action": "work", "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"}})
    for _ in range(RECORDS // DRAFTS_MAX):
        homes.write(mei, *[wish] * DRAFTS_MAX)
    held = records(mei)
    assert held > RECORDS
    contact = Contact(homes.identity(mei).peer, (at_loopback(mei),))
    link = CommunityLink(settings_of(mei.path).here, (contact,), None)
    new = Home(tmp_path / "new")
    with ExitStack() as nodes:
        up(mei, nodes)
        assert from_words(new.path, words_of(mei.path), link).code == 0
        begun = time.monotonic()
        up(new, nodes)
        while state(new) != "member" or records(new) < held + 1:
            assert time.monotonic() - begun < RESTORED_S_MAX, f"{records(new)} of {held + 1}"
            time.sleep(0.2)
        good("record", "work", "1", "hour", "--home", new.path)
    good("verify", "--home", new.path)


def test_who_lost_all_but_his_friends_is_back_and_ends_the_lost_device(tmp_path: Path) -> None:
    """Mei founded, Bo named Mei as a sponsor and lost home and words."""
    mei = homes.founder(tmp_path / "mei")
    with ExitStack() as nodes:
        bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
        up(mei, nodes)
        with ExitStack() as lost:
            up(bo, lost)
            comes(lambda: state(bo) == "member")
            good("record", "work", "3", "hour", "--home", bo.path)
            good("key", "sponsors", id_of(mei)[:8], "--home", bo.path)
            whole = records(bo)
            comes(lambda: records(mei) >= whole)
        fresh = good("key", "new", "-o", "json").json
        good("key", "give", id_of(bo)[:8], fresh["code"], "--yes", "--home", mei.path)
        thief, back = Home(tmp_path / "thief"), Home(tmp_path / "back")
        assert restored(back.path, fresh["words"], device_link(mei, id_of(bo)[:8])).code == 0
        assert restored(thief.path, words_of(bo.path), device_link(mei)).code == 0
        up(back, nodes)
        comes(lambda: state(back) == "member")
        good("record", "work", "4", "hour", "--home", back.path)
        up(thief, nodes)
        lost_device = settings_of(bo.path).device
        good("device", "revoke", lost_device.hex()[:8], "--home", back.path)
        comes(lambda: device_state(mei, lost_device) == "revoked")
        assert state(thief) == "awaiting-restore"
        assert weal("record", "work", "9", "hour", "--home", thief.path).code == 75
        assert records(thief) == 1
