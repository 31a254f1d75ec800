"""Tests of the logs of records."""
