"""The 19 actions of Valueflows 1.0 and their effects: the table that `event` follows.

The words in the table are those of the specification; "-" is notApplicable. Nothing here applies
an effect. Source: https://www.valueflo.ws/specification/actions/ (v1.0.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_QUANTITIES = """
action             side         creates     quantity  accounting          onhand
accept             input        -           resource  -                   decrement
cite               input        -           resource  -                   -
combine            input        -           resource  -                   decrement
consume            input        -           resource  decrement           decrement
copy               -            optionalTo  resource  incrementTo         incrementTo
deliverService     outputInput  -           resource  -                   -
dropoff            output       -           resource  -                   increment
lower              -            optional    resource  decrement           decrement
modify             output       -           resource  -                   increment
move               -            optionalTo  resource  decrementIncrement  decrementIncrement
pickup             input        -           resource  -                   decrement
produce            output       optional    resource  increment           increment
raise              -            optional    resource  increment           increment
separate           output       -           resource  -                   increment
transfer           -            optionalTo  resource  decrementIncrement  decrementIncrement
transferAllRights  -            optionalTo  resource  decrementIncrement  -
transferCustody    -            optionalTo  resource  -                   decrementIncrement
use                input        -           both      -                   -
work               input        -           effort    -                   -
"""

_OTHERS = """
action             location  contained  accountable  stage   state     pair
accept             update    -          -            -       update    modify
cite               -         -          -            -       update    -
combine            -         update     -            -       update    -
consume            -         -          -            -       update    -
copy               new       -          new          -       updateTo  -
deliverService     -         -          -            -       -         -
dropoff            update    -          -            update  update    pickup
lower              -         -          new          -       update    -
modify             update    -          -            update  update    accept
move               updateTo  -          -            -       updateTo  -
pickup             update    -          -            -       update    dropoff
produce            new       -          new          update  update    -
raise              -         -          new          -       update    -
separate           -         remove     -            update  update    -
transfer           updateTo  -          updateTo     -       updateTo  -
transferAllRights  -         -          updateTo     -       updateTo  -
transferCustody    updateTo  -          -            -       updateTo  -
use                -         -          -            -       update    -
work               -         -          -            -       -         -
"""

_SIGNS = {
    "-": (0, 0),
    "increment": (1, 0),
    "decrement": (-1, 0),
    "decrementIncrement": (-1, 1),
    "incrementTo": (0, 1),
}


class Action(NamedTuple):
    """The effects of an action, in the words of Valueflows; "-" is notApplicable.

    side: input or output of a process. creates: whether it may create a resource, "optional" or
    "optionalTo". accounting, onhand: effect on the quantities of a resource. The other fields:
    attributes that it sets, "update" of the resource, "updateTo" of the receiving resource.
    """

    name: str
    side: str
    creates: str
    quantity: str
    accounting: str
    onhand: str
    location: str
    contained: str
    accountable: str
    stage: str
    state: str
    pair: str

    @property
    def accounting_signs(self) -> tuple[int, int]:
        """The sign of the accounting quantity: (of the resource, of the receiving resource)."""
        return _SIGNS[self.accounting]

    @property
    def onhand_signs(self) -> tuple[int, int]:
        """The sign of the onhand quantity: (of the resource, of the receiving resource)."""
        return _SIGNS[self.onhand]

    @property
    def has_two_sides(self) -> bool:
        """Whether a quantity moves from one resource to another."""
        return "decrementIncrement" in (self.accounting, self.onhand)


def _rows(table: str) -> list[str]:
    return table.strip().splitlines()[1:]


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        row.split()[0]: Action(*row.split(), *other.split()[1:])
        for row, other in zip(_rows(_QUANTITIES), _rows(_OTHERS), strict=True)
    }
)
