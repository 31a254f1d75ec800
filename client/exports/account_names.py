"""Names of accounts and units in the form that a program takes, each name another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from commonweal.protocol.ledger.members import agents, membership

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

AGENT_DIGITS = 8
"""Digits of an id that tell agents of one name apart; where somebody is called so, all of them."""
DIGEST_BYTES = 4
SALT_BYTES = 8
NAMELESS = "X"
"""What stands for a name of which no sign is legal."""

Account: TypeAlias = tuple[str, ...]
"""The names of an account from its root on: Assets, Liabilities, Equity, Income or Expenses."""


class AgentLabels:
    """The names of agents in accounts: two with one name are told apart by the id."""

    def __init__(self, view: LedgerView) -> None:
        names = [view.name(member.id) for member in membership.members(view.state)]
        self._view, self._often = view, Counter(names)
        self._agents: dict[str, bytes] = {}

    def account(self, agent: bytes) -> Account:
        """Return the part of an account's name that says whose it is."""
        if agent == self._view.community:
            return ("Community",)
        person = agents.person(self._view.final, agent)
        if agents.is_outside(person):
            return ("Outside", self._with_digits(person))
        name = self._view.name(person)
        return ("Members", name if self._often[name] == 1 else self._with_digits(person))

    def _with_digits(self, agent: bytes) -> str:
        """Return the name with digits of the id, which is neither a name nor said of another."""
        name = self._view.name(agent)
        label = f"{name} {agent.hex()[:AGENT_DIGITS]}"
        if self._often[label] or self._agents.setdefault(label, agent) != agent:
            return f"{name} {agent.hex()}"
        return label


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
                legal = self._with_digits(name, legal or NAMELESS)
            self._taken.add(legal)
            self._known[name] = legal
        return self._known[name]

    def _with_digits(self, name: str, legal: str) -> str:
        """Return a legal form with digits of the hash; others where somebody is called that."""
        forms = (self._salted(name, legal, tries) for tries in count())
        return next(form for form in forms if form not in self._taken)

    def _salted(self, name: str, legal: str, tries: int) -> str:
        salt = tries.to_bytes(SALT_BYTES)
        digest = blake2b(name.encode(), digest_size=DIGEST_BYTES, salt=salt).hexdigest()
        end = f"{self._join}{digest.upper()}"
        return legal[: self._chars_max - len(end)] + end


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
