"""Terms, bookings, blocks, quotas, handovers and late fees of things that are lent."""
