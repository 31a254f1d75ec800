"""Promotion as members use it: what is promoted, who brought them, and what it earned."""
