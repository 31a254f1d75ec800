"""SQL queries of a member over the views of the ledger. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.client.access import HomeAccess

if TYPE_CHECKING:
    from commonweal.storage.sqlite.readonly_sql import QueryResult


class Queries(HomeAccess):
    """SELECT over members, events, attests, rules, votes, seals, claims and payouts."""

    def sql(self, query: str, *, rows_max: int | None = None) -> QueryResult:
        """Return the result of one SELECT over the views that docs/sql.md describes.

        rows_max: of the result, 10,000 where it is None. Raises BadQuestion for another statement
        or name, QuestionTooLong beyond a limit.
        """
        from commonweal.storage.sqlite.readonly_sql import USUAL, QueryLimits, ask

        state = self.view.home.state  # reading the view brings the tables up to the records
        self.refresh()
        return ask(state, query, USUAL if rows_max is None else QueryLimits(rows=rows_max))
