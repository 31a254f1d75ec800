"""Taking in what another platform exports as JSON, once the caller has seen what it comes to.

What is here already is not written again, so an import that was cut off is completed by calling
it again, and so is one of a later export. Prints nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from os import urandom
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.client.contributions.contributions import CONTENT_BYTES_MAX
from commonweal.client.home.submit import now_ms, writer
from commonweal.client.importers.imports import Imports, Progress, VoidRow, unshown
from commonweal.client.importers.known_events import events_naming
from commonweal.client.language.quantity import read_scope
from commonweal.client.language.visible_text import visible
from commonweal.client.ledger.drafts import BATCH_BYTES_MAX, BATCH_RECORDS
from commonweal.client.ledger.forecast import Forecast
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.client.ledger.names.named import outside_name
from commonweal.client.platforms.platform_events import READINGS, PlatformEvent, Unread
from commonweal.client.things.resources import treasury_of
from commonweal.protocol import codec
from commonweal.protocol.errors import OverBudget
from commonweal.protocol.ledger.members.agents import AGENT_NAME, OUTSIDE_BYTES
from commonweal.protocol.ledger.state.rejections import Reason
from commonweal.protocol.ledger.things.quantities import read
from commonweal.protocol.vocabulary.identifiers import displayed_name
from commonweal.storage.ledger.contributions.points_in_time import (
    HAPPENED,
    PointInTime,
    read_point_in_time,
)
from commonweal.storage.ledger.contributions.row_digests import ROW_BYTES, ROW_KEY

if TYPE_CHECKING:
    from commonweal.node.service.events import Wish

FIRST_ENTRIES = 5
FAULTS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class FirstEntry:
    """One of the first new entries, as it would be written. worth: None where it does not count."""

    place: int
    when: PointInTime | None
    name: str
    action: str
    quantity: dict[str, Any] | None
    note: str
    worth: Forecast | None


@dataclass(frozen=True, slots=True)
class PlatformPreview:
    """What an export would come to.

    total, new, here: entries that say something. waiting: payouts of more than the community has
    in its books by now; they are taken in once incomes were attested. faults: the first entries
    that cannot be read or would count for nothing, of `wrong`; then nothing is written. agents:
    how many agents outside are new.
    """

    source: str
    scope: str
    total: int
    new: int
    here: int
    waiting: int
    wrong: int
    faults: tuple[VoidRow, ...]
    agents: int
    first: tuple[FirstEntry, ...]


@dataclass(frozen=True, slots=True)
class PlatformImportResult:
    """What an import came to. written: entries; left: new ones that wait for the next seal."""

    preview: PlatformPreview
    written: int = 0
    left: int = 0


class PlatformImports(Imports):
    """What members gave, and decided, on other platforms."""

    def import_platform(
        self,
        platform: str,
        file: Path,
        *,
        scope: str | None = None,
        confirm: Callable[[PlatformPreview], bool] = lambda _preview: True,
        progress: Progress = unshown,
    ) -> PlatformImportResult:
        """Take in an export: of "opencollective", "loomio" or "github".

        scope: what it was for, else the name of the file. confirm: is given what was found;
        nothing is written when it returns False. Raises UnreadableFile.
        """
        name = read_scope(file.stem if scope is None else scope, self.words)
        with self._only_import():
            look = PlatformLook(self.view, platform, file, name)
            preview = look.preview()
            if preview.wrong or not confirm(preview) or not preview.new:
                return PlatformImportResult(preview)
            self.refresh()
            look = PlatformLook(self.view, platform, file, name)
            preview = look.preview()
            if preview.wrong:
                return PlatformImportResult(preview)
            written = self._write_entries(look, preview, progress)
        return PlatformImportResult(preview, written, preview.new - written)

    def _write_entries(
        self, look: PlatformLook, preview: PlatformPreview, progress: Progress
    ) -> int:
        drafts, written = self.view.drafts(), 0
        with (
            writer(self.home, self._unlock) as write_batch,
            progress(visible(preview.source), preview.new) as advance,
        ):
            for count, batch, begun in look.batches():
                try:
                    made = self._written(write_batch, drafts, batch)
                except OverBudget:
                    break
                if begun is not None:
                    look.treasuries[begun] = made[-1].id
                written += count
                advance(count)
        return written


class PlatformLook:
    """A look at every entry of an export, for the ledger as it is."""

    def __init__(self, view: LedgerView, platform: str, file: Path, scope: str) -> None:
        self._view, self._file, self._scope, self._words = view, file, scope, view.words
        self._reading = READINGS[platform]
        self._drafts = view.drafts()
        self._names, self._agents = _agents_named(view)
        self._given: dict[tuple[bytes, str], int] = {}
        self._here: set[bytes] = set()
        for event in events_naming(view.store, ROW_KEY, ROW_BYTES):
            self._here.add(event.data[ROW_KEY])
            self._note_given(event.data)
        self.treasuries: dict[str, bytes] = {}
        self._waiting: set[int] = set()
        self._taken: set[tuple[bytes, bytes]] = set()
        self._named: set[bytes] = set(self._agents.values())
        self._faults: list[VoidRow] = []
        self._wrong = 0

    def preview(self) -> PlatformPreview:
        """Read every entry, ask the fold, and return what it comes to."""
        total, new, agents = 0, 0, dict[str, None]()
        first: list[FirstEntry] = []
        for event in self._events():
            total += 1
            if isinstance(event, Unread):
                self._note_fault(event.place, event.why)
                continue
            wish = self._wish(event)
            if wish is None:
                continue
            reason = self._drafts.alone(wish)[1]
            if event.is_paid_out and (
                reason is Reason.NOT_ENOUGH or _unit(event) not in self.treasuries
            ):
                self._waiting.add(event.place)
                continue
            if reason is not None:
                self._note_fault(event.place, self._drafts.refusal(reason, wish))
                continue
            new += 1
            if self._agent(event.name) not in self._named:
                agents[event.name] = None
            if len(first) < FIRST_ENTRIES:
                first.append(self._first(event, wish))
        here = total - new - len(self._waiting) - self._wrong
        counts = (total, new, here, len(self._waiting), self._wrong)
        source = str(self._file)
        return PlatformPreview(
            source, self._scope, *counts, tuple(self._faults), len(agents), tuple(first)
        )

    def batches(self) -> Iterator[tuple[int, list[Wish], str | None]]:
        """Yield how many entries a batch is of, its records, and the currency that its last begins.

        An agent is named in the batch of their first entry.
        """
        batch: list[Wish] = []
        count = size = 0
        for event in self._events():
            wish = self._wish(event) if isinstance(event, PlatformEvent) else None
            if wish is None or event.place in self._waiting:
                continue
            assert isinstance(event, PlatformEvent), "it has a wish"
            wishes = [*self._naming(event.name), wish]
            more = sum(len(wished.text.content) for wished in wishes if wished.text)
            if batch and (
                len(batch) + len(wishes) > BATCH_RECORDS or size + more > BATCH_BYTES_MAX
            ):
                yield count, batch, None
                batch, count, size = [], 0, 0
            batch += wishes
            count, size = count + 1, size + more
            if "newInventoriedResource" in wish.data and event.is_income:
                yield count, batch, _unit(event)
                batch, count, size = [], 0, 0
        if batch:
            yield count, batch, None

    def _events(self) -> Iterator[PlatformEvent | Unread]:
        self._taken.clear()
        for event in self._reading(self._file, self._scope, now_ms(), self._words):
            if isinstance(event, PlatformEvent):
                why = self._unusable(event)
                if why is not None:
                    yield Unread(event.place, why)
                    continue
            yield event

    def _unusable(self, event: PlatformEvent) -> str | None:
        if displayed_name(event.name) != event.name:
            return self._words("{name} is no name that can be kept").format(name=event.name)
        if len(event.note.encode("utf-8", "replace")) > CONTENT_BYTES_MAX:
            return self._words("the note is longer than a record takes")
        return None

    def _wish(self, event: PlatformEvent) -> Wish | None:
        """Return the event to be written for an entry; None where it is here already."""
        from commonweal.node.service.events import Text, Wish

        digest = blake2b(codec.encode(list(event.identity)), digest_size=ROW_BYTES).digest()
        agent, data = self._agent(event.name), dict(event.data)
        known = (digest, agent)
        if event.total is not None:
            more = event.total - self._given.get((digest, event.name), 0)
            if more <= 0 or known in self._taken:
                return None
            data["resourceQuantity"] = {"n": more, "scale": 0, "unit": _unit(event)}
        elif digest in self._here or (digest, b"") in self._taken:
            return None
        self._taken.add(known if event.total is not None else (digest, b""))
        data |= self._sides(event, agent)
        note = event.note.encode("utf-8", "replace")
        return Wish("event", {**data, ROW_KEY: digest}, (), Text("text/plain", note))

    def _sides(self, event: PlatformEvent, agent: bytes) -> dict[str, codec.Value]:
        """Return who gave and who received, and where the community keeps what it was given."""
        if not event.is_income and not event.is_paid_out:
            return {"provider": agent}
        community, unit = bytes(self._view.community), _unit(event)
        if unit not in self.treasuries:
            held = treasury_of(self._view, unit)
            if held is not None:
                self.treasuries[unit] = held
        treasury = self.treasuries.get(unit)
        if event.is_paid_out:
            paid: dict[str, codec.Value] = {"provider": community, "receiver": agent}
            source = None if treasury is None else bytes(treasury)
            return {**paid, "newInventoriedResource": {}, "resourceInventoriedAs": source}
        given: dict[str, codec.Value] = {"provider": agent, "receiver": community}
        if treasury is None:
            return {**given, "newInventoriedResource": {}}
        return {**given, "toResourceInventoriedAs": bytes(treasury)}

    def _agent(self, name: str) -> bytes:
        return self._agents.setdefault(name, urandom(OUTSIDE_BYTES))

    def _naming(self, name: str) -> list[Wish]:
        """Return the record that names an agent, once."""
        from commonweal.node.service.events import Text, Wish

        agent = self._agent(name)
        if agent in self._named:
            return []
        self._named.add(agent)
        return [Wish("agent.name", {"agent": agent}, (), Text("text/plain", name.encode()))]

    def _note_given(self, data: dict[str, Any]) -> None:
        """Count the commits that a name has of a source, whoever took them in: exports grow."""
        provider, amount = data.get("provider"), read(data.get("resourceQuantity"))
        name = self._names.get(provider) if type(provider) is bytes else None
        if name is not None and amount is not None and not amount.scale:
            key = (data[ROW_KEY], name)
            self._given[key] = self._given.get(key, 0) + amount.n

    def _note_fault(self, place: int, why: str) -> None:
        self._wrong += 1
        if len(self._faults) < FAULTS_SHOWN_MAX:
            self._faults.append(VoidRow(place, why))

    def _first(self, event: PlatformEvent, wish: Wish) -> FirstEntry:
        drafts, data = self._view.drafts(), dict[str, Any](wish.data)
        trial = drafts.check(wish)
        when = read_point_in_time(data.get(HAPPENED))
        worth = None if trial.reason is not None else drafts.forecast(trial.id)
        amount = data.get("resourceQuantity")
        return FirstEntry(event.place, when, event.name, data["action"], amount, event.note, worth)


def _agents_named(view: LedgerView) -> tuple[dict[bytes, str], dict[str, bytes]]:
    """Return the name of each agent outside, and those that this member named by their names."""
    names: dict[bytes, str] = {}
    own: dict[str, bytes] = {}
    for key, (member, _record) in view.state.items(AGENT_NAME):
        agent = key[len(AGENT_NAME) :]
        name = outside_name(view, agent)
        if name is not None:
            names[agent] = name
            if member == view.me:
                own.setdefault(name, agent)
    return names, own


def _unit(event: PlatformEvent) -> str:
    amount = event.data["resourceQuantity"]
    assert isinstance(amount, dict), "only citing has no quantity"
    return str(amount["unit"])
