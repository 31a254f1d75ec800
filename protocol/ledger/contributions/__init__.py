"""Contributions: economic events, what they do to resources, and what others attest of them."""
