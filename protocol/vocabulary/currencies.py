"""Currencies: how many decimals the smallest amount of a unit has, by ISO 4217.

The table is from the list that was published on 2026-01-01. It is frozen: shares follow from it, so
a later edition of the list must not change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

USUAL_DECIMALS = 2
"""Decimals of every unit that is not in the table, whether a currency or not."""

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

DECIMALS: Mapping[str, int] = MappingProxyType(
    {code: decimals for decimals, codes in _CODES.items() for code in codes.split()}
)
"""By code, the decimals of the currencies that have not the usual number of them."""


def decimals(unit: str) -> int:
    """Return how many decimals amounts of a unit have where the rules do not say it."""
    return DECIMALS.get(unit, USUAL_DECIMALS)
