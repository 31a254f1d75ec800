"""Deals: what members agree to give each other, how that stands, and what waits for members."""
