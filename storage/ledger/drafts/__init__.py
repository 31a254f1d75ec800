"""Drafts: what a record would come to before it is written, and what it has to cite."""
