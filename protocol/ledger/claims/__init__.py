"""What the community owes: pools, payout lines, claims, and the settlement of claims."""
