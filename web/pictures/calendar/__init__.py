"""Grids of a week and of a month: spans of time in local days, and the same as a table."""
