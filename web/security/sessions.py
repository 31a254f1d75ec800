"""Sessions: which browsers were let in, by a cookie whose hash is kept.

They are kept in a file of the home (0600), so that a page that was restarted still knows its
browsers. They hold at one port alone: where the page comes back at another one, any user of this
computer may listen at the earlier one, and open windows go on sending their cookies there. A
session ends after IDLE_MS_MAX without a request, and the oldest ends when there are SESSIONS_MAX.
The form token follows from the cookie, which no other site can read.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

SESSIONS_MAX = 8
IDLE_MS_MAX = 12 * 3_600_000
COOKIE_BYTES = 32
FILE_BYTES_MAX = 16 * 1024
KEPT_EVERY_MS = 600_000
"""How often the file learns that a session is used."""
NOTICES_MAX = 8
ANSWERS_MAX = 32
"""How many answers to forms a session remembers, for those that are sent again."""
TYPED_MAX = 8
"""How many forms that were looked at a session keeps; each came through the gate."""
NAME_BYTES = 12


@dataclass(slots=True)
class Session:
    """A browser that was let in. key: the hash of its cookie.

    form_token: what every form carries. notices: sentences for the next page that it sees.
    answers: where forms that wrote led to, and with which notice, by the keys they wrote under.
    typed: the fields of forms that were looked at, by the names under which they are shown.
    """

    key: str
    form_token: str
    notices: list[str] = field(default_factory=list)
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    typed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def notify(self, sentence: str) -> None:
        """Let the next page show a sentence; of too many, the earliest is forgotten."""
        self.notices = [*self.notices[1 - NOTICES_MAX :], sentence]

    def remember(self, key: str, answer: tuple[str, str]) -> None:
        """Remember the answer to a form; of too many, the earliest is forgotten."""
        self.answers[key] = answer
        while len(self.answers) > ANSWERS_MAX:
            del self.answers[next(iter(self.answers))]

    def keep_typed(self, fields: list[tuple[str, str]]) -> str:
        """Keep what was typed, and return its name; of too many, the earliest is forgotten."""
        name = secrets.token_urlsafe(NAME_BYTES)
        self.typed[name] = fields
        while len(self.typed) > TYPED_MAX:
            del self.typed[next(iter(self.typed))]
        return name

    def take_notices(self) -> list[str]:
        """Return the sentences to be shown, once."""
        told, self.notices = self.notices, []
        return told


class Sessions:
    """All sessions of a home's page."""

    def __init__(self, home: Path, port: int) -> None:
        """Read the sessions of the process before, if it listened at the same port."""
        self.cookie_name = f"weal_{blake2b(os.fsencode(home.resolve()), digest_size=4).hexdigest()}"
        """Names the home: cookies are sent to every port of a host."""
        self._port = port
        self._file = home / "page-sessions.json"
        self._used_ms = self._read()
        self._open: dict[str, Session] = {}
        self._kept_ms = 0

    def begin(self, now_ms: int) -> str:
        """Begin a session; return the value of its cookie."""
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        self._drop_idle(now_ms)
        while len(self._used_ms) >= SESSIONS_MAX:
            self.end(min(self._used_ms, key=lambda key: self._used_ms[key]))
        self._used_ms[_key(cookie)] = now_ms
        self._keep()
        return cookie

    def of(self, cookie: str, now_ms: int, *, is_used: bool = True) -> Session | None:
        """Return the session of a cookie; None where there is none.

        is_used: by a person; what an open window asks by itself does not make a session last.
        """
        key = _key(cookie)
        self._drop_idle(now_ms)
        if key not in self._used_ms:
            return None
        if is_used:
            self._used_ms[key] = now_ms
        if now_ms - self._kept_ms > KEPT_EVERY_MS:
            self._kept_ms = now_ms
            self._keep()
        if key not in self._open:
            self._open[key] = Session(key, _form_token(cookie))
        return self._open[key]

    def end(self, key: str) -> None:
        """End a session."""
        self._used_ms.pop(key, None)
        self._open.pop(key, None)
        self._keep()

    def end_others(self, key: str) -> int:
        """End all sessions but one; return how many ended."""
        others = [other for other in self._used_ms if other != key]
        for other in others:
            self.end(other)
        return len(others)

    def __len__(self) -> int:
        """How many sessions there are."""
        return len(self._used_ms)

    def _drop_idle(self, now_ms: int) -> None:
        for key, used_ms in list(self._used_ms.items()):
            if now_ms - used_ms > IDLE_MS_MAX:
                self.end(key)

    def _read(self) -> dict[str, int]:
        with suppress(OSError, ValueError):
            with self._file.open("rb") as file:
                kept = json.loads(file.read(FILE_BYTES_MAX))
            match kept:
                case {"port": self._port, "used_ms": dict(used_ms)}:
                    good = {key: used for key, used in used_ms.items() if isinstance(used, int)}
                    return dict(list(good.items())[:SESSIONS_MAX])
            self._file.unlink(missing_ok=True)  # they end for good, also at the earlier port
        return {}

    def _keep(self) -> None:
        """Write the file; on a full disk sessions live as long as the process."""
        draft = self._file.with_name(f".{self._file.name}.part")
        with suppress(OSError):
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(json.dumps({"port": self._port, "used_ms": self._used_ms}).encode())
            draft.replace(self._file)


def _key(cookie: str) -> str:
    return blake2b(
        cookie.encode("utf-8", "replace"), digest_size=16, person=b"weal cookie"
    ).hexdigest()


def _form_token(cookie: str) -> str:
    return blake2b(cookie.encode(), digest_size=16, person=b"weal form").hexdigest()
