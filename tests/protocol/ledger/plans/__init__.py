"""Tests of recipes and plans."""
