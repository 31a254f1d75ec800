"""Import: commits, sheets, and what other platforms export."""
