"""Claims about value, splits and corrections."""
