"""Decide: rules, proposals and votes."""
