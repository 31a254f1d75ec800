"""Contributions as they are listed; loads nothing that only writing needs."""

from __future__ import annotations

from commonweal.client.access import HomeAccess
from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import read_action, read_scope
from commonweal.client.language.times import read_bound
from commonweal.client.ledger.fork_losses import is_any_frozen, void_records
from commonweal.client.ledger.rows.listed_rows import (
    ContributionList,
    VoidRecord,
    listed_contribution,
    place_from_text,
    place_to_text,
)
from commonweal.storage.ledger.contributions import (
    contribution_list as list_of_contributions,
)
from commonweal.storage.ledger.contributions.contribution_filter import ContributionFilter


class ContributionLists(HomeAccess):
    """What members gave, in lists."""

    def contributions(
        self,
        *,
        member: str | None = None,
        action: str | None = None,
        scope: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> ContributionList:
        """Return the contributions that fit, the last to happen first, and how many there are.

        since, until: of when they happened: a date, or a duration back from now like 7d. after: of
        the list before, where `limit` ended it; raises UsageError for what is none. Those that
        count for nothing are listed with the reason, and are not in `total`.
        """
        view, now = self.view, now_ms()
        wanted = ContributionFilter(
            provider=view.member(member) if member else None,
            action=read_action(action, self.words) if action else None,
            scope=read_scope(scope, self.words) if scope else None,
            since=read_bound(since, now) if since else None,
            until=read_bound(until, now) if until else None,
        )
        place = place_from_text(after, self.words) if after else None
        most = None if limit is None else limit + 1
        rows = list(list_of_contributions.contributions(view.kept, wanted, most, place))
        listed = tuple(listed_contribution(view, row) for row in rows[:limit])
        rest = place_to_text(rows[len(listed) - 1]) if len(rows) > len(listed) > 0 else None
        return ContributionList(list_of_contributions.count(view.kept, wanted), listed, rest)

    def void_records(self) -> list[VoidRecord]:
        """Return what a fork of this member's log made void; it is on this device only."""
        if not is_any_frozen(self.view.store):
            return []
        rows = []
        for record, reason in void_records(self.home):
            stated = list_of_contributions.contribution_in(record)
            listed = None if stated is None else listed_contribution(self.view, stated)
            place = (record.id, record.seq, record.kind)
            rows.append(VoidRecord(*place, reason, record.claimed_at, listed))
        return rows
