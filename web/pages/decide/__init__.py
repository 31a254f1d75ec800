"""Deciding together: the rules and other ones, what they would have paid, and votes."""
