"""The texts that hang on records: notes, evidence, and the words of proposals."""

from __future__ import annotations

from commonweal.client.language.words import Words
from commonweal.protocol.errors import CommonwealError
from commonweal.protocol.keys import short
from commonweal.protocol.records import record
from commonweal.protocol.records.record import BodyRef, RecordId
from commonweal.storage.records.logs.log_store import Store

MEMBER_BYTES = 32


def outside(agent: bytes, words: Words, name: str | None = None) -> str:
    """Return what an agent outside the community is called: by their name, if they have one."""
    return words("outside: {id}").format(id=name or short(agent))


def text_of(store: Store, id: RecordId) -> str | None:
    """Return the erasable text of a record; None when there is none, or it is not here."""
    cited = store.record(id)
    return None if cited is None else text_in(store, cited.body)


def text_in(store: Store, body: BodyRef | None) -> str | None:
    """Return the erasable text that a body has; None when it has none, or is not here."""
    media_type, content = content_of(store, body) or ("", b"")
    return content.decode("utf-8", "replace") if media_type.startswith("text/") else None


def proposal_text_of(store: Store, id: RecordId) -> str | None:
    """Return the permanent words of a proposal: what is decided, or why; None without any."""
    cited = store.record(id)
    if cited is None or cited.body is None or not cited.body.permanent:
        return None
    data = store.body(cited.body.hash)
    return None if data is None else data.decode("utf-8", "replace")


def body_of(store: Store, id: RecordId) -> tuple[str, bytes] | None:
    """Return media type and content of a record's erasable body; None when it is not here."""
    cited = store.record(id)
    return None if cited is None else content_of(store, cited.body)


def content_of(store: Store, body: BodyRef | None) -> tuple[str, bytes] | None:
    """Return media type and content of an erasable body; None when it is not here."""
    data = store.body(body.hash) if body is not None and body.is_text else None
    if data is None:
        return None
    try:
        return record.read_erasable_body(data)
    except CommonwealError:
        return None
