"""Readers of what members import: git histories and sheets. They print nothing."""
