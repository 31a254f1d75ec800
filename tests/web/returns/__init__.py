"""The pages of money and of reports."""
