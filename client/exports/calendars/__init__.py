"""The calendar of a community: what is booked and what is due, and as a file for other programs."""
