"""Books: what is final, as double-entry accounts, for programs that keep books.

Money goes by seals: an income comes into a pool, a split makes claims of members, a payment that
its claimant confirmed settles them. Each such transaction has the time of its seal, and balances
are asserted by what the state holds. Contributions of other units follow, each at its date. What is
not final is a remark, and no account has it. Nothing is written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from commonweal.client.access import HomeAccess
from commonweal.client.exports.account_names import Account, AgentLabels
from commonweal.client.exports.seal_flows import (
    IncomeFlow,
    PaymentFlow,
    SealFlows,
    ShareFlow,
    seal_flows,
    seal_times,
)
from commonweal.client.language.quantity import exact
from commonweal.client.ledger.rows.contribution_rows import event_words
from commonweal.client.ledger.words.texts import text_of
from commonweal.protocol.ledger.claims import claims, pools
from commonweal.protocol.ledger.claims.pools import INCOME, PoolId
from commonweal.protocol.ledger.claims.settlement import CONFIRMED, SETTLEMENT
from commonweal.protocol.ledger.things.event_row import EVENT, EventRow
from commonweal.protocol.records.record import CommunityId, RecordId

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

FIRST_MS, LAST_MS = -2_208_988_800_000, 32_503_680_000_000
"""From 1900 to 2999: a date outside of it is one that programs do not read."""

About: TypeAlias = tuple[tuple[str, str], ...]
"""What is known of a transaction beside its postings, by key."""


class Posting(NamedTuple):
    """What a transaction adds to an account."""

    account: Account
    amount: Decimal
    unit: str


class Balance(NamedTuple):
    """What an account holds of a unit, by the state."""

    account: Account
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """Something that happened; for each unit its postings sum to nothing.

    at_ms: of its seal, or the date that a contribution states. payee: who gave it, if anybody did.
    about: what it says of itself, by key.
    """

    at_ms: int
    payee: str
    what: str
    about: About
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class SealBalances:
    """What accounts hold after a seal."""

    at_ms: int
    height: int
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What is not final, and in no account."""

    text: str


Entry: TypeAlias = Transaction | SealBalances | Remark


@dataclass(frozen=True, slots=True)
class Books:
    """The books of a community, read as they are asked for; close `entries` before their end.

    first_ms: no transaction is earlier. units: those that occur. total: how many contributions.
    """

    community: CommunityId
    community_name: str
    height: int
    first_ms: int
    units: tuple[str, ...]
    total: int
    entries: Generator[Entry, None, None]


class BookExports(HomeAccess):
    """The final ledger as books of account."""

    def books(self) -> Books:
        """Return the books up to the last seal. Neither write nor `refresh` before their end."""
        from commonweal.client.ledger.names.directory import People
        from commonweal.storage.ledger.contributions.contribution_list import count

        view = self.view
        people = People(view.store, view.community, words=view.words)
        return Books(
            community=view.community,
            community_name=people.community_name(),
            height=view.kept.cut.height,
            first_ms=_first_ms(view),
            units=_units(view),
            total=count(view.kept),
            entries=_Bookkeeper(view, AgentLabels(view)).entries(),
        )


@dataclass(slots=True)
class _Bookkeeper:
    """Writes the entries, and keeps what the accounts of pools hold."""

    view: LedgerView
    labels: AgentLabels
    pooled: Counter[PoolId] = field(default_factory=Counter)
    set_aside: Counter[PoolId] = field(default_factory=Counter)

    def entries(self) -> Generator[Entry, None, None]:
        """Yield the money by seals, then contributions by date, then what is not final."""
        last = None
        for flows in seal_flows(self.view):
            yield from self._of_seal(flows)
            last = flows
        if last is not None:
            yield from self._at_the_end(last)
        yield from self._contributions()

    def _of_seal(self, flows: SealFlows) -> Iterator[Entry]:
        for income in flows.incomes:
            yield self._income(flows, income)
        for share in flows.shares.values():
            yield self._share(flows, share)
        for payment in flows.payments:
            if payment.status == CONFIRMED:
                yield self._payment(flows, payment)
            else:
                yield self._unconfirmed(payment)
        yield from self._borne(flows, flows.carried)
        touched = dict.fromkeys(
            [
                *(income.pool for income in flows.incomes),
                *(payment.pool for payment in flows.payments),
                *(share.pool for share in flows.shares.values()),
            ]
        )
        balances = [balance for pool in touched for balance in self._held(pool)]
        balances += [
            Balance(self._claim(share.member, flows.height, share.pool), -owed, share.pool.unit)
            for share in flows.shares.values()
            for owed in (_exact(share.owed, share.pool),)
            if owed
        ]
        if balances:
            yield SealBalances(flows.time_ms, flows.height, tuple(balances))

    def _at_the_end(self, flows: SealFlows) -> Iterator[Entry]:
        """Yield what pools bore of corrections since their last split, and all balances."""
        final = self.view.final
        carried = {pool: row.carried for pool, row in pools.pools(final).items()}
        yield from self._borne(flows, carried)
        balances = [balance for pool in carried for balance in self._held(pool)]
        for (pool, member), amount in claims.all_overpaid(final).items():
            account = self._too_much(member, pool)
            balances.append(Balance(account, _exact(amount, pool), pool.unit))
        balances += [
            Balance(("Income", "Pools", name), -amount, unit)
            for (name, unit), amount in _incomes(self.view).items()
        ]
        if balances:
            yield SealBalances(flows.time_ms, flows.height, tuple(balances))
        rows = self.view.kept.layers.each("SELECT id FROM claim_row ORDER BY height, pool, member")
        for (id,) in rows:
            claim = claims.claim(final, id)
            assert claim is not None, "claims are final"
            owed = _exact(claim.row.amount - claim.paid.confirmed, claim.row.pool)
            if claim.row.amount or claim.paid.confirmed:
                account = self._claim(claim.row.member, claim.row.height, claim.row.pool)
                balance = Balance(account, -owed, claim.row.pool.unit)
                yield SealBalances(flows.time_ms, flows.height, (balance,))

    def _held(self, pool: PoolId) -> Iterator[Balance]:
        """Yield what a pool holds, and what is set aside for claims on it."""
        alike = [other for other in self.pooled if other[:2] == pool[:2]]
        for account, sums in ((_pool(pool), self.pooled), (_aside(pool), self.set_aside)):
            held = sum((_exact(sums[other], other) for other in alike or [pool]), Decimal())
            yield Balance(account, held, pool.unit)

    def _income(self, flows: SealFlows, income: IncomeFlow) -> Transaction:
        event, pool, n = income
        self.pooled[pool] += n
        about = (*_at(flows), ("id", event.hex()), *self._note(event))
        payee = self.view.name(self._giver(event))
        postings = _postings(pool, [(_pool(pool), n), (_income(pool), -n)])
        return Transaction(flows.time_ms, payee, "income", about, postings)

    def _share(self, flows: SealFlows, share: ShareFlow) -> Transaction:
        """Return what a seal gave: out of the pool, or out of an income that was corrected."""
        pool = share.pool
        split = share.given - share.corrected
        self.pooled[pool] -= split
        moves = [(_pool(pool), -split), (_income(pool), -share.corrected)]
        about = _at(flows)
        if share.member == self.view.community:
            of_bucket: Account = ("Assets", "Kept", pool.name)
            payee = ""
        else:
            of_bucket = ("Expenses", "Shares", pool.name)
            payee = self.view.name(share.member)
            about += (("claim", share.claim.hex()),)
            self.set_aside[pool] += share.given
            moves += [
                (self._claim(share.member, flows.height, pool), -share.owed),
                (self._too_much(share.member, pool), share.after - share.before),
                (_aside(pool), share.given),
            ]
        moves += [((*of_bucket, bucket), n) for bucket, n in share.buckets.items()]
        return Transaction(flows.time_ms, payee, "share", about, _postings(pool, moves))

    def _payment(self, flows: SealFlows, payment: PaymentFlow) -> Transaction:
        pool, giver = payment.pool, self._giver(payment.event)
        if giver == self.view.community:
            source = _aside(pool)
            self.set_aside[pool] -= payment.amount
        else:
            source = ("Equity", "Paid", *self.labels.account(giver))
        moves = [
            (self._claim(payment.member, payment.height, pool), payment.amount),
            (source, -payment.amount),
        ]
        ids = (("id", payment.event.hex()), ("claim", payment.claim.hex()))
        about = (*_at(flows), *ids, *self._note(payment.event))
        payee = self.view.name(payment.member)
        return Transaction(flows.time_ms, payee, "payment", about, _postings(pool, moves))

    def _unconfirmed(self, payment: PaymentFlow) -> Remark:
        amount = f"{_exact(payment.amount, payment.pool):f} {payment.pool.unit}"
        name = self.view.name(payment.member)
        return Remark(f"{payment.status}: {amount} to {name}, payment {payment.event.hex()}")

    def _borne(self, flows: SealFlows, carried: Mapping[PoolId, int]) -> Iterator[Transaction]:
        """Yield what pools bore of the corrections of incomes since they were split last."""
        for pool, held in carried.items():
            more = held - self.pooled[pool]
            if more:
                self.pooled[pool] = held
                postings = _postings(pool, [(_pool(pool), more), (_income(pool), -more)])
                yield Transaction(flows.time_ms, "", "corrected income", _at(flows), postings)

    def _contributions(self) -> Iterator[Entry]:
        """Yield what was given beside the money of pools, by date; what is not final as remarks."""
        times = seal_times(self.view)
        rows = self.view.kept.layers.each(
            "SELECT id, height, points, when_start, coalesce(when_stated, 0) FROM event_row"
            " ORDER BY when_start, clock, id"
        )
        for id, height, points, when_ms, is_stated in rows:
            if height is None:
                yield Remark(f"not final: {event_words(self.view, id)}")
                continue
            if self.view.final.get(INCOME + id) or self.view.final.get(SETTLEMENT + id):
                continue
            sealed_ms = times.get(height, self.view.kept.cut.time_ms)
            at_ms = when_ms if is_stated and FIRST_MS <= when_ms < LAST_MS else sealed_ms
            about: About = (("height", str(height)), ("id", id.hex()))
            if points is not None:
                about += (("points", str(points)),)
            yield self._contribution(id, at_ms, about)

    def _contribution(self, id: bytes, at_ms: int, about: About) -> Transaction:
        row = EventRow(*self.view.final.get(EVENT + id))
        given = ("Equity", "Given", *self.labels.account(row.provider))
        taken: Account = ("Equity", "Done", row.action)
        if row.receiver is not None:
            taken = ("Equity", "Received", *self.labels.account(row.receiver))
        amounts = [(exact(n, scale), unit) for n, scale, unit in filter(None, row[5:7])]
        postings = tuple(
            posting
            for amount, unit in amounts
            if amount
            for posting in (Posting(taken, amount, unit), Posting(given, -amount, unit))
        )
        what = row.action if row.scope is None else f"{row.action} {row.scope}"
        about += self._note(id)
        return Transaction(at_ms, self.view.name(row.provider), what, about, postings)

    def _giver(self, event: bytes) -> bytes:
        return EventRow(*self.view.final.get(EVENT + event)).provider

    def _claim(self, member: bytes, height: int, pool: PoolId) -> Account:
        owner = self.labels.account(member)
        return ("Liabilities", *owner, "Claims", pool.name, f"H{height}")

    def _too_much(self, member: bytes, pool: PoolId) -> Account:
        return ("Assets", *self.labels.account(member), "Too much", pool.name)

    def _note(self, event: bytes) -> About:
        """Return the text of an event; nothing where it was erased, or is not here."""
        note = text_of(self.view.store, RecordId(event))
        return (("note", note),) if note else ()


def _pool(pool: PoolId) -> Account:
    return ("Assets", "Pools", pool.name)


def _aside(pool: PoolId) -> Account:
    return ("Assets", "Set aside", pool.name)


def _income(pool: PoolId) -> Account:
    return ("Income", "Pools", pool.name)


def _postings(pool: PoolId, moves: Iterable[tuple[Account, int]]) -> tuple[Posting, ...]:
    return tuple(Posting(account, _exact(n, pool), pool.unit) for account, n in moves if n)


def _exact(n: int, pool: PoolId) -> Decimal:
    return exact(n, pool.scale)


def _at(flows: SealFlows) -> About:
    return (("height", str(flows.height)),)


def _incomes(view: LedgerView) -> dict[tuple[str, str], Decimal]:
    """Return what came into pools as it counts now, by name and unit."""
    sums: dict[tuple[str, str], Decimal] = {}
    for _, (name, unit, scale, _height, amount, *_) in view.final.items(INCOME):
        sums[name, unit] = sums.get((name, unit), Decimal()) + exact(amount, scale)
    return sums


def _units(view: LedgerView) -> tuple[str, ...]:
    """Return the units in which anything is counted, and of pools."""
    rows = view.kept.layers.rows(
        "SELECT unit FROM event_row UNION SELECT effort_unit FROM event_row"
        " UNION SELECT unit FROM payout_row UNION SELECT unit FROM claim_row"
    )
    counted = {unit for (unit,) in rows if unit is not None}
    return tuple(sorted(counted | {pool.unit for pool in pools.pools(view.final)}))


def _first_ms(view: LedgerView) -> int:
    """Return the time of the first transaction, or earlier."""
    ((first,),) = view.kept.layers.rows(
        "SELECT min(at) FROM (SELECT min(when_start) AS at FROM event_row WHERE when_start >= ?"
        " UNION SELECT min(time_ms) FROM seal_row)",
        (FIRST_MS,),
    )
    return view.kept.cut.time_ms if first is None else min(first, view.kept.cut.time_ms)
