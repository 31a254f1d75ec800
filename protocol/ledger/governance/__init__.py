"""Governance: proposals, votes, what an adopted proposal does, and who witnesses."""
