"""Communities whose books have rows in the views that a workshop leaves empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from commonweal.storage.ledger import ledger
from commonweal.storage.sqlite.readonly_sql import ask
from tests.protocol.ledger.archive import NOTICE, NOTICE_TEXT, Archive, per_use
from tests.protocol.ledger.exchange.promotion.promoting import Promoting
from tests.protocol.ledger.exchange.reviews.reviewing import Reviewing
from tests.protocol.ledger.fellowship import Fellowship
from tests.protocol.ledger.press import raising
from tests.protocol.ledger.village import Village
from tests.protocol.ledger.workshop import Workshop
from tests.storage.ledger.test_ledger import Home, founding_documents, in_pieces


def stored(village: Village, path: Path) -> Path:
    """Write the file of a community whose records and seals arrived in pieces."""
    documents = (
        village.documents
        if isinstance(village, Workshop)
        else founding_documents(village) | {NOTICE.hash: NOTICE_TEXT}
    )
    home = Home(village.community, documents)
    home.hold(village.records)
    if isinstance(village, Workshop):
        home.seal(village)
    for _ in in_pieces(home, Random(1)):
        pass
    with ledger.open_ledger(path, home.store, village.community):
        pass
    ask(path, "SELECT 1 FROM members")  # SQLite makes the files of its log at the first reading
    return path


def projects() -> Fellowship:
    """Return members, with a project that Jun opened and Ana joined."""
    shop = Fellowship()
    shop.enter(shop.open("Jun"), "Ana")
    shop.cut()
    return shop


def uses() -> Archive:
    """Return an archive in which Jun consented, and Lin used the data once."""
    archive = Archive()
    archive.use(archive.grant(benefit=per_use(50)))
    return archive


def sales() -> Promoting:
    """Return a community in which Bo came by Jun, and paid what Jun has a part of."""
    town = Promoting()
    town.refer("Bo", "Jun")
    town.cut()
    town.pay("Bo", 4_000, town.deal("Bo", 4_000))
    town.cut()
    return town


def reviewed() -> Reviewing:
    """Return a community in which Ana opened a review that waits for a seal, and Bo none yet."""
    town = Reviewing()
    deal = town.done_deal()
    mine = town.reviews("Ana", deal)
    town.reviews("Bo", deal)
    town.cut()
    town.opens("Ana", mine, deal)
    return town


def raised() -> Village:
    """Return members with campaigns of each end, and the pledges to them."""
    return raising("loan", "return")


STORIES: Mapping[str, Callable[[], Village]] = {
    **dict.fromkeys(("projects", "project_members"), projects),
    **dict.fromkeys(("data", "consents", "data_uses"), uses),
    **dict.fromkeys(("promotions", "referrals", "commissions"), sales),
    **dict.fromkeys(("campaigns", "pledges"), raised),
    "reviews": reviewed,
}
"""What is told to fill a view."""
