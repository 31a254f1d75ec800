"""Tests of the matching of offers and needs."""
