"""What a home keeps of the reviews that its member wrote, until they are opened.

A secret is a setting of the home, so it is in each backup and survives a restart. Other devices of
the member do not have it. What is in a secret is known to `protocol.ledger.exchange.reviews`.
"""

from __future__ import annotations

from commonweal.protocol.records.record import RecordId
from commonweal.storage.records.settings import SettingStore

PREFIX = "review."
"""Begins the name of the setting; the id of the review follows, in hex."""

SECRET_BYTES_MAX = 16 * 1024
SECRETS_MAX = 1_000
"""Reviews of one home that are not opened."""


def review_secrets(store: SettingStore) -> dict[RecordId, bytes]:
    """Return the secret of each review that was written in this home and is not opened."""
    rows = store.rows(
        "SELECT name, value FROM setting WHERE name >= ? AND name < ? ORDER BY name",
        (PREFIX, f"{PREFIX}g"),
    )
    return {RecordId(bytes.fromhex(name.removeprefix(PREFIX))): value for name, value in rows}


def keep_secret(store: SettingStore, review: RecordId, secret: bytes) -> None:
    """Keep the secret of a review; the caller commits."""
    store.put_setting(f"{PREFIX}{review.hex()}", secret)


def drop_secret(store: SettingStore, review: RecordId) -> None:
    """Forget the secret of a review, if there is one; the caller commits."""
    store.put_setting(f"{PREFIX}{review.hex()}", None)
