"""What records say: their kinds and fields in a member's words, their texts and notes."""
