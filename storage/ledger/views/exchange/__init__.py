"""Rows of what members exchange: offers, deals, bookings, data, promotion and reviews."""
