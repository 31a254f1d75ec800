"""Rules under which members have balances in hours, for tests of what pays."""

from __future__ import annotations

from tests.builders.commons import RULES

CREDIT_RULES = RULES + (
    """
[credit.hour]
floor = -5
soft_floor = -3
soft_ceiling = 2
ceiling = 3
en = "Whoever is helped pays in hours."
zh = "受助者以小时支付。"
"""
)
"""A balance goes from -5 to 3 hours, and is flagged below -3 and above 2."""
