"""Tokens: by which other programs read and write for this member, until they expire."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.client.access import HomeAccess
from commonweal.client.community.homes import checked_name
from commonweal.client.home.submit import now_ms
from commonweal.client.language.times import read_duration_ms
from commonweal.protocol.errors import MissingDatabase, UnknownId, UnreadableTime, UsageError
from commonweal.storage.home.tokens import SCOPES, KeptToken, TokenFile, hash_of, new_id, new_token

TOKENS_MAX = 64
TOKEN_DAYS_MAX = 366
DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was made. token: itself; it is shown now, and kept nowhere."""

    token: str
    id: str
    scope: str
    name: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token and how it stands. state: "open" or "expired"."""

    id: str
    scope: str
    name: str
    made_ms: int
    expires_ms: int
    state: str


@dataclass(frozen=True, slots=True)
class TokenRevocation:
    """The end of a token. id: its name in the list."""

    id: str


class AccessTokens(HomeAccess):
    """What other programs are allowed, by tokens of this home."""

    def create_token(self, scope: str, *, expires: str = "30d", name: str = "") -> NewToken:
        """Make a token: scope "read", "write" or "grave", until it expires: 12h, 30d, 8w.

        A token of scope grave lets its holder end the membership or change the key, so it needs
        the passphrase. Raises UsageError, also beyond TOKENS_MAX, UnreadableTime, UnusableText,
        PassphraseNeeded, WrongPassphrase.
        """
        if not self.home.exists():
            raise MissingDatabase(str(self.home))
        if scope not in SCOPES:
            raise UsageError(self.words("a scope is read, write or grave"))
        lasts_ms, made_ms = read_duration_ms(expires), now_ms()
        if lasts_ms > TOKEN_DAYS_MAX * DAY_MS:
            text = self.words("a token lasts {most} days at most")
            raise UnreadableTime(text.format(most=TOKEN_DAYS_MAX))
        called = checked_name(name, self.words) if name else ""
        if scope == "grave":
            self._unlock(self.home)
        token, id, expires_ms = new_token(), new_id(), made_ms + lasts_ms
        with TokenFile(self.home).changing() as tokens:
            tokens[:] = [kept for kept in tokens if kept.expires_ms > made_ms]
            if len(tokens) >= TOKENS_MAX:
                text = self.words("there are {most} tokens; revoke one")
                raise UsageError(text.format(most=TOKENS_MAX))
            tokens.append(KeptToken(id, hash_of(token), scope, called, made_ms, expires_ms))
        return NewToken(token, id, scope, called, expires_ms)

    def access_tokens(self) -> list[ListedToken]:
        """Return the tokens, the latest last; expired ones until another is made."""
        now = now_ms()
        return [
            ListedToken(
                kept.id,
                kept.scope,
                kept.name,
                kept.made_ms,
                kept.expires_ms,
                "open" if now < kept.expires_ms else "expired",
            )
            for kept in TokenFile(self.home).tokens()
        ]

    def revoke_token(self, id: str) -> TokenRevocation:
        """End a token at once; id: as it is listed. Raises UnknownId."""
        with TokenFile(self.home).changing() as tokens:
            kept = [token for token in tokens if token.id != id]
            if len(kept) == len(tokens):
                raise UnknownId(id)
            tokens[:] = kept
        return TokenRevocation(id)

    def token_allows(self, token: str) -> KeptToken | None:
        """Return what a token allows; None where it is unknown, revoked or expired."""
        return TokenFile(self.home).find(token, now_ms())
