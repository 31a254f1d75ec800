"""The pages of every day."""
