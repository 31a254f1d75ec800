"""Matching: which offers and needs suit each other, suggested alike by every node."""
