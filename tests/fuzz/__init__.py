"""Bytes from outside, at every door: they raise only our errors, and soon."""
