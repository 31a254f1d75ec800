"""Payments: balances of members with each other, and what they ask and owe."""
