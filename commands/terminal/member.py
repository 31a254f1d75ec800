"""The member of a home as commands use it: in their language, asked for a passphrase if need be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from commonweal.client.access import HomeAccess, Watch
from commonweal.client.home.submit import Unlock
from commonweal.commands.terminal.language import _, spoken
from commonweal.commands.terminal.options import unlocking
from commonweal.commands.terminal.progress import watching
from commonweal.storage.home.home import Home

P = TypeVar("P", bound=HomeAccess)


def part_of(
    part: type[P],
    home: Home,
    passphrase_file: Path | None = None,
    *,
    unlock: Unlock | None = None,
) -> P:
    """Return one part of the member of `home`, to be used in a `with`, and load no other part.

    A bar shows how far a long fold is. unlock: opens the keystore in place of a question for the
    passphrase. All parts are `Member`; to load them takes longer than most commands.
    """
    return part(
        home,
        language=spoken().language,
        unlock=unlock or unlocking(passphrase_file),
        watching=_watching,
    )


@contextmanager
def _watching() -> Iterator[Watch]:
    with watching(_("working out the ledger")) as watch:
        yield watch
