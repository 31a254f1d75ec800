"""Deals: who gives what to another, proposed, answered and kept."""
