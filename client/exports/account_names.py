"""Names of accounts and units in the form that a program takes, each name another one."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from commonweal.client.exports.books import Account

DIGEST_BYTES = 4
NAMELESS = "X"
"""What stands for a name of which no sign is legal."""


class LegalNames:
    """Names in a legal form; where two would be the same, the later one has digits of its hash."""

    def __init__(self, legal: Callable[[str], str], join: str, chars_max: int = 200) -> None:
        """legal: the form of a name, perhaps empty. join: stands before the digits."""
        self._legal, self._join, self._chars_max = legal, join, chars_max
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """Return the legal form of a name, always the same one."""
        if name not in self._known:
            legal = self._legal(name)[: self._chars_max].rstrip(self._join)
            if legal in self._taken or not legal:
                digest = blake2b(name.encode(), digest_size=DIGEST_BYTES).hexdigest().upper()
                end = f"{self._join}{digest}"
                legal = (legal or NAMELESS)[: self._chars_max - len(end)] + end
            self._taken.add(legal)
            self._known[name] = legal
        return self._known[name]


class AccountNames:
    """Accounts as texts. Their roots and fixed parts are ASCII, and stay."""

    def __init__(self, legal: Callable[[str], str], join: str) -> None:
        self._names = LegalNames(legal, join)
        self.used: dict[str, Account] = {}
        """Every account that was asked for, by its text."""

    def of(self, account: Account) -> str:
        """Return the text of an account."""
        text = ":".join((account[0], *map(self._names.of, account[1:])))
        self.used.setdefault(text, account)
        return text
