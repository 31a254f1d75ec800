"""Tests of the rows behind the SQL views."""
