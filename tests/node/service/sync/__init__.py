"""Tests of how records and branches are served to peers."""
