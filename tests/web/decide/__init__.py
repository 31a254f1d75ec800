"""Deciding together in a browser."""
