"""Tests of what members offer, promise and owe each other."""
