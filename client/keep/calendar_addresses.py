"""Private addresses of the calendar, which other programs read until they are revoked."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.access import HomeAccess
from commonweal.client.community.homes import checked_name
from commonweal.client.home.submit import now_ms
from commonweal.protocol.errors import MissingDatabase, UnknownId, UsageError
from commonweal.storage.home.tokens import (
    CALENDAR_FILE_NAME,
    CALENDAR_SCOPES,
    NEVER_MS,
    KeptToken,
    TokenFile,
    hash_of,
    new_id,
    new_token,
)

PATH = "/calendar/address/"
"""Of a private address on the page, before its token."""
ADDRESSES_MAX = 8
"""Addresses of the calendar that a home has at the same time."""


@dataclass(frozen=True, slots=True)
class NewCalendarAddress:
    """An address that was made. path: on the page of this home; it is shown now, and kept nowhere.

    shows: "full", all that its member sees, or "busy", when they have no time.
    """

    path: str
    id: str
    shows: str
    name: str


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """An address of the calendar, without its token."""

    id: str
    shows: str
    name: str
    made_ms: int


class CalendarAddresses(HomeAccess):
    """By which addresses programs read the calendar of this home."""

    def create_calendar_address(self, shows: str, *, name: str = "") -> NewCalendarAddress:
        """Make an address that shows "full" or "busy", until it is revoked.

        Raises UsageError, also beyond ADDRESSES_MAX, UnusableText.
        """
        if not self.home.exists():
            raise MissingDatabase(str(self.home))
        if shows not in CALENDAR_SCOPES:
            raise UsageError(self.words("an address shows full or busy"))
        called = checked_name(name, self.words) if name else ""
        token, id = new_token(), new_id()
        with self._file.changing() as kept:
            if len(kept) >= ADDRESSES_MAX:
                text = self.words("there are {most} addresses; revoke one")
                raise UsageError(text.format(most=ADDRESSES_MAX))
            kept.append(KeptToken(id, hash_of(token), shows, called, now_ms(), NEVER_MS))
        return NewCalendarAddress(f"{PATH}{token}.ics", id, shows, called)

    def calendar_addresses(self) -> list[CalendarAddress]:
        """Return the addresses that are good, the latest last."""
        return [
            CalendarAddress(kept.id, kept.scope, kept.name, kept.made_ms)
            for kept in self._file.tokens()
        ]

    def revoke_calendar_address(self, id: str) -> CalendarAddress:
        """End an address at once; id: as it is listed. Raises UnknownId."""
        with self._file.changing() as kept:
            ended = next((token for token in kept if token.id == id), None)
            if ended is None:
                raise UnknownId(id)
            kept.remove(ended)
        return CalendarAddress(ended.id, ended.scope, ended.name, ended.made_ms)

    def calendar_shown_by(self, token: str) -> str | None:
        """Return what the address of a token shows; None where it is unknown or revoked."""
        kept = self._file.find(token, now_ms())
        return None if kept is None else kept.scope

    @property
    def _file(self) -> TokenFile:
        return TokenFile(self.home, CALENDAR_FILE_NAME, CALENDAR_SCOPES)
