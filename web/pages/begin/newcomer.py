"""Where somebody stands who begins: the next step follows from the home alone.

So a step can be repeated, the page closed and opened, and what `weal start` began goes on here.
"""

from __future__ import annotations

from enum import StrEnum

from commonweal.client.community.homes import is_made, unconfirmed_words
from commonweal.client.community.standing import WAITING
from commonweal.client.member import Member
from commonweal.storage.home import keystore
from commonweal.storage.home.home import Home, Settings
from commonweal.storage.home.keystore import Secrets


class BeginStep(StrEnum):
    """What comes next."""

    HOME = "home"
    LOCKED = "locked"
    WORDS = "words"
    COMMUNITY = "community"
    NODE = "node"
    WAITING = "waiting"
    DONE = "done"


class Newcomer:
    """The steps of one home. The passphrase is held in memory until the node runs."""

    def __init__(self, home: Home) -> None:
        """Nothing is read before it is asked for."""
        self.home = home
        self._passphrase: str | None = None

    def keep_passphrase(self, passphrase: str | None) -> None:
        """Hold the passphrase for the steps that need it. Raises WrongPassphrase."""
        if is_made(self.home):
            keystore.unlock(self.home.keystore, passphrase)
        self._passphrase = passphrase

    def forget(self) -> None:
        """Hold the passphrase no longer."""
        self._passphrase = None

    @property
    def passphrase(self) -> str | None:
        """The passphrase, for what writes now; None for none."""
        return self._passphrase

    def step(self) -> BeginStep:
        """Return what comes next."""
        if not is_made(self.home):
            return BeginStep.HOME
        is_running = self.home.holder() is not None
        if not is_running and self._is_locked():
            return BeginStep.LOCKED
        if not is_running and self.words() is not None:
            return BeginStep.WORDS
        with self.home.store(readonly=True) as store:
            if Settings.read(store).community is None:
                return BeginStep.COMMUNITY
        if not is_running:
            return BeginStep.NODE
        with Member(self.home) as member:
            return BeginStep.WAITING if member.status().state == WAITING else BeginStep.DONE

    def words(self) -> list[str] | None:
        """Return the 24 words where they are not on paper yet."""
        phrase = unconfirmed_words(self.home, self._unlock)
        return None if phrase is None else phrase.split()

    def _is_locked(self) -> bool:
        return self._passphrase is None and keystore.needs_passphrase(self.home.keystore)

    def _unlock(self, home: Home) -> Secrets:
        return keystore.unlock(home.keystore, self._passphrase)
