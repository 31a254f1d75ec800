"""Tests of the folded ledger, final and pending."""
