"""Agreements: who says yes, what it comes to, and what is set off."""
