"""Members whose nodes lost each other meet again by a link that is made now."""

from __future__ import annotations

import json
import time
from pathlib import Path

from commonweal.node.control.client import LocalClient
from commonweal.node.control.messages.held_records import Wait
from commonweal.node.control.messages.node_status import Peers, PeerStatus
from commonweal.node.service.peers.overlay import RETRY_MS_MIN
from commonweal.storage.home.home import Home
from tests.builders import homes
from tests.cluster.test_cluster import admitted, running, weal, write


def test_who_cannot_be_dialled_enters_the_link_of_a_node_that_moved(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    bo = homes.newcomer(tmp_path / "bo", homes.invited(mei))
    with running(bo):
        with running(mei, homes.at_its_port(mei).listen):
            admitted(bo)
        with mei.lock(), mei.store() as store:  # as where nobody can dial Bo
            store.change("DELETE FROM address")
            store.commit()
        with running(mei) as moved:
            time.sleep(2 * RETRY_MS_MIN / 1000)
            assert _connected(mei) == _connected(bo) == []
            link = weal("invite", "create", "-o", "json", home=mei)
            assert weal("start", json.loads(link.stdout)["link"], home=bo).returncode == 0
            (id,) = write(mei, 1)
            with LocalClient(mei.socket, patience_s=10) as line:
                assert line.ask(Wait((id,), 1)).held_by == 1
            assert [peer.address for peer in _connected(bo)] == [_bare(moved[0])]
    with bo.store(readonly=True) as store:
        assert _bare(moved[0]) in store.addresses()[0].addresses


def test_a_newcomer_joins_by_the_code_that_a_running_node_offers(tmp_path: Path) -> None:
    mei = homes.founder(tmp_path / "mei")
    offline = json.loads(weal("invite", "create", "-o", "json", home=mei).stdout)
    assert offline["code"] is None
    bo = Home(tmp_path / "bo")
    assert weal("init", "--name", "Bo", "--no-passphrase", home=bo).returncode == 0
    listen = homes.at_its_port(mei).listen
    with running(mei, listen):
        code = json.loads(weal("invite", "create", "-o", "json", home=mei).stdout)["code"]
        shown = weal("invite", "create", home=mei).stdout
        assert any(len(line) == len(code) and line.count("-") == 6 for line in shown.splitlines())
        typed = code.lower().replace("-", " ")
        wrong = weal("join", code[:-1] + ("2" if code[-1] != "2" else "3"), home=bo)
        assert (wrong.returncode, "mistyped" in wrong.stderr) == (65, True)
        joined = weal("join", typed, home=bo)
        assert joined.returncode == 0 and "member" in joined.stdout, joined
    with running(mei, listen):  # started again: it remembers no code
        gone = weal("join", code, home=homes.founder(tmp_path / "cai", "Cai"))
        assert gone.returncode == 77 and "does not know this code" in gone.stderr
    gone = weal("join", code, home=bo)
    assert gone.returncode == 69


def _bare(address: str) -> str:
    return address.partition("/p2p/")[0]


def _connected(home: Home) -> list[PeerStatus]:
    with LocalClient(home.socket, patience_s=10) as line:
        return [peer for peer in line.ask(Peers()).peers if peer.standing == "member"]
