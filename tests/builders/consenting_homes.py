"""Mei has data, and Bo and Ana of the same community ask for it and use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from commonweal.client import Member
from commonweal.client.access import wish_of
from tests.builders.commons import Commons

ONE = {"n": 1, "scale": 0, "unit": "one"}
NOTICE = "What you wrote is used for research."


class ConsentingHomes(Commons):
    """Mei's data are called notes; its id is `data`."""

    def __init__(self, folder: Path, rules: str | None = None) -> None:
        folder.mkdir()
        super().__init__(folder, rules)
        with Member(self.mei) as mei:
            spec = mei._write_one("spec.resource", {"name": "notes", "unit": "one"}).id
            said: dict[str, Any] = {"action": "raise", "provider": bytes(mei.view.me)}
            said |= {"resourceConformsTo": bytes(spec), "newInventoriedResource": {}}
            said |= {"content": {"hash": bytes(32), "size": 1_234}, "resourceQuantity": ONE}
            (made,) = mei._write(wish_of("event", said))
            self.data = made.id.hex()
        self.meet()
        self.seal()

    def granted(self, *to: str, **over: Any) -> str:
        """Let Mei consent that others use the notes for research; return the consent."""
        said: dict[str, Any] = {"per_use": ("0.50", "EUR")} | over
        with Member(self.mei) as mei:
            made = mei.grant_consent("notes", ["research"], to or ("Bo",), NOTICE, **said)
        self.meet()
        return made.consent.hex()

    def used(self) -> str:
        """Let Bo use the notes for research; return the use."""
        with Member(self.bo) as bo:
            made = bo.use_data("notes", "research")
        self.meet()
        return made.id.hex()
