"""`weal prove` writes a file that `weal check-proof` believes without a home, or says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commonweal.protocol import keys
from commonweal.protocol.keys import MemberId
from commonweal.protocol.records.record import CommunityId, RecordId
from commonweal.protocol.seal import chain
from commonweal.protocol.seal.cut import Delta, SealedLog
from commonweal.protocol.seal.formats import Seal, SealedHeight
from commonweal.protocol.seal.votes import Step, certify, sign_vote
from commonweal.protocol.seal.witnesses import Witness, witness_set_root
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.seal_store import SealStore
from tests.builders.cuts import whole_cut_root
from tests.builders.weal import founder, good, weal

TIME_MS = 1_800_000_000_000


def seal(folder: Path) -> None:
    """Put the next height over all that the founder's device wrote, by the founder's vote alone."""
    home = Home(folder)
    device = keys.device_signer(keystore.unlock(home.keystore, None).device_seed)
    with home.store() as store:
        settings = Settings.read(store)
        community: CommunityId = settings.here
        seals = SealStore(store, community)
        founding = store.record(RecordId(community))
        assert founding is not None
        point = chain.founding_point(community, chain.founder_of(founding))
        logs: dict[Any, SealedLog] = {}
        for height in range(1, seals.height + 1):
            kept = seals.at(height)
            assert kept is not None
            point = chain.verify_adjacent(point, kept.sealed)
            logs |= {log.author: log for log in kept.delta.logs}
        row = store.log(settings.device)
        log = SealedLog(row.author, row.length, row.head)
        delta = Delta((log,), (settings.device,))
        set_ = (Witness(settings.device, MemberId(settings.member)),)
        height = point.height + 1
        one = Seal(
            *(
                community,
                height,
                point.seal,
                1,
                whole_cut_root({**logs, log.author: log}, delta.present),
            ),
            *(row.clock, TIME_MS + height, b"", (), witness_set_root(set_)),
            *(bytes(32), bytes(32), bytes(32)),
        )
        vote = sign_vote(device, community, height, 0, Step.PRECOMMIT, one.id)
        seals.put(SealedHeight(one, certify([vote], 1), set_), delta)
        store.commit()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return founder(tmp_path / "home")


def recorded(home: Path, *typed: str) -> str:
    found: str = good("record", *typed, "--home", home, "-o", "json").json["id"]
    return found


def proof(home: Path, tmp_path: Path, *more: str) -> tuple[str, Path]:
    """A record that a second seal covers, with two after it, and its proof."""
    seal(home)
    id = recorded(home, "work", "2.5", "hours", "--note", "seeds \x1b[31m", "--scope", "garden")
    recorded(home, "work", "1", "hour")
    recorded(home, "work", "2", "hours")
    seal(home)
    file = tmp_path / "a.weal"
    good("prove", id[:10], "--out", file, "--home", home, *more)
    return id, file


def test_a_proof_is_believed_without_a_home(home: Path, tmp_path: Path) -> None:
    id, file = proof(home, tmp_path)
    status = good("status", "--home", home, "-o", "json").json
    ran = good("check-proof", file)
    for words in (id, "work 2.5 hour for garden", "height 2", "1 of 1 witness", "Not proved"):
        assert words in ran.out
    assert "--community" in ran.out
    found = good("check-proof", file, "--community", status["community"], "-o", "json").json
    assert (found["id"], found["height"], found["community"]) == (id, 2, status["community"])
    assert found["witnesses"] == [
        {"device": status["device"], "member": status["member"], "signed": True}
    ]
    assert found["text"] is None, "texts stay at home unless they are asked for"
    assert "--community" not in good("check-proof", file, "--community", status["community"]).out


def test_the_text_is_in_it_when_asked_for_and_commands_no_terminal(
    home: Path, tmp_path: Path
) -> None:
    _, file = proof(home, tmp_path, "--with-text")
    assert good("check-proof", file, "-o", "json").json["text"] == "seeds \x1b[31m"
    out = good("check-proof", file).out
    assert "seeds" in out and "\x1b" not in out


def test_a_proof_of_another_community_is_refused(home: Path, tmp_path: Path) -> None:
    _, file = proof(home, tmp_path)
    ran = weal("check-proof", file, "--community", "ab" * 32)
    assert ran.code == 65 and "community" in ran.err
    for part in ("ab" * 31, "xy" * 32, ""):
        assert weal("check-proof", file, "--community", part).code == 65, "never by a beginning"


def test_a_changed_file_proves_nothing(home: Path, tmp_path: Path) -> None:
    _, file = proof(home, tmp_path)
    data = file.read_bytes()
    for place in range(0, len(data), 37):
        file.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        ran = weal("check-proof", file)
        assert ran.code == 65 and "Proved" not in ran.out
    file.unlink()
    assert weal("check-proof", file).code == 65


def test_what_is_not_sealed_has_no_proof_yet(home: Path, tmp_path: Path) -> None:
    id = recorded(home, "work", "1", "hour")
    file = tmp_path / "none.weal"
    ran = weal("prove", id, "--home", home, "--out", file)
    assert ran.code == 75 and "weal seal" in ran.err
    assert not file.exists()
    seal(home)
    good("prove", id, "--home", home, "--out", file)
    later = recorded(home, "work", "1", "hour")
    assert weal("prove", later, "--home", home).code == 75


def test_a_proof_is_written_where_it_can_be_or_the_reason_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(home)
    community = good("status", "--home", home, "-o", "json").json["community"]
    assert weal("prove", community, "--home", home, "--out", tmp_path).code == 65
    assert weal("prove", community, "--home", home, "--out", tmp_path / "no" / "a").code == 73
    assert weal("prove", "ffff", "--home", home).code == 65
    assert weal("prove", "ff", "--home", home).code == 65
    monkeypatch.chdir(tmp_path)
    row = good("prove", community, "--home", home, "-o", "json").json
    assert row["file"] == f"proof-{community[:8]}.weal"
    assert row["bytes"] == (tmp_path / row["file"]).stat().st_size
    found = good("check-proof", row["file"], "-o", "json").json
    assert (found["kind"], found["height"]) == ("community.found", 1)
