"""Tests of events, and what they are about."""
