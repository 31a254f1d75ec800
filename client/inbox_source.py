"""What waits for a member, before it is a row of the inbox: the form that every subject gives it.

Never decides what waits: a subject says that by a `WaitingSource`, which the inbox names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from commonweal.protocol.keys import MemberId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

COMMAND_ID_DIGITS = 16
"""How many digits of an id a command has: among millions of records no two ids begin alike."""


class Waiting(NamedTuple):
    """Something that waits, before it is put in words.

    clock: of the record that asked. round: grows when the same is asked again. about: the role, the
    giving round, or the member who is in question. by_name: it is told by `about`, not by its id.
    """

    kind: str
    id: bytes
    member: MemberId | None
    clock: int
    until_ms: int | None = None
    round: int = 0
    about: str = ""
    by_name: bool = False

    @property
    def key(self) -> str:
        """What a digest remembers it by."""
        what = self.about if self.by_name else self.id.hex()[:COMMAND_ID_DIGITS]
        return f"{self.kind}:{what}:{self.round}"

    @property
    def place(self) -> tuple[bool, int, int, str, bytes]:
        """Where it stands among others: what has a deadline first, then what was asked first."""
        return self.until_ms is None, self.until_ms or 0, self.clock, self.kind, self.id


class WaitingSource(NamedTuple):
    """The rows of one subject. kinds: what each kind of row is called, in English.

    words: what is asked, as a short sentence. command: what is typed after `weal`. path: the page
    on which it is done; None where Today itself has what does it.
    """

    kinds: Mapping[str, str]
    waiting: Callable[[LedgerView], Iterator[Waiting]]
    words: Callable[[LedgerView, Waiting], str]
    command: Callable[[LedgerView, Waiting], str]
    path: Callable[[Waiting], str] | None = None
