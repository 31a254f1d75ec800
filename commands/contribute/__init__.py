"""Contribute: record, list, attest, correct and withdraw contributions."""
