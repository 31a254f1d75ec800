"""`weal verify`: one changed byte anywhere is found, and its place is named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commonweal.client.keep.integrity import Checking, IntegrityFault
from commonweal.commands.keep.verify import DAMAGED
from commonweal.node.service.events import Text, Wish
from commonweal.protocol import keys
from commonweal.protocol.codec import Value
from commonweal.protocol.records import fork_proof, log, record
from commonweal.protocol.records.record import (
    LogPosition,
    Record,
    RecordDraft,
    from_bytes_unchecked,
)
from commonweal.storage.home import keystore
from commonweal.storage.home.contents import Contents, KeptContent
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.logs.log_store import Store
from tests.builders.unasked import write
from tests.builders.weal import Ran, founder, good, weal

RECORDS = 12
FLIPS = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with records of several sizes, texts and a document; nothing in it is wrong."""
    home = founder(tmp_path_factory.mktemp("whole") / "home")
    data: dict[str, Value] = {
        "action": "work",
        "provider": bytes(16),
        "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"},
    }
    for n in range(RECORDS):
        text = Text("text/plain", f"note {n}".encode() * (1 + n * 50)) if n % 2 else None
        write(Home(home), [Wish("event", data, (), text)])
    write(Home(home), [Wish("rules.propose", {}, (), Text("", b"document" * 900, permanent=True))])
    good("seal", "--home", home)
    write(Home(home), [Wish("event", data)])  # it rests on a seal
    good("seal", "--home", home)
    good("verify", "--home", home)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "home"))


def change(home: Path, statement: str, *values: Any) -> None:
    """Change the database behind the store's back."""
    with sqlite3.connect(home / "ledger.db") as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def verify(home: Path) -> Ran:
    return weal("verify", "--home", home, "-o", "json")


def places(ran: Ran) -> list[str]:
    return [fault["where"] for fault in ran.json["faults"]]


def test_what_is_whole_is_counted(home: Path) -> None:
    ran = verify(home)
    assert ran.code == 0
    assert ran.json["faults"] == []
    assert ran.json["records"] == RECORDS + 4
    assert ran.json["bodies"] == RECORDS // 2 + 3
    assert "all is as it was signed" in good("verify", "--home", home).out


@pytest.mark.parametrize("seq", [0, 1, 5, RECORDS + 3])
@pytest.mark.parametrize("where", [-1, -64, -65, 2, 40])
def test_a_flipped_byte_of_a_record_is_named_by_its_place(seq: int, where: int, home: Path) -> None:
    with sqlite3.connect(home / "ledger.db") as connection:
        found = connection.execute("SELECT key, tail FROM record ORDER BY key").fetchall()
        key, tail = found[seq]
        flipped = bytearray(tail)
        flipped[where] ^= 0x10
        connection.execute("UPDATE record SET tail = ? WHERE key = ?", (bytes(flipped), key))
    connection.close()
    ran = verify(home)
    assert ran.code == DAMAGED
    assert any(place.endswith(f"#{seq}") for place in places(ran)), ran.out
    assert len([place for place in places(ran) if "#" in place]) <= 2
    told = weal("verify", "--home", home)
    assert told.code == DAMAGED
    assert f"#{seq}: " in told.err
    assert "weal restore" in told.out
    assert "mends records and texts by itself" in told.out


def test_a_damaged_file_is_not_left_to_the_node(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn = [IntegrityFault("the database", "row 4 missing from index")]
    monkeypatch.setattr(Checking, "_file", lambda _checking: iter(torn))
    told = weal("verify", "--home", home)
    assert told.code == DAMAGED
    assert "weal restore" in told.out
    assert "by itself" not in told.out


DAMAGE: dict[str, tuple[str, str]] = {
    "a record is gone": ("DELETE FROM record WHERE key & 1099511627775 = 4", "log"),
    "the last is gone": (
        "DELETE FROM record WHERE key = (SELECT max(key) FROM record)",
        "log",
    ),
    "two changed places": (
        "UPDATE record SET tail = (SELECT tail FROM record AS other"
        " WHERE other.key = (record.key + CASE record.key & 1 WHEN 1 THEN 1 ELSE -1 END))"
        " WHERE key & 1099511627775 IN (3, 4)",
        "#3",
    ),
    "the log claims less": ("UPDATE log SET length = length - 1", "log"),
    "another head": ("UPDATE log SET head = zeroblob(32)", "log"),
    "another clock": ("UPDATE log SET clock = clock + 1", "log"),
    "another author": ("UPDATE log SET author = zeroblob(32)", "log"),
    "another beginning": ("UPDATE log SET opening = zeroblob(70)", "#1"),
    "a text": (
        "UPDATE body SET content = zeroblob(length(content)) WHERE rowid ="
        " (SELECT min(rowid) FROM body WHERE NOT permanent)",
        "text",
    ),
    "a text is gone": ("DELETE FROM body WHERE NOT permanent", "#"),
    "a document": ("UPDATE body SET content = x'00' WHERE permanent", "text"),
    "a document is gone": ("DELETE FROM body WHERE permanent", "#"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_placed(what: str, home: Path) -> None:
    statement, place = DAMAGE[what]
    change(home, statement)
    ran = verify(home)
    assert ran.code == DAMAGED
    assert any(place in found for found in places(ran)), ran.out


def contents(home: Path) -> tuple[Any, ...] | None:
    """All that is signed or hashed, as the store would give it; None where it cannot."""
    connection = sqlite3.connect(home / "ledger.db")
    try:
        return tuple(
            sorted(connection.execute(statement).fetchall())
            for statement in (
                "SELECT key, tail FROM record",
                "SELECT hash, content FROM body",
                "SELECT author, opening, length, head, clock FROM log",
            )
        )
    except (sqlite3.Error, TypeError):
        return None
    finally:
        connection.close()


def test_a_flipped_bit_of_the_file_that_changes_anything_signed_is_found(
    whole: Path, tmp_path: Path
) -> None:
    before = contents(whole)
    data = (whole / "ledger.db").read_bytes()
    rng = random.Random(7)
    found = harmless = 0
    for n in range(FLIPS):
        home = tmp_path / str(n)
        shutil.copytree(whole, home)
        place = rng.randrange(len(data))
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.randrange(8)
        (home / "ledger.db").write_bytes(flipped)
        ran = weal("verify", "--home", home)
        if contents(home) == before:
            harmless += 1
        else:
            found += 1
            assert ran.code != 0, f"byte {place}"
        shutil.rmtree(home)
    assert found > FLIPS // 10, (found, harmless)


def signer_of(home: Path) -> keys.Signer:
    return keys.device_signer(keystore.unlock(home / "keystore", None).device_seed)


def with_fork(home: Path) -> tuple[Record, Record]:
    """Let the device fork at its end; keep proof and branch, as a node would."""
    with Home(home).lock(), Home(home).store() as store:
        settings = Settings.read(store)
        row = store.log(settings.device)
        last = from_bytes_unchecked(store.wires(row.author, row.length - 1, row.length, 0)[0])
        place = LogPosition(last.community, last.seq, last.prev, last.clock, last.basis)
        other = record.sign(signer_of(home), place, RecordDraft("event", {"other": True}, 1))
        assert store.freeze(fork_proof.check(last, other, settings.here))
        store.append_branch([other])
        store.commit()
    return last, other


def test_a_fork_with_its_proof_is_whole_and_its_damage_is_found(home: Path) -> None:
    with_fork(home)
    ran = verify(home)
    assert ran.code == 0, ran.out
    assert ran.json["proofs"] == 1
    cut = "CAST(substr(wire, 1, length(wire) - 1) || x'ff' AS BLOB)"
    change(home, f"UPDATE branch SET wire = {cut}")
    assert "branch" in places(verify(home))[0]
    change(home, f"UPDATE proof SET wire = {cut}")
    assert any("proof" in place for place in places(verify(home)))


def appended(
    home: Path, change_place: Callable[[LogPosition], LogPosition], *, signed: bool = True
) -> None:
    """Put a record that nobody would have taken at the end of the log."""
    with Home(home).lock(), Home(home).store() as store:
        settings = Settings.read(store)
        row = store.log(settings.device)
        here = log.next_position(settings.here, row.tip, record.RecordId(settings.here), (), 1)
        one = record.sign(signer_of(home), change_place(here), RecordDraft("event", {}, 1))
        if not signed:
            one = from_bytes_unchecked(one.wire[:-1] + bytes([one.wire[-1] ^ 1]))
        store.append(settings.device, [one])
        store.commit()


@pytest.mark.parametrize("what", ["clock", "signature", "community"])
def test_a_record_that_should_never_have_come_in_is_found(what: str, home: Path) -> None:
    def wrong(place: LogPosition) -> LogPosition:
        if what == "clock":
            return LogPosition(place.community, place.seq, place.prev, place.clock + 1, place.basis)
        if what == "community":
            other = record.CommunityId(bytes(32))
            return LogPosition(other, place.seq, place.prev, place.clock, place.basis)
        return place

    appended(home, wrong, signed=what != "signature")
    ran = verify(home)
    assert ran.code == DAMAGED
    assert places(ran)[0].endswith(f"#{RECORDS + 4}")


def test_an_erased_text_is_no_damage(home: Path) -> None:
    with Home(home).lock(), Home(home).store() as store:
        for (digest,) in store.rows("SELECT hash FROM body WHERE NOT permanent"):
            assert store.erase_body(digest)
        store.commit()
    assert verify(home).code == 0


def test_progress_counts_all_that_is_checked(home: Path) -> None:
    done: list[int] = []
    with Home(home).store(readonly=True) as store:
        checking = Checking(store, Settings.read(store).here)
        assert list(checking.faults(done.append)) == []
        counts = store.counts()
    assert sum(done) == counts.records + counts.bodies


def test_many_faults_are_listed_up_to_a_limit(home: Path) -> None:
    with sqlite3.connect(home / "ledger.db") as connection:
        connection.execute("UPDATE record SET tail = CAST(x'00' || substr(tail, 2) AS BLOB)")
        connection.execute("UPDATE body SET content = x'00'")
    connection.close()
    told = weal("verify", "--home", home)
    assert told.code == DAMAGED
    assert "more" in told.err


def test_a_home_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert weal("verify", "--home", tmp_path).code == 78


def test_verifying_changes_nothing(home: Path) -> None:
    with Home(home).store(readonly=True) as store:
        before = store_state(store)
    good("verify", "--home", home)
    with Home(home).store(readonly=True) as store:
        assert store_state(store) == before


def store_state(store: Store) -> list[Any]:
    return [store.logs(), store.counts(), store.rows("SELECT * FROM setting ORDER BY name")]


def test_seals_are_followed_from_the_founding_record(home: Path) -> None:
    assert verify(home).json["seals"] == 2
    change(home, "UPDATE seal SET sealed = (SELECT sealed FROM seal WHERE height = 1)")
    found = verify(home)
    assert found.code == DAMAGED
    (fault,) = found.json["faults"]
    assert fault["where"] == "seal 2"


def test_a_seal_whose_cut_was_changed_is_named(home: Path) -> None:
    change(home, "UPDATE seal SET delta = (SELECT delta FROM seal WHERE height = 2)")
    found = verify(home)
    assert found.code == DAMAGED
    assert found.json["faults"][0]["where"] == "seal 1"


def test_a_content_that_was_changed_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "home")
    kept = Contents(Home(tmp_path / "home"))
    digest = kept.put(KeptContent(b"k" * 32, "yields.csv", b"plot,kg"))
    good("verify", "--home", tmp_path / "home")
    data = kept.path(digest).read_bytes()
    kept.path(digest).write_bytes(data.replace(b"plot", b"plod"))
    ran = weal("verify", "--home", tmp_path / "home")
    assert ran.code == DAMAGED
    assert f"content {digest.hex()[:8]}: its hash is another" in ran.err


def test_a_folder_of_contents_that_cannot_be_read_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "home")
    folder = Contents(Home(tmp_path / "home")).folder
    folder.symlink_to(folder)
    ran = weal("verify", "--home", tmp_path / "home")
    assert ran.code == DAMAGED
    assert f"contents: {folder}: Too many levels of symbolic links" in ran.err
