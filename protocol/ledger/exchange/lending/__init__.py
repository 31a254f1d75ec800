"""Lending: the terms of things, the times for which they are booked, and what is handed over."""
