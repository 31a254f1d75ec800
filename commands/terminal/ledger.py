"""The ledger of a home as commands read it: in the member's language, with a bar while it folds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from commonweal.client.ledger import ledger_view
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.progress import watching
from commonweal.storage.home.home import Home


@contextmanager
def folded(home: Home) -> Iterator[LedgerView]:
    """Give the state of the ledger of `home`. Raises NotInCommunity, MissingDatabase."""
    with ExitStack() as held:
        with watching(_("working out the ledger")) as watch:
            view = held.enter_context(ledger_view.folded(home, spoken(), watch))
        yield view
