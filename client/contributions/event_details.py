"""What a contribution says beside its action, as members type it and as an event holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from commonweal.client.home.submit import now_ms
from commonweal.client.language.quantity import read_scope, shown_action
from commonweal.client.language.times import read_when, stated
from commonweal.client.ledger.names.named import (
    find_agent,
    find_process,
    find_resource,
    find_spec,
    owned_by,
)
from commonweal.client.plans.plans import fulfilling
from commonweal.protocol.errors import UnusableText, UsageError
from commonweal.protocol.ledger.exchange.commitments import COMMITMENT
from commonweal.protocol.ledger.exchange.offers.intents import INTENT
from commonweal.protocol.vocabulary.actions import ACTIONS
from commonweal.protocol.vocabulary.identifiers import (
    CODE_CHARACTERS_MAX,
    displayed_name,
    is_name,
)
from commonweal.storage.ledger.contributions.points_in_time import HAPPENED

if TYPE_CHECKING:
    from commonweal.client.language.words import Words
    from commonweal.client.ledger.ledger_view import LedgerView


class EventDetails(TypedDict, total=False):
    """What a contribution says beside its action and quantity; what is None or missing is not said.

    provider, receiver: a member, an agent outside or the community, by name or id; the provider
    is this member when not said. scope: a project or place. factor: of production. when: the date
    of the contribution. spec: of the resource, by name or id. resource: what is taken, changed or
    used; to_resource: what it goes to; contained_in: what it is combined into. new_resource: the
    event begins one; the name of its specification, or "" for that of what it is taken from.
    input_of, output_of: a process. state, location: of the resource from now on. fulfills,
    satisfies: a commitment, an intent.
    """

    provider: str | None
    receiver: str | None
    scope: str | None
    factor: str | None
    when: str | None
    spec: str | None
    resource: str | None
    to_resource: str | None
    contained_in: str | None
    new_resource: str | None
    input_of: str | None
    output_of: str | None
    state: str | None
    location: str | None
    fulfills: str | None
    satisfies: str | None


def event_data(view: LedgerView, action: str, details: EventDetails) -> dict[str, Any]:
    """Return the data of an event, without its quantities and the specification that it begins.

    Raises UnknownId, AmbiguousId, UnusableText, UnreadableTime, FutureTime.
    """
    provider = details.get("provider")
    giver = bytes(view.me) if provider is None else find_agent(view, provider)
    receiver = details.get("receiver")
    taker = None if receiver is None else find_agent(view, receiver)
    data: dict[str, Any] = {"action": action, "provider": giver, "receiver": taker}
    data |= _things(view, details, giver, taker)
    if (when := details.get("when")) is not None:
        data[HAPPENED] = stated(read_when(when, now_ms()))
    if (scope := details.get("scope")) is not None:
        data["inScopeOf"] = read_scope(scope, view.words)
    data["factor"] = details.get("factor")
    data["state"] = read_code(details.get("state"), view.words)
    data["atLocation"] = read_code(details.get("location"), view.words)
    if details.get("new_resource") is not None:
        data["newInventoriedResource"] = {}
    _changes(action, data, view.words)
    said = {key: value for key, value in data.items() if value is not None}
    return fulfilling(view, said, begins=bool(details.get("new_resource")))


def _changes(action: str, data: dict[str, Any], words: Words) -> None:
    """Raise UsageError for what the action leaves as it is, by the effect table."""
    effects = ACTIONS[action]
    for key, option, effect in (
        ("state", "--state", effects.state),
        ("atLocation", "--location", effects.location),
        ("containedIn", "--contained-in", effects.contained),
    ):
        if data.get(key) is not None and effect in ("-", "remove"):
            text = words("{option}: the action {action} does not set it")
            raise UsageError(text.format(option=option, action=shown_action(action, words)))


def _things(
    view: LedgerView, details: EventDetails, giver: bytes, taker: bytes | None
) -> dict[str, Any]:
    """Return what an event names by id."""
    named: dict[str, bytes] = {}
    if (resource := details.get("resource")) is not None:
        named["resourceInventoriedAs"] = find_resource(view, resource, *owned_by(giver))
    if (target := details.get("to_resource")) is not None:
        named["toResourceInventoriedAs"] = find_resource(view, target, *owned_by(taker or giver))
    if (whole := details.get("contained_in")) is not None:
        named["containedIn"] = find_resource(view, whole, *owned_by(giver))
    if (spec := details.get("spec")) is not None:
        named["resourceConformsTo"] = find_spec(view, spec)
    if (process := details.get("input_of")) is not None:
        named["inputOf"] = find_process(view, process)
    if (process := details.get("output_of")) is not None:
        named["outputOf"] = find_process(view, process)
    if (plan := details.get("fulfills")) is not None:
        named["fulfills"] = view.id_among(plan, COMMITMENT)
    if (plan := details.get("satisfies")) is not None:
        named["satisfies"] = view.id_among(plan, INTENT)
    return {key: bytes(id) for key, id in named.items()}


def read_code(text: str | None, words: Words) -> str | None:
    """Return a state or a place in the form that the ledger takes. Raises UnusableText."""
    if text is None:
        return None
    plain = displayed_name(text)
    if not is_name(plain, CODE_CHARACTERS_MAX) or len(text.strip()) > CODE_CHARACTERS_MAX:
        most = words("a state or a place has 1 to {most} characters, all visible")
        raise UnusableText(most.format(most=CODE_CHARACTERS_MAX))
    return plain
