"""Tests of the SQLite file, its schema, and read-only SQL."""
