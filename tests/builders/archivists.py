"""Members whose homes meet without a network: Mei has data, Bo and Ana use it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from commonweal.client import Member
from commonweal.node.runtime.ledger.data_releases import DataReleases
from commonweal.node.service.events import Committed, OutlookChanged, ReleaseDue
from commonweal.node.service.service import Service
from commonweal.protocol.ledger.exchange.data.releases import released
from commonweal.protocol.records.record import RecordId
from commonweal.storage.consensus.proposals import SealApplication
from commonweal.storage.home.contents import Contents
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.ledger.ledger import LedgerState
from commonweal.storage.ledger.state.state_db import StateDb
from tests.builders import data_uses, homes
from tests.builders.commons import Commons

SECRET = b"plot,kg\n" + bytes(range(256)) * 8
NOW_MS = 1_800_000_000_000


class Archivists(Commons):
    """A community in which Mei has data that is called `yields`."""

    def __init__(self, folder: Path, content: bytes = SECRET) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        with Member(self.mei) as mei:
            self.data = mei.add_content(content, "yields.csv", "yields").id
        self.seal()

    @classmethod
    def of(cls, homes: Commons, data: RecordId) -> Archivists:
        """Return the community in these homes, which are copies. data: the id of Mei's."""
        made = object.__new__(cls)
        made.mei, made.bo, made.ana, made.all = homes.mei, homes.bo, homes.ana, homes.all
        made.data = data
        return made

    def grant(self, *recipients: Home) -> RecordId:
        """Let Mei consent to research by Bo, or by others."""
        to = [home.path for home in recipients or (self.bo,)]
        made = data_uses.grant(self.mei.path, "yields", to)
        self.meet()
        return made

    def use(self, consent: RecordId, by: Home | None = None) -> RecordId:
        """Let Bo, or another, use the data; everybody hears of it."""
        made = data_uses.use((by or self.bo).path, "yields", consent)
        self.meet()
        return made

    def granted_use(self) -> RecordId:
        """Let Bo use the data under a consent, which a seal covers."""
        use = self.use(self.grant())
        self.seal()
        return use

    def parts(self, use: RecordId, home: Home | None = None) -> dict[int, RecordId]:
        """Return which parts were released for a use, as a home has it."""
        with Member(home or self.mei) as me:
            return released(me.view.state, use)


def due(home: Home, releases: DataReleases | None = None) -> ReleaseDue | None:
    """Return what the node of a home would hand over next."""
    with home.store(readonly=True) as store:
        settings = Settings.read(store)
        layers = StateDb(home.state)
        try:
            kept = LedgerState(store, layers, settings.here)
            return (releases or DataReleases(Contents(home), settings.member)).due(kept)
        finally:
            layers.close()


def handle(home: Home, events: Sequence[ReleaseDue]) -> int:
    """Let the service of a home take in what is due; return how many records it wrote."""
    with home.lock(), home.store() as store:
        settings = Settings.read(store)
        service = Service(store, settings.here, homes.identity(home), random.Random(7))
        layers = StateDb(home.state)
        try:
            told = SealApplication(LedgerState(store, layers, settings.here)).outlook(NOW_MS)
        finally:
            layers.close()
        service.handle(OutlookChanged(told), NOW_MS)
        before = store.counts().records
        for event in events:
            service.handle(event, NOW_MS)
        store.commit()
        service.handle(Committed(), NOW_MS)
        return store.counts().records - before


def hand_over(home: Home) -> int:
    """Let a home hand over all that is due, as its node does; return how many parts it wrote."""
    parts = 0
    while (event := due(home)) is not None:
        written = handle(home, [event])
        assert written == len(event.bodies)
        parts += written
    return parts
