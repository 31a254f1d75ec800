"""Lending on the page: the calendar, booking, and the terms on which things are lent."""
