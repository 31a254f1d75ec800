"""Campaigns: sums that members raise together, closed by seals."""
