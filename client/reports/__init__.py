"""Reports: where money went, and what came of the contributions of a month or a year."""
