"""Promotion: what is promoted for a commission, and who brought a buyer."""
