"""Lending: things that are booked, handed out and brought back, and when."""
