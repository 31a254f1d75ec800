"""Readers of what members import: git histories and old homes. They print nothing."""
