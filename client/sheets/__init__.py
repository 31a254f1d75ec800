"""Sheets (CSV) that people keep: how one is written, what its rows say, and what is new."""
