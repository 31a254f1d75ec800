"""Tests of what the ledger answers to the seal protocol."""
