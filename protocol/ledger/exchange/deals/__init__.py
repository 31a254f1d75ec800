"""Deals: what parties agree on, what the last yes comes to, and how agreements end."""
