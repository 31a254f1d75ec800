"""Ventures: what members undertake together."""
