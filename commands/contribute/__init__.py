"""Contribute: record, import, list, attest and correct contributions."""
