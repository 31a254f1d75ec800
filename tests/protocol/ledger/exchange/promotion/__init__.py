"""Promotions of offers, referrals of their buyers, and the commissions that follow."""
