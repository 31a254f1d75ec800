"""A member's home, opened: the ledger is folded when it is first read, and again after a write.

Everything that `Member` can do stands on this. It prints nothing and asks nobody: what opens the
keystore, and what is told how far the fold is, are given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeAlias, TypeVar

from commonweal.client.home.node_client import ask_if_running
from commonweal.client.home.submit import Unlock, WrittenRecord, without_passphrase
from commonweal.client.language.words import Words, words_in
from commonweal.protocol.errors import CommonwealError, LightHome, NobodyGives, UsageError
from commonweal.protocol.keys import HASH_BYTES
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home

if TYPE_CHECKING:
    from commonweal.client.ledger.drafts import Drafts
    from commonweal.client.ledger.ledger_view import LedgerView
    from commonweal.node.control.messages.question import Question
    from commonweal.node.service.events import OnceKey, Text, Wish

A = TypeVar("A")

Watch: TypeAlias = "Callable[[int, int], None]"
"""Is told how many records are folded, and of how many."""
Watching: TypeAlias = "Callable[[], AbstractContextManager[Watch]]"
"""Gives, while the ledger is folded, what is told how many records are folded, and of how many."""


@contextmanager
def unwatched() -> Iterator[Watch]:
    """Give a watch that ignores how far the fold is."""
    yield lambda _done, _of: None


class OnceResult(NamedTuple, Generic[A]):
    """What came of an act under a key.

    answer: of the act; None where it was done before. earlier: the records that it wrote then.
    """

    answer: A | None
    earlier: tuple[WrittenRecord, ...]


class HomeAccess:
    """A home and its folded ledger, in the language of who reads it. Close it, or use `with`."""

    def __init__(
        self,
        home: Home | Path | str,
        *,
        language: str = "en",
        passphrase: str | None = None,
        unlock: Unlock | None = None,
        watching: Watching = unwatched,
        words: Words | None = None,
    ) -> None:
        """Name a home; nothing is opened before it is read.

        language: of sentences and names of units, "en" or "zh". passphrase: of the keystore, used
        for what is written; unlock: opens the keystore in another way. words: the sentences, where
        they are not those of every program in that language.
        """
        self.home = home if isinstance(home, Home) else Home(home)
        self.words = words_in(language) if words is None else words
        self._unlock = unlock or (without_passphrase if passphrase is None else _by(passphrase))
        self._watching = watching
        self._held = ExitStack()
        self._view: LedgerView | None = None
        self._sealed: LedgerView | None = None
        self._once: OnceKey | None = None
        self._has_written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the ledger; reading it again opens it again."""
        self._view = self._sealed = None
        self._held.close()

    def refresh(self) -> None:
        """Let what is read next include all records that have come since."""
        self.close()

    @property
    def view(self) -> LedgerView:
        """The folded ledger, as it was when it was first read. Raises NotInCommunity."""
        if self._view is None:
            self._view = self._opened(whole=True)
        return self._view

    @property
    def sealed(self) -> LedgerView:
        """The ledger as of the last seal, as it was when it was first read.

        What was written since is not folded, so this is fast however much waits for a seal. Its
        `state` is the final one. Raises NotInCommunity.
        """
        if self._sealed is None:
            self._sealed = self._opened(whole=False)
        return self._sealed

    def check_passphrase(self) -> None:
        """Raise PassphraseNeeded or WrongPassphrase where this member's does not open the keystore.

        For what is grave: a running node would write it without being told the passphrase.
        """
        self._unlock(self.home)

    def standing(self) -> str:
        """Return how far what is read here is final, as a sentence."""
        return (self._view or self.sealed).standing()

    def node_answer(self, question: Question[A]) -> A | None:
        """Return what the running node of this home answers; None when no node runs."""
        return ask_if_running(self.home, question)

    def once(self, key: str, request: bytes, act: Callable[[], A]) -> OnceResult[A]:
        """Do `act`, which writes; at most once under `key`, also where this process was killed.

        key: of whoever asks, a new one for each request. request: the bytes of what is asked; the
        same ones where it is repeated. An act that writes nothing is done again. Raises KeyTaken
        when the key was used for another request, TooManyKeys, and what `act` raises.
        """
        from commonweal.node.service.events import OnceKey

        once = OnceKey(*once_hashes(key, request))
        if earlier := self._written_under(once):
            return OnceResult(None, earlier)
        self._once, self._has_written = once, False
        try:
            return OnceResult(act(), ())
        except CommonwealError:
            # Another process, or an earlier one whose request the node still had, was quicker.
            if earlier := self._written_under(once):
                return OnceResult(None, earlier)
            raise
        finally:
            self._once = None

    def look_up(self, id: str | bytes, *, must: bool = True) -> None:
        """In a light home, have the record again whose id begins so, where it was dropped here.

        A record that is no contribution is found by its whole id. Does nothing where no such record
        is known. must: whether to raise LightHome while no node runs, and NobodyGives.
        """
        from commonweal.client.home.old_records import fetch_missing, is_thinned
        from commonweal.client.ledger.names.directory import whole_id

        if not is_thinned(self.home):
            return
        from commonweal.protocol.ledger.things.event_row import EVENT

        text = prefix(id)
        whole = whole_id(text)
        if whole is None:
            try:
                whole = self.view.id_among(text, EVENT)
            except UsageError:  # none, or several: whoever reads it says so
                return
        try:
            if fetch_missing(self.home, (whole,), self.words):
                self.refresh()
        except (LightHome, NobodyGives):
            if must:
                raise

    def _opened(self, *, whole: bool) -> LedgerView:
        from commonweal.client.ledger import ledger_view  # loads the fold

        with self._watching() as watch:
            folded = ledger_view.folded(self.home, self.words, watch, whole=whole)
            return self._held.enter_context(folded)

    def _written_under(self, once: OnceKey) -> tuple[WrittenRecord, ...]:
        with self.home.store(readonly=True) as store:
            made = store.keyed_request(once.key, once.request)
        if made is None:
            return ()
        return tuple(WrittenRecord(id, made.seq + n) for n, id in enumerate(made.ids))

    def _write(self, *wishes: Wish) -> list[WrittenRecord]:
        """Write records, all or none. Raises WouldNotCount where one would count for nothing.

        What they cite and a light home dropped is fetched before.
        """
        from commonweal.client.home.old_records import fetch_missing

        cited = (id for wish in wishes for id in wish.deps)
        if fetch_missing(self.home, cited, self.words):
            self.refresh()
        drafts = self.view.drafts()
        for wish in wishes:
            drafts.add(wish)
        return self._write_drafts(drafts)

    def _write_drafts(self, drafts: Drafts) -> list[WrittenRecord]:
        """Write what was drafted on `view`, all or none; under the key of `once`, if it is used."""
        assert self._once is None or not self._has_written, "one act writes once under a key"
        written = drafts.write(self.home, self._unlock, self._once)
        self._has_written = True
        self.refresh()
        return written

    def _write_one(
        self,
        kind: str,
        data: dict[str, Any],
        cited: Sequence[bytes] = (),
        text: Text | None = None,
    ) -> WrittenRecord:
        (written,) = self._write(wish_of(kind, data, cited, text))
        return written


def wish_of(
    kind: str,
    data: dict[str, Any],
    cited: Sequence[bytes] = (),
    text: Text | None = None,
    *,
    secret: bytes = b"",
) -> Wish:
    """Return a record to be written. cited: ids of records it names, each taken once.

    secret: what only this home keeps of it.
    """
    from commonweal.node.service.events import Wish

    return Wish(kind, data, tuple(dict.fromkeys(map(RecordId, cited))), text, secret=secret)


def once_hashes(key: str, request: bytes) -> tuple[bytes, bytes]:
    """Return what is kept of a key and its request.

    Who reads the home later cannot try out what the request said, without knowing the key.
    """
    secret = blake2b(key.encode(), digest_size=HASH_BYTES, person=b"once secret").digest()
    name = blake2b(secret, digest_size=HASH_BYTES, person=b"once name").digest()
    return name, blake2b(request, digest_size=HASH_BYTES, key=secret).digest()


def prefix(id: str | bytes) -> str:
    """Return the hex digits by which a caller names something: an id, or how one begins."""
    return id.hex() if isinstance(id, bytes) else id


def _by(passphrase: str) -> Unlock:
    from commonweal.storage.home import keystore

    return lambda home: keystore.unlock(
        home.keystore, passphrase if keystore.needs_passphrase(home.keystore) else None
    )
