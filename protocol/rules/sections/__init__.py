"""Sections of a ruleset, each checked and read by a module of its own."""
