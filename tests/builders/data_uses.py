"""Consents and uses of data, written in homes as members write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commonweal.client.access import wish_of
from commonweal.client.member import Member
from commonweal.node.service.events import Text
from commonweal.protocol.records.record import RecordId
from commonweal.storage.home.home import Home, Settings

NOTICE = Text("text/plain", b"Your yields are used for research.", permanent=True)


def member_of(home: Path) -> bytes:
    """Return the member whose home it is."""
    with Home(home).store(readonly=True) as store:
        return bytes(Settings.read(store).member)


def grant(home: Path, name: str, recipients: Sequence[Path], per_use: int = 50) -> RecordId:
    """Let the member of a home consent to research with their data by those of other homes.

    per_use: hundredths of a EUR for each use.
    """
    with Member(home) as me:
        data: dict[str, Any] = {
            "resource": bytes(me.find_data(name).id),
            "purposes": ["research"],
            "recipients": sorted(map(member_of, recipients)),
            "language": "en",
            "benefit": {"perUse": {"n": per_use, "scale": 2, "unit": "EUR"}},
        }
        (written,) = me._write(wish_of("consent.grant", data, (data["resource"],), NOTICE))
        return written.id


def revoke(home: Path, consent: RecordId) -> RecordId:
    """Let the giver of a consent end it."""
    with Member(home) as me:
        (written,) = me._write(wish_of("consent.revoke", {"consent": bytes(consent)}, (consent,)))
        return written.id


def use(home: Path, name: str, consent: RecordId, purpose: str = "research") -> RecordId:
    """Let the member of a home use data of another under a consent."""
    with Member(home) as me:
        found = me.find_data(name)
        data: dict[str, Any] = {
            "action": "use",
            "provider": found.owner,
            "receiver": bytes(me.view.me),
            "resourceInventoriedAs": bytes(found.id),
            "resourceQuantity": {"n": 1, "scale": 0, "unit": "one"},
            "consent": bytes(consent),
            "purpose": purpose,
        }
        (written,) = me._write(wish_of("event", data, (found.id, consent)))
        return written.id
