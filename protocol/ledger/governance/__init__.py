"""Proposals, votes, and what an adopted proposal does."""
