"""What members undertake together: tests of the ledger."""
