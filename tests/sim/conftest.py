"""A signature is good or bad for ever: in a simulation each is checked once, not by each node."""

from __future__ import annotations

from functools import lru_cache

import pytest
from nacl.bindings import crypto_sign_open

from commonweal.protocol import keys

REMEMBERED = 50_000
_CHECKED = lru_cache(REMEMBERED)(crypto_sign_open)


@pytest.fixture(autouse=True)
def _remembered_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "crypto_sign_open", _CHECKED)
