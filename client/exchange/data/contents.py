"""Contents of data: added in the owner's home, opened where a use was granted, and removed.

What is added stays in this home: the ledger has its size and a hash under a key that stays here
too. What is opened is written where the member says, and nowhere else. Uses and consents are in
`uses` and `consents`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.client.access import HomeAccess, prefix, wish_of
from commonweal.client.exchange.data.readings import (
    ASKED,
    COMING,
    ERASED,
    HERE,
    WAITING,
    DataReading,
    body_refs,
    reading,
    readings,
)
from commonweal.client.exchange.offer_rows import thing_name
from commonweal.client.home.files import place_for, put_bytes, read_bytes
from commonweal.client.home.old_records import fetch_missing
from commonweal.client.home.submit import WrittenRecord
from commonweal.client.language.quantity import read_quantity
from commonweal.client.language.words import N_
from commonweal.client.ledger.names.directory import begins, whole_id
from commonweal.client.ledger.names.named import spec_named
from commonweal.client.ledger.words.notes import note_body
from commonweal.protocol import keys
from commonweal.protocol.errors import (
    CommonwealError,
    NotYet,
    UnknownId,
    UsageError,
)
from commonweal.protocol.ledger.contributions.erasure import ERASE
from commonweal.protocol.ledger.exchange.data.contents import DATA
from commonweal.protocol.ledger.exchange.data.releases import released
from commonweal.protocol.ledger.exchange.data.uses import DATA_USE, data_row, use_row
from commonweal.protocol.records import data_content, sealed_body
from commonweal.protocol.records.data_content import CONTENT_BYTES_MAX, CONTENT_KEY_BYTES
from commonweal.protocol.records.record import RecordId
from commonweal.protocol.vocabulary.identifiers import displayed_name, normal_name
from commonweal.storage.home.contents import Contents, KeptContent

if TYPE_CHECKING:
    from commonweal.client.ledger.ledger_view import LedgerView

UNIT = "one"
"""Data is counted in pieces: each that is added is one."""
FACTOR = "data"


@dataclass(frozen=True, slots=True)
class AddedContent:
    """Data that was added. hash: by which the ledger names its content. size: in bytes."""

    id: RecordId
    seq: int
    name: str
    hash: bytes
    size: int


@dataclass(frozen=True, slots=True)
class ListedContent:
    """A resource that is data. owner: None when nobody has any of it.

    event: the record that began it, which `remove_data` erases. kept: its content is in this home.
    """

    id: RecordId
    name: str
    size: int
    hash: bytes
    owner: bytes | None
    owner_name: str | None
    event: RecordId
    yours: bool
    erased: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class OpenedContent:
    """A content that was opened and written to a file."""

    use: RecordId
    resource: RecordId
    name: str
    file: Path
    size: int


@dataclass(frozen=True, slots=True)
class RemovedContent:
    """Data whose content was erased. was_kept: it was in this home until now."""

    id: RecordId
    seq: int
    resource: RecordId
    name: str
    was_kept: bool


class DataContents(HomeAccess):
    """The contents of data: kept by their owner, handed over sealed, opened by who used them."""

    def add_data(self, file: Path, name: str, *, note: str | None = None) -> AddedContent:
        """Bring the content of a file into the books; it stays in this home.

        name: of its specification, which is made where there is none. note: what others read of
        it, erasable. Raises UnreadableFile, UsageError for an empty file or a name that this
        member's data has already, TooManyContents, FileRefused, WouldNotCount.
        """
        content = read_bytes(file, CONTENT_BYTES_MAX, self.words)
        return self.add_content(content, file.name, name, note=note)

    def add_content(
        self, content: bytes, file_name: str, name: str, *, note: str | None = None
    ) -> AddedContent:
        """Bring a content into the books, as `add_data` does. file_name: what it is called."""
        name, view = normal_name(name), self.view
        if not 1 <= len(content) <= CONTENT_BYTES_MAX:
            text = self.words("data has 1 to {most} bytes, not {size}")
            raise UsageError(text.format(most=f"{CONTENT_BYTES_MAX:,}", size=f"{len(content):,}"))
        if any(row.yours and row.name == name and not row.erased for row in self.data()):
            taken = self.words("you have data of the name {name}: choose another name")
            raise UsageError(taken.format(name=name))
        kept = KeptContent(os.urandom(CONTENT_KEY_BYTES), file_name, content)
        drafts, spec = view.drafts(), spec_named(view, name)
        described = {"name": name, "unit": UNIT, "factor": FACTOR}
        known = drafts.add(wish_of("spec.resource", described)) if spec is None else spec
        body = note_body(note, words=self.words)
        drafts.add(wish_of("event", self._begun(known, kept), (), body))
        digest = Contents(self.home).put(kept)  # before the record: it is never without content
        try:
            *_specified, written = self._write_drafts(drafts)
        except CommonwealError:
            Contents(self.home).drop(digest)
            raise
        return AddedContent(written.id, written.seq, name, digest, len(content))

    def data(self) -> list[ListedContent]:
        """Return all data in the books, by name; also what was erased."""
        view, contents = self.view, Contents(self.home)
        rows = [listed_data(view, key[len(DATA) :], contents) for key, _ in view.state.items(DATA)]
        return sorted(rows, key=lambda row: (row.erased, row.name, row.id))

    def readings(self) -> list[DataReading]:
        """Return this member's uses of data and the uses of theirs, by name and id."""
        mine = (row for row in readings(self.view) if self.view.me in (row.user, row.owner))
        return sorted(mine, key=lambda row: (row.name, row.id))

    def find_data(self, text: str | bytes) -> ListedContent:
        """Return the data of this name or id. Raises UnknownId, AmbiguousId."""
        return listed_data(self.view, find_data(self.view, prefix(text)), Contents(self.home))

    def open_data(self, text: str | bytes, file: Path) -> OpenedContent:
        """Write the content that was handed over for a use to a file of its owner alone.

        text: the use, or the data, of which the last use is meant that can be opened. Raises
        UnknownId, UsageError, NotYet while it is not here, NotForThisDevice, UnfitContent,
        UnusableText, FileRefused.
        """
        file = place_for(file, self.home, self.words)
        row, content = self.opened_data(text)
        put_bytes(file, content, mode=0o600)
        return OpenedContent(row.id, row.resource, row.name, file, len(content))

    def opened_data(self, text: str | bytes) -> tuple[DataReading, bytes]:
        """Return the content that was handed over for a use, checked; as `open_data` does."""
        chosen = self._meant_use(prefix(text))
        if fetch_missing(self.home, released(self.view.state, chosen).values(), self.words):
            self.refresh()
        view = self.view
        use = use_row(view.state, chosen)
        assert use is not None, "it was found among the uses"
        row = reading(view, chosen, use)
        if row.state != HERE:
            raise NotYet(self.words(_WHY_NOT[row.state]).format(name=row.owner_name))
        data = data_row(view.state, use.resource)
        assert data is not None, "what was used is data"
        signer = keys.device_signer(self._unlock(self.home).device_seed)
        parts = []
        for ref in body_refs(view, list(released(view.state, chosen).values())):
            body = None if ref is None else view.store.body(ref.hash)
            assert body is not None, "all parts are here"
            parts.append(sealed_body.opened(sealed_body.from_bytes(body), signer))
        return row, data_content.joined(parts, data.hash, data.size)

    def remove_data(self, text: str | bytes) -> RemovedContent:
        """Erase the content of this member's data here, and say so in the ledger.

        What was handed over stays where it is; `erase` of a release asks others to forget it.
        Raises UnknownId, AmbiguousId, WouldNotCount.
        """
        row = self.find_data(text)
        written = self._write_one(ERASE, {"record": bytes(row.id)}, (row.event,))
        was_kept = Contents(self.home).drop(row.hash)
        return RemovedContent(written.id, written.seq, row.id, row.name, was_kept)

    def find_reading(self, text: str | bytes) -> DataReading:
        """Return the use whose id begins so. Raises UnknownId, AmbiguousId."""
        uses = (RecordId(key[len(DATA_USE) :]) for key, _ in self.view.state.items(DATA_USE))
        use = begins(uses, prefix(text))
        row = use_row(self.view.state, use)
        assert row is not None, "it was found among the uses"
        return reading(self.view, use, row)

    def forget_release(self, text: str | bytes) -> list[WrittenRecord]:
        """Ask all members to erase the sealed parts that were handed over for a use.

        Returns what was written: none where nothing was handed over, or all is erased here.
        Raises UnknownId, AmbiguousId, WouldNotCount where somebody else handed it over.
        """
        view, row = self.view, self.find_reading(text)
        records = list(released(view.state, row.id).values())
        refs = zip(records, body_refs(view, records), strict=True)
        ids = [id for id, ref in refs if ref is None or not view.store.is_erased(ref.hash)]
        wishes = [wish_of(ERASE, {"record": bytes(id)}, (id,)) for id in ids]
        return self._write(*wishes) if wishes else []

    def _begun(self, spec: RecordId, kept: KeptContent) -> dict[str, Any]:
        return {
            "action": "raise",
            "provider": bytes(self.view.me),
            "resourceQuantity": read_quantity("1", UNIT, self.words),
            "resourceConformsTo": bytes(spec),
            "newInventoriedResource": {},
            "content": {"hash": kept.hash, "size": len(kept.content)},
        }

    def _meant_use(self, text: str) -> RecordId:
        """Return the use that is meant: by its id, or of this data the last that is here."""
        uses = [RecordId(key[len(DATA_USE) :]) for key, _ in self.view.state.items(DATA_USE)]
        try:
            return begins(uses, text)
        except UnknownId:
            resource = find_data(self.view, text)
        mine = [row for row in self.readings() if row.resource == resource]
        mine = [row for row in mine if row.user == self.view.me]
        if not mine:
            name = thing_name(self.view, resource)
            none = self.words("you have not used {name}: type weal data use {name} --for PURPOSE")
            raise UsageError(none.format(name=name))
        latest = max(mine, key=lambda row: (row.state == HERE, self.view.clock(row.id)))
        return latest.id


def find_data(view: LedgerView, text: str) -> RecordId:
    """Return the data whose id begins so, or whose specification has this name.

    Of several of a name what is there is meant before what was erased. Raises UnknownId,
    AmbiguousId.
    """
    ids = [RecordId(key[len(DATA) :]) for key, _ in view.state.items(DATA)]
    if (whole := whole_id(text)) is not None and whole in ids:
        return RecordId(whole)
    plain = displayed_name(text)
    named = [id for id in ids if thing_name(view, id) == plain]
    there = [id for id in named if (row := data_row(view.state, id)) is not None and row.is_there]
    return begins(ids, text, there or named)


def listed_data(view: LedgerView, resource: bytes, contents: Contents) -> ListedContent:
    """Return a resource that is data. contents: those of this home."""
    row = data_row(view.state, resource)
    assert row is not None, "it is data"
    return ListedContent(
        id=RecordId(resource),
        name=thing_name(view, resource) or resource.hex()[:8],
        size=row.size,
        hash=row.hash,
        owner=row.owner,
        owner_name=None if row.owner is None else view.name(row.owner),
        event=RecordId(row.event),
        yours=row.owner == view.me,
        erased=row.is_erased,
        kept=contents.holds(row.hash),
    )


_WHY_NOT = {
    ASKED: N_("no seal covers the use yet: its owner's node waits for one"),
    WAITING: N_("the node of {name} has not handed it over yet: it does so when it runs"),
    COMING: N_("parts of it are on their way here: wait until your node has fetched them"),
    ERASED: N_("what was handed over was erased"),
}
