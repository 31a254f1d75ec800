"""Campaigns: begun, pledged to, paid, cancelled; how they stand."""
