"""Promotion: offers that others bring buyers to, and what their seller owes them for it."""
