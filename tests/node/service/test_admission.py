"""The first record after an admission cites all that admitted, so that no cut parts them."""

from __future__ import annotations

from pathlib import Path

from commonweal.node.service.events import Wish
from commonweal.protocol.ledger.finality.history import History
from commonweal.protocol.records.record import Record, from_bytes_unchecked
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.records.blobs import PermanentBlobs
from tests.builders import homes
from tests.builders.commons import Commons, meet
from tests.builders.weal import good

SAID = 'en = "Three vouch."\nzh = "须三人担保。"\n'
THREE = f'name = "Lanxi"\n[membership]\nvouches = 3\n{SAID}'
WORK = Wish("event", {"action": "work", "effortQuantity": {"n": 1, "scale": 0, "unit": "hour"}})


def records(home: Home) -> list[Record]:
    with home.store(readonly=True) as store:
        return [
            from_bytes_unchecked(wire)
            for row in store.logs()
            for wire in store.wires(row.author, 0, row.length, 1 << 30)
        ]


def test_a_newcomer_s_first_record_cites_every_vouch_that_it_took(tmp_path: Path) -> None:
    lanxi = Commons(tmp_path)
    lanxi.adopt(THREE, tmp_path)
    cal = homes.newcomer(tmp_path / "cal", homes.invited(lanxi.mei), "Cal")
    meet(*lanxi.all, cal)
    with cal.store(readonly=True) as store:
        me = Settings.read(store)
    # Beside the invite, which is Mei's vouch. Neither of the two follows the other.
    good("vouch", me.member.hex()[:12], "--home", lanxi.bo.path)
    good("vouch", me.member.hex()[:12], "--home", lanxi.ana.path)
    meet(*lanxi.all, cal)
    vouches = [
        one
        for one in records(cal)
        if one.kind == "member.vouch" and one.data["member"] == me.member
    ]
    assert len(vouches) == 2
    work = Wish(WORK.kind, {**WORK.data, "provider": bytes(me.member)})
    homes.write(cal, work, work)
    first, second = (one for one in records(cal) if one.kind == "event")
    assert {one.id for one in vouches} <= {*first.deps}
    assert not {one.id for one in vouches} & {*second.deps}, "once is enough"
    # A cut that lacks one of them cannot have the record, whatever else it has.
    history = History(me.here)
    with cal.store(readonly=True) as store:
        history.add_documents(dict(PermanentBlobs(store)))
    late = vouches[-1]
    history.add([one for one in records(cal) if one.id != late.id])
    advance = history.next_advance(2**42)
    assert advance is not None
    covered = {one.id for one in history.covered(advance).records}
    assert first.id not in covered and vouches[0].id in covered
