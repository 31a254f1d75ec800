"""In which unit the rules count what a row says: minutes of a sheet may count as hours.

It is asked once for each action and unit, with an amount that is exact in all units alike.
"""

from __future__ import annotations

from typing import Any

from commonweal.client.contributions.unit_choice import EventDraft, best_trial, not_exact
from commonweal.client.language.quantity import converted, rounded, units_alike
from commonweal.client.language.words import Words
from commonweal.client.ledger.ledger_view import LedgerView
from commonweal.protocol.errors import CommonwealError, WouldNotCount

CHOICES_MAX = 4_096
_FIELDS = ("effortQuantity", "resourceQuantity")


class RowUnits:
    """The units that the rules in force count, as far as rows asked for them."""

    def __init__(self, view: LedgerView, words: Words) -> None:
        self._view, self._words = view, words
        self._chosen: dict[tuple[Any, ...], str] = {}

    def counted(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what an event says, with its quantity in the unit that the rules count.

        Raises WouldNotCount where the quantity is no exact number of that unit.
        """
        field = next(field for field in _FIELDS if field in data)
        amount = data[field]
        unit = amount["unit"]
        if not units_alike(unit):
            return data
        into = self._unit(data, field)
        if into == unit:
            return data
        exact = converted(amount["n"], amount["scale"], unit, into)
        if exact is None:
            n, scale = rounded(amount["n"], amount["scale"], unit, into)
            about = {"n": n, "scale": scale, "unit": into}
            raise WouldNotCount(not_exact(amount, about, self._words))
        return data | {field: {"n": exact[0], "scale": exact[1], "unit": into}}

    def _unit(self, data: dict[str, Any], field: str) -> str:
        """Return the unit in which the rules count such an event; its own where none does."""
        unit: str = data[field]["unit"]
        key = (data["action"], field, unit, data.get("factor"))
        if key not in self._chosen:
            if len(self._chosen) >= CHOICES_MAX:
                return unit
            rest = {name: value for name, value in data.items() if name != field}
            probe = {field: {"n": _one_of_the_largest(unit), "scale": 0, "unit": unit}}
            try:
                trial = best_trial(EventDraft(self._view, rest), probe, self._words)
                self._chosen[key] = trial.amounts[field]["unit"]
            except CommonwealError:
                self._chosen[key] = unit
        return self._chosen[key]


def _one_of_the_largest(unit: str) -> int:
    """Return how many of a unit are one of the largest unit alike: 60 of minutes."""
    parts = [converted(1, 0, other, unit) for other in units_alike(unit)]
    return max([1, *(part[0] for part in parts if part is not None and not part[1])])
